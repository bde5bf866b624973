import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
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

  it('passes signals on: SIGUSR2 prints the state, SIGTERM drains', async () => {
    const folder = await scratchFolder();
    const env = {
      PATH: process.env['PATH'] ?? '',
      CARILLON_PORT: '0',
      CARILLON_ADMIN_PORT: '0',
      CARILLON_DATA_DIR: folder.path,
      OTEL_TRACES_EXPORTER: 'none',
    };
    const child = spawn(process.execPath, ['--import', pretend, join(root, 'bin/start.js')], { env });
    const exited = once(child, 'exit');
    const printed = createInterface({ input: child.stderr });
    await once(createInterface({ input: child.stdout }), 'line');
    const state = new Promise<string>((resolve) => {
      printed.on('line', (line) => {
        if (line.includes('subscriptions')) resolve(line);
      });
    });
    try {
      child.kill('SIGUSR2');
      expect(await state).toContain('sessions');
    } finally {
      child.kill('SIGTERM');
      expect(await exited).toEqual([0, null]);
      await folder.remove();
    }
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
