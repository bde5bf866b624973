import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as rest } from 'node:timers/promises';
import type { ExecutionArgs, execute, subscribe } from 'graphql';
import { KafkaPubSub } from 'graphql-kafkajs-subscriptions';
import { useServer } from 'graphql-ws/use/ws';
import { createYoga } from 'graphql-yoga';
import { WebSocketServer } from 'ws';
import { kafkaClient } from '../../test/support/kafka-producer.ts';
import { type Publish, serveSide } from './serve.ts';
import type { EventSpec } from './side.ts';
import { stockSchema } from './stock-schema.ts';
import { payloadOf } from './stock-source.ts';
import { withCheckpoint } from './with-checkpoint.ts';

/**
 * What one builds first: graphql-yoga with graphql-ws as its documentation joins them, and graphql-kafkajs-subscriptions between Kafka and the
 * subscriptions. One key, so that the order holds.
 */

export type NaiveSettings = { readonly brokers: readonly string[]; readonly topic: string };

const channel = 'bench';

type Sent = { readonly value: Buffer };

const stream = (): AsyncIterableIterator<unknown> =>
  withCheckpoint(
    pubSub.asyncIterator<Sent>(channel) as AsyncIterator<Sent>,
    ({ value }) => JSON.parse(String(value)) as unknown,
  );

let pubSub: KafkaPubSub;

const publishAll = (events: readonly EventSpec[]): Publish => {
  const values = events.map((event) => JSON.stringify(payloadOf(event)));
  return async () => {
    // Sends that are under way at once may arrive in another order.
    for (const value of values) await pubSub.publish(channel, value, {}, {}, channel);
  };
};

/** A consumer that has joined begins at the end as it finds it at its first fetch: what is published before is not for it. */
const untilReading = async (): Promise<void> => {
  let isReading = false;
  await pubSub.subscribe('probe', () => {
    isReading = true;
  });
  for (let n = 0; n < 100 && !isReading; n++) {
    await pubSub.publish('probe', '{}');
    await rest(100);
  }
  if (!isReading) throw new Error('the consumer does not read');
};

type Rooted = ExecutionArgs & { readonly rootValue: { execute: typeof execute; subscribe: typeof subscribe } };

serveSide({
  async start(settings) {
    const { brokers, topic } = settings as NaiveSettings;
    const kafka = kafkaClient(brokers);
    pubSub = await KafkaPubSub.create({ kafka, topic, groupIdPrefix: `bench-${process.pid}` });
    const yoga = createYoga({ schema: stockSchema(stream), graphiql: false, logging: false });
    const server = createServer(yoga);
    const sockets = new WebSocketServer({ server, path: yoga.graphqlEndpoint, perMessageDeflate: false });
    useServer(
      {
        execute: (args) => (args as Rooted).rootValue.execute(args),
        subscribe: (args) => (args as Rooted).rootValue.subscribe(args),
        onSubscribe: async (context, _id, params) => {
          const {
            schema,
            execute: run,
            subscribe: follow,
            contextFactory,
            parse,
            validate,
          } = yoga.getEnveloped({
            ...context,
            req: context.extra.request,
            socket: context.extra.socket,
            params,
          });
          const document = parse(params.query);
          const errors = validate(schema, document);
          if (errors.length > 0) return errors;
          return {
            schema,
            operationName: params.operationName,
            document,
            variableValues: params.variables,
            contextValue: await contextFactory(),
            rootValue: { execute: run, subscribe: follow },
          };
        },
      },
      sockets,
    );
    await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, resolve));
    await untilReading();
    const version = 'graphql-yoga 5.24.1, graphql-ws 6.4.2, graphql-kafkajs-subscriptions 4.0.13';
    return { port: (server.address() as AddressInfo).port, path: yoga.graphqlEndpoint, version };
  },
  prepare: publishAll,
  async stop() {},
});
