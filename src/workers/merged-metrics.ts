/**
 * Metrics of several nodes as one Prometheus exposition (text format 0.0.4): each family once, with its one HELP and TYPE, and in it every node's
 * series with one label more. Sums are left to whoever asks: a user with sockets on two workers is a user of both.
 */

/** One node's metrics. */
export type WorkerMetrics = { readonly worker: number; readonly text: string };

/** A metric of the supervisor's own; one value per worker. */
export type OwnFamily = {
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  readonly help: string;
  readonly values: readonly { readonly worker: number; readonly value: number }[];
};

type Family = { readonly headers: Map<string, string>; readonly samples: string[] };

/** What a histogram's or summary's series have behind the family's name. */
const suffixes = ['', '_bucket', '_sum', '_count'];

const isOf = (family: string, series: string): boolean =>
  series.startsWith(family) && suffixes.includes(series.slice(family.length));

const familyIn = (families: Map<string, Family>, name: string): Family => {
  const known = families.get(name);
  if (known !== undefined) return known;
  const made: Family = { headers: new Map(), samples: [] };
  families.set(name, made);
  return made;
};

/** `name{a="b"} 1` or `name 1`, with the label in first place: what is behind the name need not be understood. */
const labelled = (line: string, name: string, worker: number): string => {
  const rest = line.slice(name.length);
  const label = `worker="${worker}"`;
  if (!rest.startsWith('{')) return `${name}{${label}}${rest}`;
  return rest.startsWith('{}') ? `${name}{${label}}${rest.slice(2)}` : `${name}{${label},${rest.slice(1)}`;
};

/** Keeps the first header of its kind and returns whose it is; null where the line is no header. */
const takeHeader = (families: Map<string, Family>, line: string): string | null => {
  const [, kind, name] = /^# (HELP|TYPE|UNIT) (\S+)/.exec(line) ?? [];
  if (kind === undefined || name === undefined) return null;
  const { headers } = familyIn(families, name);
  if (!headers.has(kind)) headers.set(kind, line);
  return name;
};

/** Takes one exposition apart. A series belongs to the family whose TYPE or HELP stands before it. */
const take = (families: Map<string, Family>, { worker, text }: WorkerMetrics): void => {
  let current = '';
  for (const line of text.split('\n')) {
    const series = /^[a-zA-Z_:][\w:]*/.exec(line)?.[0];
    if (series === undefined) {
      current = takeHeader(families, line) ?? current;
      continue;
    }
    if (!isOf(current, series)) current = series;
    familyIn(families, current).samples.push(labelled(line, series, worker));
  }
};

const ownText = ({ name, type, help, values }: OwnFamily): string[] => [
  `# HELP ${name} ${help}`,
  `# TYPE ${name} ${type}`,
  ...values.map(({ worker, value }) => `${name}{worker="${worker}"} ${value}`),
];

/** Joins the expositions; the supervisor's own families come first. A family without a series is left out. */
export const mergeMetrics = (own: readonly OwnFamily[], nodes: readonly WorkerMetrics[]): string => {
  const families = new Map<string, Family>();
  for (const node of nodes) take(families, node);
  const lines = own.flatMap(ownText);
  for (const { headers, samples } of families.values()) {
    if (samples.length > 0) lines.push(...headers.values(), ...samples);
  }
  return `${lines.join('\n')}\n`;
};
