import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type Limit, limitNames, limits, limitText } from '../src/config/limits.ts';
import { groups, type Variable } from '../src/config/settings.ts';
import { variableNames, variables } from '../src/config/variables.ts';

/**
 * Prints the table of settings into `.env.example` and README, and the limits among them into docs/limits.md. `node dev/config-docs.ts` writes, `--check` only compares.
 */

const root = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url));
const begin = '<!-- settings: made by npm run config-docs -->';
const end = '<!-- settings end -->';

type Row = Variable<unknown> & { readonly name: string };

const rowsOf = (group: string): readonly Row[] =>
  variableNames.map((name) => ({ ...variables[name], name })).filter((row) => row.group === group) as readonly Row[];

const withoutMarkup = (text: string): string => text.replaceAll('`', '');

const wrap = (text: string, width: number): string[] => {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length + 1 > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
};

const exampleLines = (row: Row): string[] => {
  const unset = row.default === null ? ` Not set: ${row.whenUnset ?? 'none'}.` : '';
  const comment = wrap(withoutMarkup(row.description + unset), 110).map((line) => `# ${line}`);
  return [...comment, `# ${row.name}=${row.default ?? row.example}`, ''];
};

/** The text of `.env.example`: every variable, commented out, with its default or an example. */
export const envExample = (): string =>
  [
    '# Settings of Carillon. Copy to .env, uncomment what you change, start with: node --env-file=.env src/main.ts',
    '# Made from src/config by npm run config-docs.',
    '',
    ...groups.flatMap((group) => [`## ${group}`, '', ...rowsOf(group).flatMap(exampleLines)]),
    '## Tracing: the standard OTEL_* variables, for example',
    '# OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318',
    '',
  ].join('\n');

const cell = (row: Row): string => (row.default === null ? (row.whenUnset ?? 'none') : `\`${row.default}\``);

const tableOf = (group: string): string[] => [
  `**${group}**`,
  '',
  '| variable | default | meaning |',
  '|---|---|---|',
  ...rowsOf(group).map((row) => `| \`${row.name}\` | ${cell(row)} | ${row.description} |`),
  '',
];

/** README's settings section. The limits have a page of their own. */
const readmeTables = (): string[] => groups.filter((group) => group !== 'Limits').flatMap(tableOf);

const limitRow = (name: (typeof limitNames)[number]): string => {
  const limit: Limit = limits[name];
  const [value, min, max] = [limit.default, limit.min, limit.max].map((number) => limitText(limit, number));
  return `| ${limit.what} | ${value} | \`CARILLON_LIMIT_${name}\`: ${min} to ${max} | ${limit.seen} |`;
};

/** The table of docs/limits.md. */
const limitTable = (): string[] => [
  '| what | default | variable: range | beyond it, the client sees |',
  '|---|---|---|---|',
  ...limitNames.map(limitRow),
  '',
];

/** `text` with the lines between the two marker comments. */
const withTable = (name: string, text: string, lines: readonly string[]): string => {
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${name} has no place for the settings: put ${begin} and ${end} into it`);
  return text.slice(0, from) + [begin, '', ...lines, end].join('\n') + text.slice(to + end.length);
};

const readText = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');

const targets = async (): Promise<{ name: string; now: string; wanted: string }[]> => {
  const readme = await readText(root('README.md'));
  const page = await readText(root('docs/limits.md'));
  return [
    { name: '.env.example', now: await readText(root('.env.example')), wanted: envExample() },
    { name: 'README.md', now: readme, wanted: withTable('README.md', readme, readmeTables()) },
    { name: 'docs/limits.md', now: page, wanted: withTable('docs/limits.md', page, limitTable()) },
  ];
};

if (import.meta.main) {
  const stale = (await targets()).filter(({ now, wanted }) => now !== wanted);
  const isCheck = process.argv.includes('--check');
  if (!isCheck) for (const { name, wanted } of stale) await writeFile(root(name), wanted);
  for (const { name } of stale) console.log(isCheck ? `${name} is stale: run npm run config-docs` : `${name} written`);
  process.exitCode = isCheck && stale.length > 0 ? 1 : 0;
}
