import { request as httpRequest, type IncomingMessage } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { type GatewayProcess, scratchFolder, snapshotOf, startGateway } from '../support/gateway.ts';
import { messageTo, publish } from '../support/publish.ts';
import { testToken } from '../support/token.ts';

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task();
});

const started = async (env: Readonly<Record<string, string>> = {}): Promise<GatewayProcess> => {
  const folder = await scratchFolder();
  cleanUp.push(() => folder.remove());
  const gateway = await startGateway({ CARILLON_DATA_DIR: folder.path, ...env });
  cleanUp.push(() => gateway.end());
  return gateway;
};

const query =
  'subscription S($after: Cursor) { notificationReceived(after: $after) { cursor isLive gap { reason } edge { node { title body } } } }';

type Event = { readonly id: string | null; readonly name: string; readonly title: string | null };

/** One event stream as a fetch-based client has it. */
type Stream = {
  readonly status: number;
  readonly body: string;
  readonly events: readonly Event[];
  readonly titles: readonly string[];
  readonly comments: number;
  readonly lastId: string | null;
  until(condition: (stream: Stream) => boolean): Promise<void>;
  readonly ended: Promise<void>;
  pause(): void;
  cut(): void;
};

const eventOf = (block: string): Event => {
  const field = (name: string): string | null => new RegExp(`^${name}: ?(.*)$`, 'm').exec(block)?.[1] ?? null;
  const data = field('data');
  const result = data === null || data === '' ? null : (JSON.parse(data) as { data?: Record<string, unknown> | null });
  const payload = result?.data?.['notificationReceived'] as { edge: { node: { title: string } } | null } | undefined;
  return { id: field('id'), name: field('event') ?? '', title: payload?.edge?.node.title ?? null };
};

type Asked = {
  readonly user: string;
  readonly after?: string | null;
  readonly lastEventId?: string;
  readonly seconds?: number;
};

const open = async (gateway: GatewayProcess, { user, after = null, lastEventId, seconds }: Asked): Promise<Stream> => {
  const token = await testToken(user, seconds === undefined ? {} : { seconds });
  const request = httpRequest(gateway.httpUrl, {
    method: 'POST',
    headers: {
      accept: 'text/event-stream',
      'content-type': 'application/json',
      authorization: `Bearer ${token}`,
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    },
  });
  cleanUp.push(() => request.destroy());
  request.on('error', () => {});
  const responding = new Promise<IncomingMessage>((resolve) => request.once('response', resolve));
  request.end(JSON.stringify({ query, variables: { after } }));
  const response = await responding;
  let rest = '';
  const blocks: string[] = [];
  const events: Event[] = [];
  let look = (): void => {};
  response.setEncoding('utf8');
  response.on('data', (part: string) => {
    const complete = (rest + part).split('\n\n');
    rest = complete.pop() ?? '';
    blocks.push(...complete);
    events.push(...complete.filter((block) => !block.startsWith(':')).map(eventOf));
    look();
  });
  response.on('error', () => {});
  const ended = new Promise<void>((resolve) => response.once('close', resolve));
  const stream: Stream = {
    status: response.statusCode ?? 0,
    get body() {
      return [...blocks, rest].join('\n\n');
    },
    events,
    get titles() {
      return events.flatMap(({ title }) => (title === null ? [] : [title]));
    },
    get comments() {
      return blocks.filter((block) => block === ':').length;
    },
    get lastId() {
      return events.findLast(({ id }) => id !== null)?.id ?? null;
    },
    until: (condition) =>
      new Promise((resolve) => {
        look = () => void (condition(stream) && resolve());
        look();
      }),
    ended,
    pause: () => response.pause(),
    cut: () => request.destroy(),
  };
  return stream;
};

const service = await testToken('service', { scopes: ['notifications:publish'] });
const sendTo = async (gateway: GatewayProcess, user: string, message: string | object): Promise<void> => {
  const content = { message: typeof message === 'string' ? { title: message } : message };
  const input = { ...(messageTo(user, '') as object), content };
  const { data } = await publish(gateway.httpUrl, { token: service, input });
  expect(data?.publishNotification.userErrors).toEqual([]);
};

describe('an event stream', () => {
  it('is live from its first payload, and resumes at Last-Event-ID, which beats after', async () => {
    const gateway = await started();
    const first = await open(gateway, { user: 'ada' });
    await first.until(({ events }) => events.length === 1);
    const start = first.lastId;
    await sendTo(gateway, 'ada', 'one');
    await sendTo(gateway, 'bob', 'not for ada');
    await first.until(({ titles }) => titles.length === 1);
    const { lastId } = first;
    first.cut();
    await sendTo(gateway, 'ada', 'two');
    const second = await open(gateway, { user: 'ada', after: start, lastEventId: lastId ?? '' });
    await sendTo(gateway, 'ada', 'three');
    await second.until(({ titles }) => titles.length === 2);
    expect(second.titles).toEqual(['two', 'three']);
    const third = await open(gateway, { user: 'ada', after: start });
    await third.until(({ titles }) => titles.length === 3);
    expect(third.titles).toEqual(['one', 'two', 'three']);
    for (const { id, name } of third.events) expect([typeof id, name]).toEqual(['string', 'next']);
  });

  it('is kept warm by comments', async () => {
    const gateway = await started({ CARILLON_LIMIT_HEARTBEAT_TIME: '200ms' });
    const stream = await open(gateway, { user: 'ada' });
    await stream.until(({ comments }) => comments >= 6);
    expect(stream.events).toHaveLength(1);
  });

  it("ends at the token's end, without complete and without an event from then on", async () => {
    const gateway = await started();
    const stream = await open(gateway, { user: 'ada', seconds: 2 });
    await sendTo(gateway, 'ada', 'before');
    await stream.until(({ titles }) => titles.length === 1);
    await stream.ended;
    await sendTo(gateway, 'ada', 'after');
    expect(stream.titles).toEqual(['before']);
    expect(stream.body).not.toContain('complete');
    expect((await open(gateway, { user: 'ada', seconds: -5 })).status).toBe(401);
  });

  it('ends in drain, without complete; what came before is there', async () => {
    const gateway = await started();
    const stream = await open(gateway, { user: 'ada' });
    await sendTo(gateway, 'ada', 'before');
    await stream.until(({ titles }) => titles.length === 1);
    expect(await gateway.end('SIGTERM')).toBe(0);
    await stream.ended;
    expect(stream.body).not.toContain('complete');
  });

  it('counts as one of the sockets that a user may have', async () => {
    const gateway = await started({ CARILLON_LIMIT_SOCKETS_PER_USER: '2' });
    const streams = [await open(gateway, { user: 'ada' }), await open(gateway, { user: 'ada' })];
    const third = await open(gateway, { user: 'ada' });
    await third.ended;
    expect([...streams, third].map(({ status }) => status)).toEqual([200, 200, 503]);
    expect(third.body).toContain('OVERLOADED');
  });

  it('that nobody reads is bounded, then ended; a new one resumes with everything', async () => {
    const gateway = await started({
      CARILLON_LIMIT_OUTBOX_BYTES: '64KiB',
      CARILLON_LIMIT_LAGGING_TIME: '500ms',
      CARILLON_LIMIT_STALLED_TIME: '500ms',
    });
    const stream = await open(gateway, { user: 'ada' });
    await stream.until(({ events }) => events.length === 1);
    const { lastId } = stream;
    stream.pause();
    // More than the kernel takes on behalf of both ends.
    const body = 'x'.repeat(200_000);
    const count = 120;
    let most = 0;
    for (let n = 0; n < count; n++) {
      await sendTo(gateway, 'ada', { title: `e${n}`, body });
      if (n % 10 === 0) most = Math.max(most, (await snapshotOf(gateway)).outboxBytes);
    }
    // The mark, and the event that passed it.
    expect(most).toBeLessThanOrEqual(65_536 + 210_000);
    await expect.poll(async () => (await snapshotOf(gateway)).sessions, { timeout: 20_000 }).toBe(0);
    const again = await open(gateway, { user: 'ada', lastEventId: lastId ?? '' });
    await again.until(({ titles }) => titles.length === count);
    expect(again.titles).toEqual(Array.from({ length: count }, (_, n) => `e${n}`));
  });
});
