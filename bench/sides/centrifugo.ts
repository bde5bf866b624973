import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as rest } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { centrifugoPath, centrifugoVersion } from './centrifugo-binary.ts';
import { serveSide } from './serve.ts';
import { payloadOf } from './stock-source.ts';

/** Centrifugo with the configuration beside this file: JSON protocol, one channel without history, published to over its HTTP API. */

const config = fileURLToPath(new URL('./centrifugo.json', import.meta.url));
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
let child: ChildProcess | null = null;
let port = 0;

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port: free } = server.address() as AddressInfo;
      server.close(() => resolve(free));
    });
  });

const untilHealthy = async (): Promise<void> => {
  for (let n = 0; n < 100; n++) {
    const answer = await fetch(`http://127.0.0.1:${port}/health`).catch(() => null);
    if (answer?.ok === true) return;
    await rest(100);
  }
  throw new Error('centrifugo does not answer');
};

const post = (method: string, body: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'x-api-key': 'bench' };
    const call = request(
      { agent, port, path: `/api/${method}`, method: 'POST', headers, host: '127.0.0.1' },
      (answer) => {
        let text = '';
        answer.on('data', (chunk: Buffer) => {
          text += chunk.toString();
        });
        answer.once('end', () => resolve(text));
      },
    );
    call.once('error', reject);
    call.end(body);
  });

const publish = async (method: string, body: string): Promise<void> => {
  const text = await post(method, body);
  if (text.includes('"error"')) throw new Error(`centrifugo refused to publish: ${text.slice(0, 200)}`);
};

serveSide({
  async start() {
    port = await freePort();
    child = spawn(centrifugoPath(), ['--config', config], {
      env: { ...process.env, CENTRIFUGO_HTTP_SERVER_PORT: `${port}` },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    process.on('exit', () => child?.kill('SIGKILL'));
    await untilHealthy();
    return { port, path: '/connection/websocket', version: `centrifugo ${centrifugoVersion}` };
  },
  prepare(events) {
    const each = events.map((event) => ({ channel: 'bench', data: payloadOf(event) }));
    const [first] = each;
    if (each.length === 1) return () => publish('publish', JSON.stringify(first));
    return () => publish('batch', JSON.stringify({ commands: each.map((one) => ({ publish: one })) }));
  },
  /** Of its process, not of this one. */
  async usage() {
    const fields = (await readFile(`/proc/${child?.pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
    const status = await readFile(`/proc/${child?.pid}/status`, 'utf8');
    return {
      cpuUs: (Number(fields[11]) + Number(fields[12])) * 10_000,
      rssBytes: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1_024,
    };
  },
  async stop() {
    child?.kill('SIGKILL');
    agent.destroy();
  },
});
