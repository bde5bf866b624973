import { describe, expect, it } from 'vitest';
import { connectRaw, type Message, type RawClient, settle, subscribeMessage } from '../graphql/raw-client.ts';

/**
 * What a server of GraphQL over WebSocket owes its clients, written from the protocol's text and not from any server. Each title begins with the
 * clause that it shows; docs/protocol.md says all of them in words, and comments in src/graphql name them where they are kept.
 */

/** A server under test: its schema has a stream, a query and a mutation, whatever they are called. */
export type ProtocolServer = {
  readonly url: string;
  /** A payload of `connection_init` that lets a client in; each time another client's. */
  goodPayload(): Promise<Readonly<Record<string, unknown>>>;
  /** One that does not. */
  readonly badPayload: Readonly<Record<string, unknown>>;
  /** A subscription that goes on for ever. */
  readonly stream: string;
  /** A document with one operation of each kind, named `A`, `B` and `C`: query, mutation, subscription. */
  readonly several: string;
  readonly query: string;
  readonly mutation: string;
  /** A query or mutation that is not answered in the turn in which it came. */
  readonly slow: string;
  /** A query or mutation whose field fails while it is executed. */
  readonly failing: string;
  /** A subscription that the server refuses for what it asks, not for its form. */
  readonly refused: string;
  /** Makes every stream yield, once. */
  emit(): Promise<void>;
};

/** Titles (or parts of them) that a server is known not to meet, with the reason. They must fail: one that passes is no deviation. */
export type Deviations = Readonly<Record<string, string>>;

const close = async (client: RawClient): Promise<number> => (await client.closed).code;

/** Messages for `id` so far. */
const messagesFor = (client: RawClient, id: string): readonly Message[] =>
  client.frames.map((frame) => JSON.parse(frame) as Message).filter((message) => message.id === id);

const typesFor = (client: RawClient, id: string): readonly string[] =>
  messagesFor(client, id).map((message) => message.type);

/** Resolves when `id` has got a message of `type`. */
const seen = (client: RawClient, id: string, type: string): Promise<Message> =>
  new Promise((resolve, reject) => {
    const look = (): boolean => {
      const found = messagesFor(client, id).find((message) => message.type === type);
      if (found !== undefined) resolve(found);
      return found !== undefined;
    };
    const listen = (): void => {
      if (look()) client.ws.off('message', listen);
    };
    if (look()) return;
    client.ws.on('message', listen);
    void client.closed.then(({ code, reason }) =>
      reject(new Error(`closed with ${code} ${reason} before ${type} of ${id}`)),
    );
  });

const nextsIn = (client: RawClient, id: string): number =>
  typesFor(client, id).filter((type) => type === 'next').length;

/** Resolves when `id` has got that many results. */
const counted = async (client: RawClient, id: string, count: number): Promise<void> => {
  while (nextsIn(client, id) < count) {
    await new Promise((resolve, reject) => {
      client.ws.once('message', resolve);
      void client.closed.then(({ code }) => reject(new Error(`closed with ${code}`)));
    });
  }
};

const notJson = ['not json', '', '{"type":"ping"', '[]', 'null', '5', '"ping"', 'true'];
const unknownTypes = ['{}', '{"type":1}', '{"type":null}', '{"type":""}', '{"type":"start"}', '{"type":"__proto__"}'];
const wrongMembers = [
  '{"type":"connection_init","payload":"x"}',
  '{"type":"connection_init","payload":[]}',
  '{"type":"ping","payload":5}',
  '{"type":"pong","payload":"x"}',
  '{"type":"subscribe"}',
  '{"type":"subscribe","id":"1"}',
  '{"type":"subscribe","id":"","payload":{"query":"{ __typename }"}}',
  '{"type":"subscribe","id":1,"payload":{"query":"{ __typename }"}}',
  '{"type":"subscribe","payload":{"query":"{ __typename }"}}',
  '{"type":"subscribe","id":"1","payload":"x"}',
  '{"type":"subscribe","id":"1","payload":{}}',
  '{"type":"subscribe","id":"1","payload":{"query":5}}',
  '{"type":"subscribe","id":"1","payload":{"query":"{ __typename }","variables":"x"}}',
  '{"type":"subscribe","id":"1","payload":{"query":"{ __typename }","operationName":1}}',
  '{"type":"subscribe","id":"1","payload":{"query":"{ __typename }","extensions":7}}',
  '{"type":"complete"}',
  '{"type":"complete","id":""}',
  '{"type":"complete","id":4}',
];
const serverOnly = [
  '{"type":"connection_ack"}',
  '{"type":"next","id":"1","payload":{"data":{}}}',
  '{"type":"error","id":"1","payload":[{"message":"x"}]}',
];
const oddIds = ['1', 'toString', '__proto__', 'constructor', ' ', '🔔', '"', 'x'.repeat(4_096), crypto.randomUUID()];

/** Runs the suite over the server that `server` gives once the tests run. */
export const describeGraphqlTransportWs = (
  name: string,
  server: () => ProtocolServer,
  deviations: Deviations = {},
): void => {
  const clause = (title: string, test: () => Promise<void>): void => {
    const isDeviation = Object.keys(deviations).some((part) => title.includes(part));
    (isDeviation ? it.fails : it)(title, test, isDeviation ? 3_000 : undefined);
  };

  const connect = (protocols: string[] = ['graphql-transport-ws']): Promise<RawClient> =>
    connectRaw(server().url, protocols);

  const init = async (): Promise<unknown> => ({ type: 'connection_init', payload: await server().goodPayload() });

  const ready = async (): Promise<RawClient> => {
    const client = await connect();
    client.send(await init());
    expect((await client.next()).type).toBe('connection_ack');
    return client;
  };

  const start = (client: RawClient, id: string, query: string): void => client.send(subscribeMessage(id, query));

  /** A socket that lives answers. */
  const expectAlive = async (client: RawClient): Promise<void> => {
    await settle(client);
    expect(client.ws.readyState).toBe(client.ws.OPEN);
    client.ws.terminate();
  };

  /** Starts a stream and resolves once an event came through it. */
  const streaming = async (client: RawClient, id: string): Promise<void> => {
    start(client, id, server().stream);
    await settle(client);
    await server().emit();
    await seen(client, id, 'next');
  };

  describe(`${name}: the subprotocol`, () => {
    for (const offered of [
      ['graphql-transport-ws'],
      ['graphql-ws', 'graphql-transport-ws'],
      [...Array.from({ length: 99 }, (_, n) => `p${n}`), 'graphql-transport-ws'],
    ]) {
      clause(`[GQLWS-1.1] is picked out of ${offered.length} that are offered (C101)`, async () => {
        const client = await connect(offered);
        expect(client.ws.protocol).toBe('graphql-transport-ws');
        client.ws.terminate();
      });
    }

    for (const offered of [[], ['graphql-ws'], ['GRAPHQL-TRANSPORT-WS'], ['soap', 'graphql-ws']]) {
      clause(`[GQLWS-1.2] closes with 4406 where it is not offered: ${JSON.stringify(offered)} (C101)`, async () => {
        expect(await close(await connect(offered))).toBe(4406);
      });
    }

    clause('[GQLWS-1.3] is the only one spoken: a start of the legacy one runs nothing (C08)', async () => {
      const client = await connect(['graphql-ws']);
      client.send({ type: 'connection_init', payload: await server().goodPayload() });
      client.send({ id: '1', type: 'start', payload: { query: server().stream } });
      expect(await close(client)).toBe(4406);
      expect(client.frames).toEqual([]);
    });
  });

  describe(`${name}: connection_init`, () => {
    clause('[GQLWS-2.1] is answered with connection_ack', async () => {
      await expectAlive(await ready());
    });

    clause('[GQLWS-2.2] is answered before anything else is sent (C91)', async () => {
      const client = await connect();
      await settle(client);
      expect(client.frames.filter((frame) => !frame.includes('settled'))).toEqual([]);
      client.send(await init());
      expect((await client.next()).type).toBe('connection_ack');
      client.ws.terminate();
    });

    clause('[GQLWS-2.3] that does not come closes with 4408 (C102)', async () => {
      expect(await close(await connect())).toBe(4408);
    });

    clause('[GQLWS-2.4] that comes again after connection_ack closes with 4429', async () => {
      const client = await ready();
      client.send(await init());
      expect(await close(client)).toBe(4429);
    });

    clause('[GQLWS-2.4] that comes twice in one segment closes with 4429 (C102)', async () => {
      const client = await connect();
      client.sendTogether([await init(), await init()]);
      expect(await close(client)).toBe(4429);
    });

    clause('[GQLWS-2.5] that is refused closes with 4403', async () => {
      const client = await connect();
      client.send({ type: 'connection_init', payload: server().badPayload });
      expect(await close(client)).toBe(4403);
      expect(client.frames).toEqual([]);
    });
  });

  describe(`${name}: ping and pong`, () => {
    for (const when of ['before connection_init', 'after connection_ack']) {
      const opened = (): Promise<RawClient> => (when.startsWith('before') ? connect() : ready());
      clause(`[GQLWS-3.1] ping is answered with pong ${when}`, async () => {
        const client = await opened();
        client.send({ type: 'ping' });
        expect(await client.next()).toEqual({ type: 'pong' });
        client.ws.terminate();
      });

      clause(`[GQLWS-3.2] pong has the payload of its ping ${when}, or none (C92)`, async () => {
        const client = await opened();
        client.send({ type: 'ping', payload: { a: [1, null] } });
        client.send({ type: 'ping', payload: null });
        expect(await client.next()).toEqual({ type: 'pong', payload: { a: [1, null] } });
        expect(await client.next()).toEqual({ type: 'pong' });
        client.ws.terminate();
      });

      clause(`[GQLWS-3.3] pong that nobody asked for is passed over ${when}`, async () => {
        const client = await opened();
        client.send({ type: 'pong' });
        client.send({ type: 'pong', payload: { anything: true } });
        await expectAlive(client);
      });
    }
  });

  describe(`${name}: subscribe`, () => {
    clause('[GQLWS-4.1] before connection_init closes with 4401 (C08)', async () => {
      const client = await connect();
      start(client, '1', server().query);
      expect(await close(client)).toBe(4401);
      expect(client.frames).toEqual([]);
    });

    clause('[GQLWS-4.1] behind connection_init, not waiting for connection_ack, closes with 4401 (C83)', async () => {
      const client = await connect();
      client.sendTogether([await init(), subscribeMessage('1', server().query)]);
      expect(await close(client)).toBe(4401);
      expect(messagesFor(client, '1')).toEqual([]);
    });

    for (const [first, second] of [
      ['stream', 'stream'],
      ['stream', 'query'],
      ['slow', 'stream'],
    ] as const) {
      clause(`[GQLWS-4.2] with an id in use closes with 4409: ${first}, ${second} (C64)`, async () => {
        const client = await ready();
        client.sendTogether([subscribeMessage('a', server()[first]), subscribeMessage('a', server()[second])]);
        expect(await client.closed).toEqual({ code: 4409, reason: 'Subscriber for a already exists' });
      });
    }

    clause('[GQLWS-4.3] may use an id again once its operation is over', async () => {
      const client = await ready();
      for (let round = 1; round <= 3; round++) {
        start(client, 'a', server().query);
        while (typesFor(client, 'a').filter((type) => type === 'complete').length < round) await client.next();
      }
      expect(typesFor(client, 'a')).toEqual(['next', 'complete', 'next', 'complete', 'next', 'complete']);
      client.ws.terminate();
    });

    clause('[GQLWS-4.3] may use an id again in the segment of its complete (C62)', async () => {
      const client = await ready();
      client.sendTogether([
        subscribeMessage('a', server().stream),
        { type: 'complete', id: 'a' },
        subscribeMessage('a', server().stream),
      ]);
      await settle(client);
      await server().emit();
      await seen(client, 'a', 'next');
      await expectAlive(client);
    });

    clause('[GQLWS-4.4] runs any number of operations side by side, each ended alone (C103)', async () => {
      const client = await ready();
      const kept = Array.from({ length: 10 }, (_, n) => `kept-${n}`);
      const ended = Array.from({ length: 10 }, (_, n) => `ended-${n}`);
      for (const id of [...kept, ...ended]) start(client, id, server().stream);
      await settle(client);
      for (const id of ended) client.send({ type: 'complete', id });
      await settle(client);
      const before = client.frames.length;
      const wanted = kept.map((id) => ({ id, count: nextsIn(client, id) + 1 }));
      await server().emit();
      await Promise.all(wanted.map(({ id, count }) => counted(client, id, count)));
      expect(client.frames.slice(before).filter((frame) => frame.includes('"ended-'))).toEqual([]);
      client.ws.terminate();
    });

    for (const kind of ['query', 'mutation'] as const) {
      const tag = kind === 'query' ? '4.5' : '4.6';
      clause(`[GQLWS-${tag}] of a ${kind} gives one next, then complete (C100)`, async () => {
        const client = await ready();
        start(client, 'q', server()[kind]);
        await seen(client, 'q', 'complete');
        await settle(client);
        expect(typesFor(client, 'q')).toEqual(['next', 'complete']);
        client.ws.terminate();
      });
    }

    clause('[GQLWS-4.7] of a subscription gives next for each event, and does not complete', async () => {
      const client = await ready();
      await streaming(client, 's');
      const { length } = messagesFor(client, 's');
      await server().emit();
      await server().emit();
      await counted(client, 's', length + 2);
      expect(new Set(typesFor(client, 's'))).toEqual(new Set(['next']));
      client.ws.terminate();
    });

    clause('[GQLWS-4.8] takes null for every member that may be absent (C98)', async () => {
      const client = await ready();
      client.send(subscribeMessage('q', server().query, { variables: null, operationName: null, extensions: null }));
      await seen(client, 'q', 'complete');
      client.ws.terminate();
    });

    clause('[GQLWS-4.8] runs the operation that operationName names (C99)', async () => {
      const client = await ready();
      for (const operationName of ['A', 'B']) {
        client.send(subscribeMessage(operationName, server().several, { operationName }));
        await seen(client, operationName, 'complete');
      }
      client.send(subscribeMessage('C', server().several, { operationName: 'C' }));
      await settle(client);
      await server().emit();
      await seen(client, 'C', 'next');
      const data = messagesFor(client, 'B').find((message) => message.type === 'next')?.payload.data;
      expect(data).not.toEqual(messagesFor(client, 'A').find((message) => message.type === 'next')?.payload.data);
      client.ws.terminate();
    });

    for (const id of oddIds) {
      clause(
        `[GQLWS-4.9] takes any text that is not empty as id: ${JSON.stringify(id).slice(0, 40)} (C103)`,
        async () => {
          const client = await ready();
          await streaming(client, id);
          client.send({ type: 'complete', id });
          start(client, id, server().query);
          await seen(client, id, 'complete');
          client.ws.terminate();
        },
      );
    }
  });

  describe(`${name}: next, error and complete`, () => {
    clause('[GQLWS-5.1] next carries an execution result, also one with errors of fields', async () => {
      const client = await ready();
      start(client, 'f', server().failing);
      await seen(client, 'f', 'complete');
      const [result] = messagesFor(client, 'f');
      expect(result?.type).toBe('next');
      expect(result?.payload.errors).toEqual(
        expect.arrayContaining([expect.objectContaining({ message: expect.any(String) })]),
      );
      client.ws.terminate();
    });

    for (const [what, query, more] of [
      ['does not parse', '{', {}],
      ['is not valid', '{ noSuchField }', {}],
      ['has no operation', 'fragment F on Query { __typename }', {}],
      ['names an operation that is not there', 'query A { __typename }', { operationName: 'Z' }],
      ['leaves the choice open', 'query A { __typename } query B { __typename }', {}],
    ] as const) {
      clause(`[GQLWS-6.1] error has a list of errors and ends the operation: the document ${what} (C97)`, async () => {
        const client = await ready();
        client.send(subscribeMessage('e', query, more));
        const error = await seen(client, 'e', 'error');
        expect(Array.isArray(error.payload) && error.payload.length > 0).toBe(true);
        for (const each of error.payload) expect(each.message).toEqual(expect.any(String));
        await settle(client);
        expect(typesFor(client, 'e')).toEqual(['error']);
        start(client, 'e', server().query);
        await seen(client, 'e', 'complete');
        client.ws.terminate();
      });
    }

    clause('[GQLWS-6.1] error ends a subscription that may not be', async () => {
      const client = await ready();
      start(client, 'e', server().refused);
      await seen(client, 'e', 'error');
      client.ws.terminate();
    });

    clause('[GQLWS-6.2] error ends nothing but its operation', async () => {
      const client = await ready();
      await streaming(client, 's');
      start(client, 'e', '{');
      await seen(client, 'e', 'error');
      const { length } = messagesFor(client, 's');
      await server().emit();
      await counted(client, 's', length + 1);
      client.ws.terminate();
    });

    clause('[GQLWS-7.1] complete from the server is the last message of its operation', async () => {
      const client = await ready();
      for (let n = 0; n < 20; n++) start(client, `q${n}`, server().query);
      for (let n = 0; n < 20; n++) await seen(client, `q${n}`, 'complete');
      await settle(client);
      for (let n = 0; n < 20; n++) expect(typesFor(client, `q${n}`)).toEqual(['next', 'complete']);
      client.ws.terminate();
    });

    clause('[GQLWS-7.2] complete from the client ends a stream: nothing comes for it any more', async () => {
      const client = await ready();
      await streaming(client, 'gone');
      await streaming(client, 'kept');
      client.send({ type: 'complete', id: 'gone' });
      await settle(client);
      const gone = messagesFor(client, 'gone').length;
      const kept = messagesFor(client, 'kept').length;
      await server().emit();
      await counted(client, 'kept', kept + 1);
      expect(messagesFor(client, 'gone').length).toBe(gone);
      client.ws.terminate();
    });

    clause('[GQLWS-7.2] complete before the result of a query is there keeps it back (C95)', async () => {
      const client = await ready();
      client.sendTogether([subscribeMessage('q', server().slow), { type: 'complete', id: 'q' }]);
      start(client, 'after', server().slow);
      await seen(client, 'after', 'complete');
      expect(messagesFor(client, 'q')).toEqual([]);
      client.ws.terminate();
    });

    clause('[GQLWS-7.3] complete of an unknown or finished id is passed over (C95)', async () => {
      const client = await ready();
      client.send({ type: 'complete', id: 'zz' });
      start(client, 'q', server().query);
      await seen(client, 'q', 'complete');
      client.send({ type: 'complete', id: 'q' });
      client.send({ type: 'complete', id: 'q' });
      await expectAlive(client);
    });

    clause('[GQLWS-7.3] complete may cross that of the server, again and again (C95)', async () => {
      const client = await ready();
      for (let n = 0; n < 15; n++) {
        start(client, 'q', server().query);
        client.send({ type: 'complete', id: 'q' });
        await settle(client);
      }
      await expectAlive(client);
    });
  });

  describe(`${name}: what is no message of the protocol`, () => {
    const refuses = (tag: string, what: string, texts: readonly string[]): void => {
      for (const when of ['before connection_init', 'after connection_ack']) {
        clause(`[GQLWS-${tag}] ${what} closes with 4400 ${when} (C104)`, async () => {
          const codes = await Promise.all(
            texts.map(async (text) => {
              const client = when.startsWith('before') ? await connect() : await ready();
              client.send(text);
              const { code, reason } = await client.closed;
              return `${text.slice(0, 60)} ${code} ${Buffer.byteLength(reason) <= 123}`;
            }),
          );
          expect(codes).toEqual(texts.map((text) => `${text.slice(0, 60)} 4400 true`));
        });
      }
    };

    refuses('8.1', 'what is not a JSON object', notJson);
    refuses('8.1', 'JSON of 10,000 levels', [`${'['.repeat(10_000)}${']'.repeat(10_000)}`]);
    refuses('8.2', 'an unknown type', unknownTypes);
    refuses('8.3', 'a member of the wrong form', wrongMembers);
    refuses('8.4', 'a type that only servers send', serverOnly);

    clause('[GQLWS-8.5] a binary frame closes with 4400, whatever is in it (C104)', async () => {
      const client = await ready();
      client.ws.send(Buffer.from('{"type":"ping"}'));
      expect(await close(client)).toBe(4400);
    });

    clause('[GQLWS-8.6] members that the protocol does not name are passed over', async () => {
      const client = await connect();
      client.send({ type: 'connection_init', payload: await server().goodPayload(), extra: 1 });
      expect((await client.next()).type).toBe('connection_ack');
      client.send({ type: 'ping', extra: { a: 1 } });
      client.send({ ...(subscribeMessage('q', server().query, { extra: true }) as object), extra: 1 });
      await seen(client, 'q', 'complete');
      client.ws.terminate();
    });
  });
};
