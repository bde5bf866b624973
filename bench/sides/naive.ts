import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutionArgs, execute, subscribe } from 'graphql';
import { KafkaPubSub } from 'graphql-kafkajs-subscriptions';
import { useServer } from 'graphql-ws/use/ws';
import { createYoga } from 'graphql-yoga';
import { WebSocketServer } from 'ws';
import { kafkaClient } from '../../test/support/kafka-producer.ts';
import { type Publish, serveSide } from './serve.ts';
import type { EventSpec } from './side.ts';
import { stockSchema } from './stock-schema.ts';
import { checkpoint, payloadOf } from './stock-source.ts';

/**
 * What one builds first: graphql-yoga with graphql-ws as its documentation joins them, and graphql-kafkajs-subscriptions between Kafka and the
 * subscriptions. One key, so that the order holds.
 */

export type NaiveSettings = { readonly brokers: readonly string[]; readonly topic: string };

const channel = 'bench';

type Sent = { readonly value: Buffer };

/** The library's iterator, with a checkpoint before it as the product has it. */
const stream = (pubSub: KafkaPubSub): AsyncIterableIterator<unknown> => {
  const inner = pubSub.asyncIterator<Sent>(channel) as AsyncIterator<Sent>;
  let isFirst = true;
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      if (isFirst) {
        isFirst = false;
        return { value: checkpoint, done: false };
      }
      const { value, done } = await inner.next();
      return done === true ? { value, done } : { value: JSON.parse(String(value.value)) as unknown, done: false };
    },
    async return() {
      await inner.return?.();
      return { value: undefined, done: true };
    },
  };
};

let pubSub: KafkaPubSub;

const publishAll = (events: readonly EventSpec[]): Publish => {
  const values = events.map((event) => JSON.stringify(payloadOf(event)));
  return async () => {
    await Promise.all(values.map((value) => pubSub.publish(channel, value, {}, {}, channel)));
  };
};

type Rooted = ExecutionArgs & { readonly rootValue: { execute: typeof execute; subscribe: typeof subscribe } };

serveSide({
  async start(settings) {
    const { brokers, topic } = settings as NaiveSettings;
    const kafka = kafkaClient(brokers);
    pubSub = await KafkaPubSub.create({ kafka, topic, groupIdPrefix: `bench-${process.pid}` });
    const joined = new Promise((resolve) => pubSub.consumerOn('consumer.group_join', resolve));
    const yoga = createYoga({ schema: stockSchema(() => stream(pubSub)), graphiql: false, logging: false });
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
    await joined;
    const version = 'graphql-yoga 5.24.1, graphql-ws 6.4.2, graphql-kafkajs-subscriptions 4.0.13';
    return { port: (server.address() as AddressInfo).port, path: yoga.graphqlEndpoint, version };
  },
  prepare: publishAll,
  async stop() {},
});
