import { emptyNames, maxLines, packageRules, type Room, rooms, strangers } from './rooms.ts';
import type { Import, SourceFile } from './source-file.ts';

/** One broken rule, `path:line: what, and what to do instead`. */
export type Finding = string;

const roomOf = (path: string): Room | undefined => rooms.find((room) => room.has.test(path));

const packageFinding = (file: SourceFile, { specifier }: Import): string | null => {
  const rule = packageRules.find((each) => each.packages.test(specifier));
  if (rule === undefined)
    return `package ${specifier} has no home: name its room in dev/walls/rooms.ts, if it is really needed`;
  return rule.in.test(file.path) ? null : `${specifier} may not be imported here: ${rule.instead}`;
};

const wallFinding = (room: Room, target: string): string | null => {
  const other = roomOf(target);
  if (other === room || room.may?.test(target)) return null;
  if (other?.name === 'vocabulary' && !strangers.has(room.name)) return null;
  return `${room.name} may not import ${target}: ${room.instead}`;
};

const importFindings = (file: SourceFile): Finding[] => {
  const room = roomOf(file.path);
  if (room === undefined) return [];
  return file.imports.flatMap((each) => {
    const finding = each.target === null ? packageFinding(file, each) : wallFinding(room, each.target);
    return finding === null ? [] : [`${file.path}:${each.line}: ${finding}`];
  });
};

const shapeFindings = ({ path, lineCount }: SourceFile): Finding[] => {
  const stem = path.slice(path.lastIndexOf('/') + 1, -'.ts'.length);
  const findings: Finding[] = [];
  const limit = maxLines(path);
  if (lineCount > limit)
    findings.push(
      `${path}:${limit}: ${lineCount} lines, at most ${limit}: find the second thing in it and move it out`,
    );
  if (emptyNames.test(stem))
    findings.push(`${path}:1: the name says nothing: name the file after the one thing it exports`);
  if (!/^[a-z0-9]+(?:[-.][a-z0-9]+)*$/.test(stem)) findings.push(`${path}:1: write the file name in kebab-case`);
  return findings;
};

/** The process belongs to main and the command line; everything else is handed what it needs. */
const processPattern = /\bprocess\.(?:env|argv|exit|on|stdout|stderr)\b/g;

const textFindings = ({ path, text }: SourceFile): Finding[] => {
  const at = (index: number): number => text.slice(0, index).split('\n').length;
  const findings: Finding[] = [];
  if (path.startsWith('src/') && path !== 'src/main.ts' && !path.startsWith('src/cli/'))
    for (const match of text.matchAll(processPattern))
      findings.push(`${path}:${at(match.index)}: ${match[0]} belongs to src/main.ts: take it as an option`);
  for (const match of text.matchAll(/^export \* from /gm))
    findings.push(`${path}:${at(match.index)}: name what is exported instead of export *`);
  return findings;
};

/** A cycle is told from its alphabetically first file, so that it is told once wherever the search met it. */
const describeCycle = (ring: readonly string[]): string => {
  const first = ring.indexOf([...ring].sort()[0] ?? '');
  return [...ring.slice(first), ...ring.slice(0, first), ring[first]].join(' -> ');
};

const cyclesIn = (files: ReadonlyMap<string, SourceFile>): Finding[] => {
  const done = new Set<string>();
  const cycles = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const begin = trail.indexOf(path);
    if (begin >= 0) cycles.add(describeCycle(trail.slice(begin)));
    if (begin >= 0 || done.has(path)) return;
    const targets = (files.get(path)?.imports ?? []).flatMap(({ target }) => target ?? []);
    for (const target of targets) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of files.keys()) visit(path, []);
  return [...cycles].map((cycle) => `${cycle}: an import cycle: move what both need into a third file`);
};

/** Every broken rule of `sources`, which must be the whole project for cycles to be found. */
export const judge = (sources: readonly SourceFile[]): Finding[] => [
  ...sources.flatMap((file) => [...importFindings(file), ...shapeFindings(file), ...textFindings(file)]),
  ...cyclesIn(new Map(sources.filter(({ path }) => path.startsWith('src/')).map((file) => [file.path, file]))),
];
