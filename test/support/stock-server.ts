import { EventEmitter, on } from 'node:events';
import type { AddressInfo } from 'node:net';
import { buildSchema, type GraphQLObjectType } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';

/** graphql-ws's own server, with a schema as small as the suite needs: what the suite asks of us it asks of it too. */
export type StockServer = {
  readonly url: string;
  /** Every stream yields. */
  emit(): void;
  close(): Promise<void>;
};

const sdl = `
  type Query { viewer: String!  failing: String  slow: String }
  type Mutation { touch: String! }
  type Subscription { ticks: Int!  refused: Int! }
`;

/** Starts it on a free port. It takes `{ "user": … }` for a good payload. */
export const startStockServer = async (): Promise<StockServer> => {
  const ticks = new EventEmitter().setMaxListeners(0);
  const schema = buildSchema(sdl);
  const fields = (type: GraphQLObjectType | null | undefined) => type?.getFields() ?? {};
  const resolve = (type: GraphQLObjectType | null | undefined, name: string, resolver: () => unknown): void => {
    const field = fields(type)[name];
    if (field !== undefined) field.resolve = resolver;
  };
  resolve(schema.getQueryType(), 'viewer', () => 'ada');
  resolve(schema.getQueryType(), 'slow', () => new Promise((done) => setTimeout(() => done('slow'), 20)));
  resolve(schema.getMutationType(), 'touch', () => 'touched');
  resolve(schema.getQueryType(), 'failing', () => {
    throw new Error('this field fails');
  });
  const { ticks: stream, refused } = fields(schema.getSubscriptionType());
  if (stream === undefined || refused === undefined) throw new Error('the schema has no streams');
  // Not a generator: one that waits does not end before it was woken once more.
  stream.subscribe = () => on(ticks, 'tick');
  stream.resolve = (ticked: readonly number[]) => ticked[0];
  refused.subscribe = () => {
    throw new Error('this stream is refused');
  };
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', path: '/graphql' });
  // What the peer did wrong is told to the peer; the library would print it besides.
  const handlers = { onError: () => {} };
  const disposable = useServer(
    { schema, onConnect: ({ connectionParams }) => 'user' in (connectionParams ?? {}), ...handlers },
    server,
  );
  await new Promise((listening) => server.once('listening', listening));
  let count = 0;
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`,
    emit: () => void ticks.emit('tick', count++),
    async close() {
      await disposable.dispose();
    },
  };
};
