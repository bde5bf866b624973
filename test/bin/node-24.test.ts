import { execFile } from 'node:child_process';
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { scratchFolder } from '../support/gateway.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Makes this Node say that it is version 20. */
const pretend = `data:text/javascript,Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.11.1' } })`;

const runOld = (bin: string, args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, ['--import', pretend, bin, ...args], (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });

describe('a start on Node 20', () => {
  it('hands over to the Node that the install brought', async () => {
    const { code, stdout } = await runOld(join(root, 'bin/carillon.js'), ['--version']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });

  it('passes arguments and exit code through', async () => {
    const { code, stderr } = await runOld(join(root, 'bin/carillon.js'), ['tokn']);
    expect({ code, stderr }).toEqual({ code: 64, stderr: expect.stringContaining('did you mean token?') });
  });

  it('says what to do where the install brought none', async () => {
    const folder = await scratchFolder();
    await mkdir(join(folder.path, 'bin'));
    for (const file of ['carillon.js', 'node-24.js', 'start.js'])
      await cp(join(root, 'bin', file), join(folder.path, 'bin', file));
    await cp(join(root, 'package.json'), join(folder.path, 'package.json'));
    for (const file of ['carillon.js', 'start.js']) {
      const { code, stderr } = await runOld(join(folder.path, 'bin', file), []);
      expect({ code, stderr }).toEqual({
        code: 78,
        stderr: expect.stringContaining('this is 20.11.1: run npm install'),
      });
    }
    await folder.remove();
  });
});
