import { parse } from 'yaml';
import { readConfig } from '../../src/config.ts';

/**
 * What can be known of a compose file without Docker: that it parses, that every name in it leads somewhere, and that a gateway would
 * start with the environment it is given.
 */

/** A service, as far as it is looked at. */
type Service = {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile?: string };
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: object;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
};

type ComposeFile = {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes?: Readonly<Record<string, unknown>>;
};

/** What the judge needs beside the text. */
export type Surroundings = {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether a file or folder of the project exists. */
  exists(path: string): boolean;
};

const variable = /\$\$|\$\{(?<name>\w+)(?:(?<operator>:?[-?])(?<rest>(?:\$\$|[^}])*))?\}/g;

/** Compose's interpolation: `${A}`, `${A:-default}`, `${A:?message}`, `$$`. A variable that must be set takes a stand-in. */
const interpolate = (text: string, env: Surroundings['env']): string =>
  text.replace(variable, (...found) => {
    const { name, operator, rest } = found.at(-1) as { name?: string; operator?: string; rest?: string };
    if (name === undefined) return '$';
    if (operator?.endsWith('?')) return env[name] ?? 'a-stand-in-of-forty-bytes-0123456789abcd';
    return env[name] ?? rest ?? '';
  });

const dependencyProblem = (file: ComposeFile, other: string, condition: string): string | null => {
  const target = file.services[other];
  if (target === undefined) return `depends on ${other}, which is not a service`;
  if (condition !== 'service_healthy' || target.healthcheck !== undefined) return null;
  return `waits until ${other} is healthy, but that has no health check`;
};

const volumeProblem = (file: ComposeFile, volume: string, exists: Surroundings['exists']): string | null => {
  const source = volume.split(':')[0] ?? '';
  const isFound = source.startsWith('.') ? exists(source) : Object.hasOwn(file.volumes ?? {}, source);
  return isFound ? null : `mounts ${source}, which does not exist`;
};

const buildProblem = ({ build }: Service, exists: Surroundings['exists']): string | null => {
  const dockerfile = build?.dockerfile ?? 'Dockerfile';
  return build === undefined || exists(dockerfile) ? null : `is built from ${dockerfile}, which does not exist`;
};

const namesIn = (file: ComposeFile, [name, service]: [string, Service], exists: Surroundings['exists']): string[] =>
  [
    ...Object.entries(service.depends_on ?? {}).map(([other, { condition }]) =>
      dependencyProblem(file, other, condition),
    ),
    ...(service.volumes ?? []).map((volume) => volumeProblem(file, volume, exists)),
    buildProblem(service, exists),
  ]
    .filter((problem) => problem !== null)
    .map((problem) => `${name} ${problem}`);

const safety = ([name, { image = '', ports = [] }]: [string, Service]): string[] => {
  const problems = ports
    .filter((port) => !port.startsWith('127.0.0.1:'))
    .map((port) => `${name} opens ${port} to the network: begin it with 127.0.0.1:`);
  if (!/:[\w.-]*[\w]$/.test(image) || image.endsWith(':latest'))
    problems.push(`${name} has image ${image || 'none'}: name a version`);
  return problems;
};

const settings = ([name, { environment = {} }]: [string, Service]): string[] => {
  if (!Object.keys(environment).some((key) => key.startsWith('CARILLON_'))) return [];
  const outcome = readConfig(environment, () => '-----BEGIN ');
  return outcome.ok ? [] : outcome.problems.map((problem) => `${name}: ${problem}`);
};

/** Every problem of a compose file's text; empty when none is found. */
export const judgeCompose = (text: string, { env, exists }: Surroundings): string[] => {
  let file: ComposeFile;
  try {
    file = parse(interpolate(text, env), { merge: true }) as ComposeFile;
  } catch (cause) {
    return [cause instanceof Error ? cause.message : String(cause)];
  }
  return Object.entries(file.services).flatMap((entry) => [
    ...namesIn(file, entry, exists),
    ...safety(entry),
    ...settings(entry),
  ]);
};

/** What a Dockerfile copies from the project and does not exist there, or is kept out by `.dockerignore`. */
export const judgeDockerfile = (
  dockerfile: string,
  ignore: string,
  { exists }: Pick<Surroundings, 'exists'>,
): string[] => {
  const kept = new Set(ignore.split('\n').flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : [])));
  const sources = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap((match) =>
    (match[1] ?? '').split(' '),
  );
  return sources.flatMap((source) => {
    if (!exists(source)) return [`the Dockerfile copies ${source}, which does not exist`];
    return kept.has(source) ? [] : [`the Dockerfile copies ${source}, which .dockerignore keeps out`];
  });
};
