import { fileURLToPath } from 'node:url';
import { scratchFolder, startGateway } from '../test/support/gateway.ts';
import { testToken } from '../test/support/token.ts';
import { startChild } from './child.ts';
import { startEstablished } from './established.ts';
import { quantile, report, rest, two } from './figures.ts';
import type { ReturnersOrder, ReturnersReport } from './returners.ts';

/** Many clients that were away come back: all at once, against one after another. Each is caught up when a payload says `isLive`. */

const returnersFile = fileURLToPath(new URL('./returners.ts', import.meta.url));
const behind = Number(process.env['CARILLON_BENCH_BEHIND'] ?? 30_000);
const keptInMemory = 120_000;
const users = 5_000;
const returners = 1_000;
const oneByOne = 30;

/** What the gateway has read of its log for those who caught up. */
const read = async (adminUrl: string): Promise<{ readonly readings: number; readonly records: number }> => {
  const text = await (await fetch(`${adminUrl}/metrics`)).text();
  const of = (name: string): number => Number(new RegExp(`^${name} (\\d+)`, 'm').exec(text)?.[1] ?? Number.NaN);
  return { readings: of('carillon_catchup_scans_total'), records: of('carillon_catchup_records_total') };
};

/** Writes events `first` to `end`, to the users in turn, a few hundred per request. */
const write = async (httpUrl: string, first: number, end: number): Promise<void> => {
  const tokens = await Promise.all(
    Array.from({ length: 20 }, (_, n) => testToken(`service-${n}`, { scopes: ['notifications:publish'] })),
  );
  const mutation =
    'mutation P($input: [PublishNotificationInput!]!) { publishNotifications(input: $input) { results { notificationId } } }';
  for (let n = first; n < end; n += 500) {
    const input = Array.from({ length: 500 }, (_, k) => ({
      audience: { userId: `user-${(n + k) % users}` },
      content: { message: { title: `event ${n + k}`, body: 'x'.repeat(200) } },
    }));
    const headers = {
      authorization: `Bearer ${tokens[(n / 500) % tokens.length]}`,
      'content-type': 'application/json',
    };
    const response = await fetch(httpUrl, {
      method: 'POST',
      headers,
      body: JSON.stringify({ query: mutation, variables: { input } }),
    });
    await response.text();
  }
};

/** Milliseconds: one client alone, and all of them at once, at the pace at which the gateway takes sockets by default. The rest is of the node and of those who are there; null where nobody was. */
export type ResumeFigures = {
  readonly returners: number;
  readonly recordsBehind: number;
  readonly eachMs: number;
  readonly togetherMs: number;
  /** All at once, against as many one after another. */
  readonly ratio: number;
  readonly readings: number;
  readonly records: number;
  readonly others: { readonly quiet: readonly number[]; readonly busy: readonly number[] } | null;
};

/** Measures; `withOthers`: while 200 other clients get 100 events a second. */
export const measureResume = async ({ withOthers }: { readonly withOthers: boolean }): Promise<ResumeFigures> => {
  const folder = await scratchFolder();
  const gateway = await startGateway({
    CARILLON_DATA_DIR: folder.path,
    CARILLON_LOG_LEVEL: 'error',
    CARILLON_LIMIT_PUBLISHES_PER_SECOND: '100000',
    CARILLON_LIMIT_PUBLISH_BURST: '1000000',
  });
  const returning = await startChild<ReturnersOrder, ReturnersReport>(returnersFile);
  const { wsUrl } = gateway;
  const { cursors } = await returning.ask({ wsUrl, after: null, count: 1, missed: 0, users, isTogether: true });
  const after = cursors[0] ?? null;
  const missed = (behind + keptInMemory) / users;
  await write(gateway.httpUrl, 0, behind);
  // Four megabytes per partition stay in memory: what lies behind them is what is measured.
  await write(gateway.httpUrl, behind, behind + keptInMemory);
  const single = await returning.ask({ wsUrl, after, count: oneByOne, missed, users, isTogether: false });
  const established = withOthers ? await startEstablished(gateway, { count: 200, perSecond: 100 }) : null;
  if (established !== null) await rest(5_000);
  established?.take();
  if (established !== null) await rest(10_000);
  const quiet = established?.take() ?? [];
  const readBefore = await read(gateway.adminUrl);
  const together = await returning.ask({ wsUrl, after, count: returners, missed, users, isTogether: true });
  if (single.wrong + together.wrong > 0)
    throw new Error(`${single.wrong + together.wrong} clients did not get what they had missed`);
  const readAfter = await read(gateway.adminUrl);
  const busy = established?.take() ?? [];
  await established?.stop();
  returning.end();
  await gateway.end();
  await folder.remove();
  const eachMs = single.tookMs / oneByOne;
  return {
    returners,
    recordsBehind: behind + keptInMemory,
    eachMs,
    togetherMs: together.tookMs,
    ratio: together.tookMs / (eachMs * returners),
    readings: readAfter.readings - readBefore.readings,
    records: readAfter.records - readBefore.records,
    others: established === null ? null : { quiet, busy },
  };
};

export const resumes = async (): Promise<void> => {
  const figures = await measureResume({ withOthers: true });
  const { eachMs, togetherMs, ratio, readings, records } = figures;
  const { quiet, busy } = figures.others ?? { quiet: [], busy: [] };
  const p99 = [quiet, busy].map((values) => quantile(values, 0.99)) as [number, number];
  report(`resume: ${returners} clients at once, ${figures.recordsBehind} records behind in 12 partitions`, [
    ['one by one (of a sample)', `${two(eachMs)} ms each, ${two((eachMs * returners) / 1_000)} s for all`],
    ['all at once', `${two(togetherMs / 1_000)} s`],
    ['readings of the log, records decoded', `${readings}, ${records}`],
    ['ratio', two(ratio)],
    [
      "the others' p99, before / meanwhile",
      `${p99.map(two).join(' / ')} ms (${quiet.length} / ${busy.length} events), ratio ${two(p99[1] / p99[0])}`,
    ],
  ]);
};
