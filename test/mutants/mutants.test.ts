import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { projectRoot } from '../../dev/run.ts';
import { judgeMutant, mutants, patchProblem } from './run.ts';

/** `npm run mutants` plants all of them; here are five, another five each time. */

const some = 5;

/** Those that the simulation noticed when the table was made. */
const noticed = async (): Promise<readonly string[]> => {
  const table = await readFile(`${projectRoot}test/mutants/killed.md`, 'utf8');
  return [...table.matchAll(/^\| ([\w-]+) \| simulation, seed/gm)].map(([, name = '']) => name);
};

describe('seeded bugs', () => {
  it('all apply to the sources, and stand in the table with what notices them', async () => {
    const table = await readFile(`${projectRoot}test/mutants/killed.md`, 'utf8');
    const names = await mutants();
    expect(names.length).toBeGreaterThanOrEqual(25);
    for (const name of names) {
      expect(await patchProblem(name)).toBe(null);
      expect(table).toContain(`| ${name} | `);
    }
    expect(table).not.toContain('| nothing |');
  });

  it('are noticed by the simulation, five at random', async () => {
    const left = [...(await noticed())];
    const chosen = Array.from({ length: some }, () => left.splice(Math.floor(Math.random() * left.length), 1)[0] ?? '');
    console.log(`planted: ${chosen.join(', ')}`);
    for (const name of chosen) expect((await judgeMutant(name, 'simulation')).by).toContain('simulation, seed');
  }, 300_000);
});
