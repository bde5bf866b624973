import { setMaxListeners } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type DocumentNode, type ExecutionArgs, parse, validate } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { createPubSub } from 'graphql-yoga';
import { jwtVerify } from 'jose';
import { WebSocketServer } from 'ws';
import { testSecret } from '../../test/support/gateway.ts';
import { serveSide } from './serve.ts';
import { stockSchema } from './stock-schema.ts';
import { payloadOf, type StreamSource, streamSource } from './stock-source.ts';
import { withCheckpoint } from './with-checkpoint.ts';

/**
 * The stock stack: graphql-ws `useServer` on ws, and an in-process pub/sub, graphql-yoga's. It keeps no position and asks for no
 * acknowledgement: it does less than the product. `deflate`: ws compresses, for each client anew, as it does when told `perMessageDeflate: true`. `cached`: documents are parsed and validated once, by the hook that graphql-ws has for it. `verify`:
 * it looks at the token, as everybody's does. `pubSub: 'bare'`: by hand instead, with one queue per subscription and nothing else, which is less than any library.
 */

export type StockSettings = {
  readonly cached?: boolean;
  readonly verify?: boolean;
  readonly pubSub?: 'yoga' | 'bare';
  /** @default false */
  readonly deflate?: boolean;
};

const secret = new TextEncoder().encode(testSecret);

const verifyingHook = {
  onConnect: async ({ connectionParams }: { connectionParams?: Readonly<Record<string, unknown>> | undefined }) => {
    const token = /^Bearer (.+)$/.exec(String(connectionParams?.['authorization']))?.[1] ?? '';
    await jwtVerify(token, secret, { algorithms: ['HS256'] });
    return true;
  },
};

const yogaSource = (): StreamSource => {
  const eventTarget = new EventTarget();
  setMaxListeners(0, eventTarget);
  const pubSub = createPubSub<{ bench: [payload: unknown] }>({ eventTarget });
  return {
    subscribe: () => withCheckpoint(pubSub.subscribe('bench'), (payload) => payload),
    publish: (payload) => pubSub.publish('bench', payload),
  };
};

let source: StreamSource;
const schema = stockSchema(() => source.subscribe());
const documents = new Map<string, DocumentNode>();

const documentOf = (query: string): DocumentNode => {
  const known = documents.get(query);
  if (known !== undefined) return known;
  const document = parse(query);
  const errors = validate(schema, document);
  if (errors.length > 0) throw errors[0];
  documents.set(query, document);
  return document;
};

const cachedHook = {
  onSubscribe: (
    _: unknown,
    __: string,
    payload: { query: string; variables?: Record<string, unknown> | null | undefined },
  ): ExecutionArgs => ({
    schema,
    document: documentOf(payload.query),
    variableValues: payload.variables ?? null,
  }),
};

serveSide({
  async start(settings) {
    const { cached = true, verify = true, pubSub = 'yoga', deflate = false } = settings as StockSettings;
    source = pubSub === 'yoga' ? yogaSource() : streamSource();
    const server = createServer();
    const sockets = new WebSocketServer({ server, path: '/graphql', perMessageDeflate: deflate });
    useServer({ schema, ...(cached ? cachedHook : {}), ...(verify ? verifyingHook : {}) }, sockets);
    await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, resolve));
    return {
      port: (server.address() as AddressInfo).port,
      path: '/graphql',
      version: 'graphql-ws 6.4.2, ws 8.23.0, pub/sub of graphql-yoga 5.24.1',
    };
  },
  prepare(events) {
    const payloads = events.map(payloadOf);
    return () => {
      for (const payload of payloads) source.publish(payload);
    };
  },
  async stop() {},
});
