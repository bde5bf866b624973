import { parseArgs } from 'node:util';
import { testToken } from '../../test/support/token.ts';
import { median, report, two } from '../figures.ts';
import { type Side, type SideName, startSide } from '../sides/side.ts';
import { httpLoad } from './http-load.ts';

/**
 * Publishes by mutation over HTTP connections that are kept: one in a request, and a hundred; into a log in memory and into the embedded one, which
 * writes to disk. Beside it a node:http server that only parses JSON. In turns.
 */

export type PublishFigures = {
  readonly name: string;
  readonly perSecond: readonly number[];
  /** Microseconds of processor per publish. */
  readonly cpuUs: readonly number[];
};

const single =
  'mutation P($input: PublishNotificationInput!) { publishNotification(input: $input) { notificationId userErrors { code } } }';
const batch =
  'mutation P($input: [PublishNotificationInput!]!) { publishNotifications(input: $input) { results { notificationId userErrors { code } } } }';
const batchSize = 100;

let published = 0;

const input = (): unknown => ({
  audience: { userId: `user-${published++ % 5_000}` },
  content: { message: { title: `event ${published}`, body: 'x'.repeat(100) } },
});

type Way = {
  readonly name: string;
  readonly side: SideName;
  readonly log: 'memory' | 'embedded';
  readonly count: number;
};

const ways: readonly Way[] = [
  { name: 'plain node:http handler', side: 'plain', log: 'memory', count: 1 },
  { name: 'single, log in memory', side: 'carillon', log: 'memory', count: 1 },
  { name: `batches of ${batchSize}, log in memory`, side: 'carillon', log: 'memory', count: batchSize },
  { name: 'single, embedded log', side: 'carillon', log: 'embedded', count: 1 },
  { name: `batches of ${batchSize}, embedded log`, side: 'carillon', log: 'embedded', count: batchSize },
];

const bodyOf = (count: number): string => {
  if (count === 1) return JSON.stringify({ query: single, variables: { input: input() } });
  return JSON.stringify({ query: batch, variables: { input: Array.from({ length: count }, input) } });
};

const isRight = (answer: string): boolean => answer.includes('"notificationId":"') && !answer.includes('"code"');

const measureWay = async (
  side: Side,
  { count }: Way,
  { connections, seconds, token }: { connections: number; seconds: number; token: string },
): Promise<{ perSecond: number; cpuUs: number }> => {
  const before = await side.usage();
  const headers = { Authorization: `Bearer ${token}` };
  const load = await httpLoad({
    port: side.port,
    path: side.path,
    headers,
    connections,
    seconds,
    body: () => bodyOf(count),
    isRight,
  });
  const after = await side.usage();
  if (load.refused > 0) throw new Error(`${load.refused} publishes were refused: ${load.firstRefusal}`);
  const events = load.answered * count;
  return { perSecond: events / load.seconds, cpuUs: (after.cpuUs - before.cpuUs) / events };
};

type Options = { readonly rounds: number; readonly seconds: number; readonly connections: number };

/** Measures all ways in turns, after one turn that does not count. */
export const measurePublish = async ({ rounds, ...load }: Options): Promise<readonly PublishFigures[]> => {
  const token = await testToken('service', { scopes: ['notifications:publish'] });
  const sides = new Map<string, Promise<Side>>();
  const sideOf = ({ side, log }: Way): Promise<Side> => {
    const known = sides.get(`${side} ${log}`) ?? startSide(side, { log });
    sides.set(`${side} ${log}`, known);
    return known;
  };
  try {
    const figures = ways.map((way) => ({ way, name: way.name, perSecond: [] as number[], cpuUs: [] as number[] }));
    for (let round = 0; round <= rounds; round++) {
      for (const { way, perSecond, cpuUs } of figures) {
        const measured = await measureWay(await sideOf(way), way, { ...load, token });
        if (round === 0) continue;
        perSecond.push(measured.perSecond);
        cpuUs.push(measured.cpuUs);
      }
    }
    return figures;
  } finally {
    for (const side of sides.values()) await (await side).stop();
  }
};

/** `npm run bench -- publish [--rounds 5] [--seconds 2] [--connections 16]`. */
export const publish = async (args: readonly string[]): Promise<void> => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '2' },
      connections: { type: 'string', default: '16' },
    },
  });
  const connections = Number(values.connections);
  const figures = await measurePublish({ rounds: Number(values.rounds), seconds: Number(values.seconds), connections });
  const plain = figures[0]?.cpuUs ?? [];
  report(
    `publish: by mutation, over ${connections} connections that are kept`,
    figures.map(({ name, perSecond, cpuUs }): readonly [string, string] => [
      name,
      `${Math.round(median(perSecond))}/s, ${two(median(cpuUs))} us of processor each, ${two(median(cpuUs) / median(plain))} of the plain handler`,
    ]),
  );
};
