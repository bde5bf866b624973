import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEndpoint, type TestEndpoint } from './endpoint.ts';
import { connectAs, settle, subscribeMessage } from './raw-client.ts';

let endpoint: TestEndpoint;
beforeAll(async () => {
  endpoint = await openEndpoint();
});
afterAll(() => endpoint.close());

const query =
  'subscription S($after: Cursor, $filter: StreamFilter, $b: Boolean = true) { notificationReceived(after: $after, filter: $filter) { cursor isLive @include(if: $b) } }';
const id = '0f8fad5b-d9cb-469f-a165-70867728950e';

type Asked = { id?: string; user?: string; query?: string; variables?: Record<string, unknown> };

/** The key that the actors get for an operation. */
const keyOf = async (asked: Asked = {}): Promise<string | null> => {
  const client = await connectAs(endpoint.wsUrl, `user:${asked.user ?? 'ada'}`);
  client.send(subscribeMessage(asked.id ?? id, asked.query ?? query, { variables: asked.variables ?? {} }));
  await settle(client);
  client.ws.terminate();
  const request = endpoint.core.last.requests.at(-1);
  if (request === undefined) throw new Error('the subscribe was refused');
  return request.resumeKey;
};

describe('the key by which an operation is recognised when its client comes back', () => {
  it.each<[string, Asked, Asked]>([
    ['all is the same', {}, {}],
    ['the position is another', { variables: { after: 'a' } }, { variables: { after: 'b' } }],
    ['defaults are said or not', {}, { variables: { filter: { viewer: true } } }],
    [
      'topics come in another order',
      { variables: { filter: { topics: ['orders.a', 'orders.b'] } } },
      { variables: { filter: { topics: ['orders.b', 'orders.a'] } } },
    ],
    ['the id is in capitals', {}, { id: id.toUpperCase() }],
  ])('is the same where %s', async (_, one, other) => {
    expect(await keyOf(one)).toEqual(await keyOf(other));
    expect(await keyOf(one)).toMatch(/^[\w-]{43}$/);
  });

  it.each<[string, Asked]>([
    ['user', { user: 'bob' }],
    ['id', { id: '1f8fad5b-d9cb-469f-a165-70867728950e' }],
    ['document', { query: query.replace('isLive', 'gap { reason } isLive') }],
    ['filter', { variables: { filter: { everyone: false } } }],
    ['variable below the root field', { variables: { b: false } }],
  ])('is another for another %s', async (_, other) => {
    expect(await keyOf(other)).not.toEqual(await keyOf());
  });

  it.each(['1', 'x', `${id}0`, `{${id}}`, '__proto__'])('is none for an id that is no UUID: %s', async (odd) => {
    expect(await keyOf({ id: odd })).toBeNull();
  });
});
