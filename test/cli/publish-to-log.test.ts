import { describe, expect, it } from 'vitest';
import type { Terminal } from '../../src/cli/command.ts';
import { type EventInput, localEventSchema } from '../../src/cli/event-input.ts';
import { publishToLog } from '../../src/cli/publish-to-log.ts';
import { systemClock } from '../../src/clock.ts';
import { type Decoded, partitionId } from '../../src/event.ts';
import { createRecordCodec } from '../../src/log/index.ts';
import { MemoryStore } from '../support/memory-log.ts';

const printed: string[] = [];
const terminal: Terminal = {
  env: {},
  print: (line) => void printed.push(line),
  say: (line) => void printed.push(line),
  hasColors: false,
  readStdin: () => Promise.resolve(''),
  signal: new AbortController().signal,
};
const schema = localEventSchema(terminal);
const message: EventInput = {
  audience: { userIds: ['ada'] },
  type: 'message',
  data: { title: 'hi' },
  key: null,
  expiresAt: null,
};

/** Publishes, and reads back what is in the log as a gateway does. */
const publish = async (event: Partial<EventInput>): Promise<{ code: number; decoded: Decoded[]; id: string }> => {
  const store = new MemoryStore();
  printed.length = 0;
  const code = await publishToLog({ ...message, ...event }, { schema, log: store.log(['notifications']) }, terminal);
  const codec = createRecordCodec({
    content: schema.content,
    defaultType: 'message',
    clock: systemClock,
    fingerprintOf: () => '0'.repeat(16),
  });
  const place = { partition: partitionId('notifications', 0), offset: 0n, epoch: 0 };
  const decoded = store.appended.map(({ key, value, headers, timestampMs = 0 }) =>
    codec.decode({ ...place, key, value, headers, timestampMs }),
  );
  return { code, decoded, id: printed[0] ?? '' };
};

describe('publishing straight into the log', () => {
  it('writes a record that a gateway reads as the event, under the id that is printed', async () => {
    const { code, decoded, id } = await publish({ data: { title: 'hi', url: '/a' } });
    expect(code).toBe(0);
    expect(decoded).toEqual([
      expect.objectContaining({
        kind: 'event',
        envelope: expect.objectContaining({
          id,
          type: 'message',
          audience: { kind: 'user', userId: 'ada' },
          display: { title: 'hi', body: null, url: '/a' },
        }),
      }),
    ]);
  });

  it('writes one record per user under one id', async () => {
    const { decoded, id } = await publish({ audience: { userIds: ['ada', 'bob', 'ada'] } });
    expect(decoded.map((each) => each.kind === 'event' && each.envelope.id)).toEqual([id, id]);
  });

  it.each([
    [{ topic: 'orders.eu' }, { kind: 'topic', topic: 'orders.eu' }],
    [{ everyone: true }, { kind: 'everyone' }],
  ] as const)('addresses %j', async (audience, expected) => {
    const { decoded } = await publish({ audience });
    expect(decoded).toMatchObject([{ kind: 'event', envelope: { audience: expected } }]);
  });

  it('names the event after the key, so that a repeat is recognised', async () => {
    expect((await publish({ key: 'k' })).id).toBe((await publish({ key: 'k' })).id);
    expect((await publish({})).id).not.toBe((await publish({})).id);
  });

  it.each([
    [{ data: {} }, 'INVALID_CONTENT'],
    [{ data: { title: 'x', url: '//evil.example' } }, 'INVALID_CONTENT'],
    [{ type: 'none' }, 'not an event type here'],
    [{ audience: { userIds: [''] } }, 'is not a user id'],
    [{ audience: { topic: 'a..b' } }, 'is not a topic'],
    [{ expiresAt: 'tomorrow' }, '--expires-at is tomorrow'],
  ])('refuses %j and writes nothing', async (event, problem) => {
    await expect(publish(event)).rejects.toThrow(problem);
  });
});
