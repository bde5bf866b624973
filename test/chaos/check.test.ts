import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scratchFolder } from '../support/gateway.ts';
import type { Audience, Entry, Happening, Histories } from './history.ts';
import { cursorAt, placeOf } from './place.ts';
import { judge } from './verdict.ts';

/** Each rule of the checker, with a history that keeps it and with the same one changed so that it breaks this rule and no other. */

const topic = '00112233aabbccdd';
const at = (...next: readonly number[]): string => cursorAt({ topic, next });

type Timed = Happening & { readonly t?: number };
type Actors = Readonly<Record<string, readonly Timed[]>>;

/** One second passes from entry to entry, but where an entry says when it was. */
const told = (actors: Actors): Histories =>
  new Map(
    Object.entries(actors).map(([name, entries]) => {
      let t = 0;
      return [
        name,
        entries.map((entry) => {
          t = entry.t ?? t + 1_000;
          return { ...entry, t } as Entry;
        }),
      ];
    }),
  );

const edge = (title: string, cursor: string): Timed => ({
  kind: 'payload',
  cursor,
  title,
  id: `id ${title}`,
  isLive: true,
  gap: null,
});
const checkpoint = (cursor: string): Timed => ({
  kind: 'payload',
  cursor,
  title: null,
  id: null,
  isLive: true,
  gap: null,
});
const gap = (reason: string, cursor: string): Timed => ({
  ...{ kind: 'payload', cursor, title: null, id: null, isLive: true },
  gap: { reason, since: null, until: null },
});
const resumed = (after: string | null): Timed => ({ kind: 'resumed', after });
const closed: Timed = { kind: 'closed', code: 1006, reason: '' };
const on = (node: string): Timed => ({ kind: 'connected', node });
const ada: Audience = { users: ['ada'] };
const bob: Audience = { users: ['bob'] };
const all: Audience = { everyone: true };
const published = (title: string, to: Audience, isUnfit = false): Timed => ({ kind: 'published', title, to, isUnfit });
const acknowledged = (title: string): Timed => ({ kind: 'acknowledged', title });
const log = (title: string, to: Audience, [partition, offset]: readonly [number, number]): Timed => ({
  ...{ kind: 'log', era: 1, partition, offset, title, to },
});

/** Partition 0: m0, m1 (bob's), m2, bad (unfit), f0. Partition 1: n0 (bob's), n1, f1. All for ada but bob's. */
const service = [
  ...[published('m0', ada), published('m1', bob), published('m2', ada), published('n0', bob), published('n1', all)],
  ...['m0', 'm1', 'm2', 'n0', 'n1'].map(acknowledged),
  ...[published('bad', ada, true), acknowledged('bad'), published('f0', all), published('f1', all)],
  ...[acknowledged('f0'), acknowledged('f1')],
].map((entry, n) => ({ ...entry, t: 100 + n }));
const theLog = [
  ...[
    log('m0', ada, [0, 0]),
    log('m1', bob, [0, 1]),
    log('m2', ada, [0, 2]),
    log('bad', ada, [0, 3]),
    log('f0', all, [0, 4]),
  ],
  ...[log('n0', bob, [1, 0]), log('n1', all, [1, 1]), log('f1', all, [1, 2])],
];
const finals: Timed = { kind: 'finals', titles: ['f0', 'f1'], healedAt: 1_000, deadlineMs: 60_000, t: 50_000 };

const adas = (style: 'cursor' | 'zero-code'): Timed => ({ kind: 'client', user: 'ada', topics: [], style });
const before = [checkpoint(at(0, 0)), edge('m0', at(1, 0)), edge('n1', at(1, 2))];
const after = [edge('m2', at(3, 2)), gap('UNREADABLE', at(4, 2)), edge('f0', at(5, 2)), edge('f1', at(5, 3))];
const withCursor = [adas('cursor'), on('g1'), resumed(null), ...before, closed, on('g2'), resumed(at(1, 2)), ...after];
const echoed: Timed = { kind: 'echoed', cursor: at(1, 0) };
const zeroCode = [
  ...[adas('zero-code'), on('g1'), resumed(null), checkpoint(at(0, 0)), edge('m0', at(1, 0)), echoed],
  ...[edge('n1', at(1, 2)), closed, on('g2'), resumed(null), ...after],
];
const faults: readonly Timed[] = [{ kind: 'run', fault: 'test', seed: 1, memoryBoundMiB: 100 }];
const actors = { service, log: theLog, finals: [finals], faults, ada: withCursor };

const rulesOf = (changed: Actors): readonly string[] => [
  ...new Set(judge(told({ ...actors, ...changed })).violations.map(({ rule }) => rule)),
];

/** `entries` with one of them replaced, left out (no `by`), or followed by others. */
const replaced = (entries: readonly Timed[], old: Timed, ...by: readonly Timed[]): readonly Timed[] => {
  const index = entries.findIndex((entry) => JSON.stringify(entry) === JSON.stringify(old));
  if (index < 0) throw new Error(`the history has no ${JSON.stringify(old)}`);
  return entries.toSpliced(index, 1, ...by);
};
const changed = (old: Timed, ...by: readonly Timed[]): Actors => ({ ada: replaced(withCursor, old, ...by) });
const stock = (old: Timed, ...by: readonly Timed[]): Actors => ({ ada: replaced(zeroCode, old, ...by) });
const did = (name: string, node: string | null = null): readonly Timed[] => [
  ...faults,
  { kind: 'fault', name, phase: 'begin', node, t: 7_500 },
  { kind: 'fault', name, phase: 'end', node, t: 9_500 },
];

describe('a history in which all is well', () => {
  it('breaks no rule, with cursors and without any code', () => {
    expect(judge(told(actors)).violations).toEqual([]);
    expect(judge(told({ ...actors, ada: zeroCode })).violations).toEqual([]);
  });

  it('may repeat to a client without code what it had not answered', () => {
    expect(rulesOf(stock(edge('m2', at(3, 2)), edge('n1', at(1, 2)), edge('m2', at(3, 2))))).toEqual([]);
  });

  it('is counted', () => {
    const verdict = judge(told(actors));
    expect(verdict).toMatchObject({ events: 8, deliveries: 5, repeats: 0, gaps: { UNREADABLE: 1 }, lostToKill: 0 });
  });
});

const broken: readonly (readonly [rule: string, how: string, changes: Actors])[] = [
  ['a', 'an event that nobody published', changed(edge('n1', at(1, 2)), edge('ghost', at(1, 0)), edge('n1', at(1, 2)))],
  [
    'a',
    'an event of a transaction that was aborted',
    {
      service: [...service, published('rolled back', ada), { kind: 'aborted', title: 'rolled back' }],
      ...changed(edge('n1', at(1, 2)), edge('rolled back', at(1, 0)), edge('n1', at(1, 2))),
    },
  ],
  [
    'b',
    'an event that is for somebody else',
    changed(edge('m2', at(3, 2)), edge('m1', at(2, 2)), edge('m2', at(3, 2))),
  ],
  [
    'c',
    'a position that goes back',
    changed(edge('n1', at(1, 2)), checkpoint(at(1, 1)), checkpoint(at(1, 0)), edge('n1', at(1, 2))),
  ],
  ['c', 'an event before its turn', changed(edge('n1', at(1, 2)), edge('f1', at(1, 0)), edge('n1', at(1, 2)))],
  ['d', 'an event that is passed over', changed(edge('m2', at(3, 2)), checkpoint(at(3, 2)))],
  ['d', 'an unfit event without a gap', changed(gap('UNREADABLE', at(4, 2)))],
  [
    'e',
    'an acknowledged event that is not in the log',
    { service: [...service, published('lost', bob), acknowledged('lost')] },
  ],
  [
    'e',
    'a refused event that is in the log',
    {
      service: [...service, published('refused', bob), { kind: 'failed', title: 'refused', outcome: 'not_written' }],
      log: [...theLog, log('refused', bob, [1, 3])],
    },
  ],
  [
    'e',
    'one of several users who got nothing',
    {
      service: [...service, published('several', { users: ['ada', 'bob'] }), acknowledged('several')],
      log: [...theLog, log('several', bob, [1, 3])],
    },
  ],
  [
    'f',
    'an event twice after a resume with the last cursor',
    changed(edge('m2', at(3, 2)), edge('n1', at(1, 2)), edge('m2', at(3, 2))),
  ],
  [
    'f',
    'an event that the client had answered',
    stock(edge('m2', at(3, 2)), edge('m0', at(1, 0)), edge('n1', at(1, 2)), edge('m2', at(3, 2))),
  ],
  [
    'f',
    'an event that stands in the log twice, delivered twice',
    { log: [...theLog, log('f0', all, [1, 3])], ada: [...withCursor, edge('f0', at(5, 4))] },
  ],
  ['g', 'EXPIRED where nothing was deleted', changed(edge('m2', at(3, 2)), gap('EXPIRED', at(3, 2)))],
  [
    'g',
    'EXPIRED for more than was deleted',
    {
      log: [...theLog, { kind: 'start', era: 1, partition: 0, offset: 1, t: 2_000 }],
      ...changed(edge('m2', at(3, 2)), gap('EXPIRED', at(3, 2))),
    },
  ],
  ['g', 'RECREATED where the topic is as it was', changed(edge('m2', at(3, 2)), gap('RECREATED', at(3, 2)))],
  ['g', 'INVALID_CURSOR for a good cursor', changed(edge('m2', at(3, 2)), gap('INVALID_CURSOR', at(3, 2)))],
  ['g', 'TRUNCATED', changed(edge('m2', at(3, 2)), gap('TRUNCATED', at(3, 2)))],
  ['g', 'LIMIT', changed(edge('m2', at(3, 2)), gap('LIMIT', at(3, 2)))],
  ['g', 'UNREADABLE for nothing', changed(edge('f1', at(5, 3)), edge('f1', at(5, 3)), gap('UNREADABLE', at(6, 3)))],
  ['g', 'UNREADABLE for what can be read', changed(edge('m2', at(3, 2)), gap('UNREADABLE', at(3, 2)))],
  ['g', 'a reason that there is not', changed(edge('m2', at(3, 2)), gap('BORED', at(3, 2)))],
  ['g', 'a gap without a cursor of its own', { ada: [...withCursor, gap('LIMIT', '')] }],
  ['h', 'a client that never gets the last events', changed(edge('f1', at(5, 3)))],
  ['h', 'a client that gets them too late', changed(edge('f1', at(5, 3)), { ...edge('f1', at(5, 3)), t: 61_001 })],
  [
    'i',
    'an event that was sent, not answered, and never came again',
    stock(edge('m2', at(3, 2)), checkpoint(at(3, 2))),
  ],
  ['j', 'a close that says that the client is at fault', changed(closed, { kind: 'closed', code: 4400, reason: '' })],
  ['j', 'a close for a bad token, which is good', changed(closed, { kind: 'closed', code: 4403, reason: '' })],
  ['j', 'a close that the protocol does not have', changed(closed, { kind: 'closed', code: 1011, reason: '' })],
  ['j', 'a client that gives up', changed(closed, closed, { kind: 'error', text: 'gave up' })],
  [
    'j',
    'an event stream that is refused for good',
    changed(closed, { kind: 'closed', code: null, reason: 'status 401' }),
  ],
  [
    'k',
    'a gateway that grows without bound',
    { memory: [100, 150, 201].map((rssMiB) => ({ kind: 'memory', node: 'g1', pid: 7, rssMiB })) },
  ],
  ['k', 'a gateway that ends by itself', { faults: [...faults, { kind: 'crashed', node: 'g1', code: 1 }] }],
  [
    'l',
    'an event that came while the client was away',
    {
      service: service.map((entry) =>
        entry.kind === 'published' && entry.title === 'm2' ? { ...entry, t: 8_500 } : entry,
      ),
      ...stock(edge('m2', at(3, 2)), checkpoint(at(3, 2))),
    },
  ],
];

describe('a history is found guilty', () => {
  it.each(broken)('of rule %s and no other, by %s', (rule, _, changes) => {
    expect(rulesOf(changes)).toEqual([rule]);
  });

  it.each([
    ['on g2 since 00:00:09.000, 3 payloads; before: closed with 1006 at 00:00:07.000, then 0 attempts in vain', []],
    ['away: closed with 1006 at 00:00:15.000, then 1 attempts in vain', [closed, on('g1'), closed]],
    [
      'on g1 since 00:00:14.000, not subscribed; before: closed with 1006 at 00:00:13.000, then 0 attempts in vain',
      [closed, on('g1')],
    ],
  ])('of rule h with where the client was: %s', (where, rest) => {
    const ada = [...replaced(withCursor, edge('f1', at(5, 3))), ...rest];
    const [violation] = judge(told({ ...actors, ada })).violations;
    expect(violation?.evidence).toBe(
      `never got f1; written until 00:00:00.115, the deadline was 00:01:01.000; then it was ${where}`,
    );
  });

  it('in one line that names rule, client, record and evidence, by a program with exit code 1', async () => {
    const run = promisify(execFile)(process.execPath, ['test/chaos/check.ts', folders.guilty]);
    const failure = await run.then(
      () => null,
      (error: { code: number; stdout: string }) => error,
    );
    expect(failure?.code).toBe(1);
    expect(failure?.stdout.split('\n')[0]).toMatch(
      /^VIOLATION d \| ada \| m2 at 0:2 \| passed over at 00:00:\d\d\.000, from \[1 2\] to \[3 2\]$/,
    );
  });

  it('or innocent, with exit code 0', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['test/chaos/check.ts', folders.innocent]);
    expect(stdout).toBe('8 events, 5 deliveries, 0 repeats, 0 violations\n');
  });
});

describe('what a fault excuses', () => {
  it('kill -9 of its node costs a client without code what came meanwhile, and that is counted', () => {
    const histories = {
      ...actors,
      ...stock(edge('m2', at(3, 2)), checkpoint(at(3, 2))),
      faults: did('gateway-kill', 'g1'),
    };
    expect(judge(told(histories))).toMatchObject({ violations: [], lostToKill: 1 });
  });

  it('kill -9 of another node excuses nothing', () => {
    expect(
      rulesOf({ ...stock(edge('m2', at(3, 2)), checkpoint(at(3, 2))), faults: did('gateway-kill', 'g3') }),
    ).toEqual(['i']);
  });

  it('a gap that comes first after kill -9 of its node stands for nothing that came before: the client began anew', () => {
    const histories = stock(edge('m2', at(3, 2)));
    expect(rulesOf({ ...histories, faults: did('gateway-kill', 'g1') })).toEqual([]);
    expect(rulesOf({ ...histories, faults: did('gateway-kill', 'g3') })).toEqual(['g']);
  });

  it('a move from a frozen node excuses nothing, and the violation says what is known of it', () => {
    const histories = { ...actors, ...stock(edge('m2', at(3, 2)), checkpoint(at(3, 2))) };
    const excuses = (node: string): readonly (string | undefined)[] =>
      judge(told({ ...histories, faults: did('gateway-freeze', node) })).violations.map(({ excuse }) => excuse);
    expect(excuses('g1')).toEqual(['moved while nodes could not tell each other (gateway-freeze)']);
    expect(excuses('g3')).toEqual([undefined]);
  });

  it('after a move from a frozen node, what comes late has come, and so has what a late gap stands for', () => {
    const began = [checkpoint(at(4, 2)), edge('f0', at(5, 2)), edge('f1', at(5, 3)), closed, on('g2'), resumed(null)];
    const late = [edge('m2', at(3, 2)), gap('UNREADABLE', at(4, 2)), edge('f0', at(5, 2)), edge('f1', at(5, 3))];
    const found = (ada: readonly Timed[], frozen: string = 'g1'): readonly string[] =>
      rulesOf({ ada: [...zeroCode.slice(0, -after.length), ...ada], faults: did('gateway-freeze', frozen) });
    expect(found([...began, ...late])).toEqual([]);
    expect(found([...began, ...late], 'g2')).toEqual([]);
    expect(found([...began, ...late], 'g3')).toEqual(['i']);
    expect(found([...began, late[0], checkpoint(at(4, 2)), late[2], late[3]] as Timed[])).toEqual(['d', 'i']);
    expect(found([...began, late[1], late[2], late[3]] as Timed[])).toContain('i');
  });

  it('what was written to a topic after its log was read, and before it was deleted, may be what could not be read', () => {
    const ada = [...withCursor, gap('UNREADABLE', at(6, 3))];
    expect(rulesOf({ ada, faults: did('topic-recreated') })).toEqual([]);
    expect(rulesOf({ ada: [...withCursor, gap('UNREADABLE', at(5, 3))], faults: did('topic-recreated') })).toEqual([
      'g',
    ]);
  });

  it('an event that was written again may come again where its key belongs to another partition since, and only there', () => {
    const again = (place: readonly [number, number], cursor: string): Actors => ({
      log: [...theLog, log('f0', all, place)],
      ada: [...withCursor, edge('f0', cursor)],
      faults: did('partitions-doubled'),
    });
    expect(rulesOf(again([1, 3], at(5, 4)))).toEqual([]);
    expect(rulesOf(again([0, 5], at(6, 3)))).toEqual(['f']);
  });

  it('what was deleted before the log was read may be what could not be read', () => {
    const start: Timed = { kind: 'start', era: 1, partition: 0, offset: 4, t: 8_000 };
    const unread = theLog.filter((entry) => !(entry.kind === 'log' && entry.title === 'bad'));
    expect(rulesOf({ log: [...unread, start], faults: did('retention') })).toEqual([]);
    expect(rulesOf({ log: unread, faults: did('retention') })).toEqual(['g']);
  });

  it('deleted records make EXPIRED true, as far as they go', () => {
    const start: Timed = { kind: 'start', era: 1, partition: 0, offset: 3, t: 2_000 };
    expect(rulesOf({ log: [...theLog, start], ...changed(edge('m2', at(3, 2)), gap('EXPIRED', at(3, 2))) })).toEqual(
      [],
    );
  });

  it('a cursor that was made illegible makes INVALID_CURSOR true', () => {
    const ada = replaced(withCursor, resumed(at(1, 2)), resumed('illegible'));
    expect(rulesOf({ ada: replaced(ada, edge('m2', at(3, 2)), gap('INVALID_CURSOR', at(3, 2))) })).toEqual([]);
  });

  it('an older cursor that the client chose makes repeats true', () => {
    const ada = replaced(withCursor, resumed(at(1, 2)), resumed(at(0, 0)));
    expect(rulesOf({ ada: replaced(ada, edge('m2', at(3, 2)), ...before, edge('m2', at(3, 2))) })).toEqual([]);
  });

  it('an answer into a network that was disturbed may not have arrived', () => {
    const disturbed = replaced(
      zeroCode,
      echoed,
      echoed,
      { kind: 'line', what: 'rst', phase: 'begin' },
      { kind: 'line', what: 'rst', phase: 'end' },
    );
    const repeated = replaced(
      disturbed,
      edge('m2', at(3, 2)),
      edge('m0', at(1, 0)),
      edge('n1', at(1, 2)),
      edge('m2', at(3, 2)),
    );
    expect(rulesOf({ ada: repeated })).toEqual([]);
  });
});

describe('the place of a cursor', () => {
  it('is read as it was written', () => {
    const place = { topic, next: [0, 127, 128, 300_000_000_000, -1] };
    expect(placeOf(cursorAt(place))).toEqual(place);
  });

  it.each(['', 'illegible', at(1, 2).slice(0, -1), `${at(1, 2)}A`, `${at(1, 2).slice(0, 20)}_${at(1, 2).slice(21)}`])(
    'is none in %j',
    (cursor) => {
      expect(placeOf(cursor)).toBeNull();
    },
  );
});

let remove = async (): Promise<void> => {};
const folders = { guilty: '', innocent: '' };
const save = async (folder: string, histories: Histories): Promise<void> => {
  await mkdir(folder);
  for (const [name, entries] of histories)
    await writeFile(join(folder, `${name}.jsonl`), entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
};
beforeAll(async () => {
  const scratch = await scratchFolder();
  remove = scratch.remove;
  folders.guilty = join(scratch.path, 'guilty');
  folders.innocent = join(scratch.path, 'innocent');
  await save(folders.guilty, told({ ...actors, ...changed(edge('m2', at(3, 2)), checkpoint(at(3, 2))) }));
  await save(folders.innocent, told(actors));
});
afterAll(() => remove());
