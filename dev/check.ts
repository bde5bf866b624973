import { run } from './run.ts';

/** `npm run check`: everything about the code that can be judged without running it. One line each; what failed is shown in full. */

type Step = { readonly name: string; readonly command: readonly [string, ...string[]]; readonly cure: string };

const steps: readonly Step[] = [
  { name: 'format and lint', command: ['biome', 'ci', '.'], cure: 'npm run format mends most of it' },
  { name: 'types', command: ['tsc', '--noEmit', '--pretty', 'false'], cure: 'npm run typecheck shows it again' },
  { name: 'walls', command: ['node', 'dev/walls/main.ts'], cure: 'the rules are in dev/walls/rooms.ts' },
  { name: 'generated code', command: ['node', 'dev/codegen.ts', '--check'], cure: 'npm run codegen, then commit' },
  {
    name: 'settings docs',
    command: ['node', 'dev/config-docs.ts', '--check'],
    cure: 'npm run config-docs, then commit',
  },
  {
    name: 'compose file',
    command: ['node', 'dev/compose/main.ts'],
    cure: 'the rules are in dev/compose/judge.ts',
  },
  {
    name: 'unused',
    command: ['knip', '--no-progress'],
    cure: 'delete it, or export it no longer; knip.json has the exceptions',
  },
];

const isOk = async ({ name, command: [program, ...args], cure }: Step): Promise<boolean> => {
  const { code, output, ms } = await run(program, args);
  const seconds = `${(ms / 1000).toFixed(1)} s`;
  if (code === 0) console.log(`ok      ${name.padEnd(16)} ${seconds}`);
  else console.log(`FAILED  ${name.padEnd(16)} ${seconds}  (${cure})\n\n${output.trimEnd()}\n`);
  return code === 0;
};

const outcomes = await Promise.all(steps.map(isOk));
const failed = outcomes.filter((each) => !each).length;
console.log(
  failed === 0 ? `check: ${steps.length} of ${steps.length} ok` : `check: ${failed} of ${steps.length} failed`,
);
process.exitCode = failed === 0 ? 0 : 1;
