import { afterAll, beforeAll, describe, it } from 'vitest';
import { WebSocket } from 'ws';
import { type GatewayProcess, scratchFolder, startGateway } from '../support/gateway.ts';
import { messageTo, publish } from '../support/publish.ts';
import { testToken } from '../support/token.ts';

const rounds = 1_000;
const perSocket = 15;

type Answer = {
  readonly notificationReceived?: { readonly edge: { readonly node: { readonly title: string } } | null };
};
type Frame = { readonly type: string; readonly id?: string; readonly payload?: { readonly data?: Answer } };

const subscription = 'subscription { notificationReceived { edge { node { title } } } }';
const mutation = `mutation ($input: PublishNotificationInput!) {
  publishNotification(input: $input) { notificationId userErrors { code } }
}`;

describe('an event published right after subscribe (C29)', () => {
  let gateway: GatewayProcess;
  let folder: Awaited<ReturnType<typeof scratchFolder>>;
  beforeAll(async () => {
    folder = await scratchFolder();
    gateway = await startGateway({ CARILLON_DATA_DIR: folder.path });
  });
  afterAll(async () => {
    await gateway?.end();
    await folder?.remove();
  });

  /** A socket that hands each frame of an operation to `take`. */
  const connect = async (token: string, take: (frame: Frame, socket: WebSocket) => void): Promise<WebSocket> => {
    const socket = new WebSocket(gateway.wsUrl, 'graphql-transport-ws');
    const send = (message: unknown): void => socket.send(JSON.stringify(message));
    await new Promise<void>((resolve, reject) => {
      const answers: Readonly<Record<string, (frame: Frame) => void>> = {
        connection_ack: () => resolve(),
        ping: (frame) => send({ ...frame, type: 'pong' }),
        next: (frame) => take(frame, socket),
      };
      socket.on('error', reject);
      socket.on('open', () => send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }));
      socket.on('message', (data) => {
        const frame = JSON.parse(String(data)) as Frame;
        answers[frame.type]?.(frame);
      });
    });
    return socket;
  };

  const titleIn = (frame: Frame): string | undefined => frame.payload?.data?.notificationReceived?.edge?.node.title;

  /** Subscribes and publishes `count` times on one socket, nothing between the two; resolves when each subscription got its event. */
  const roundsOnOneSocket = async (token: string, first: number, count: number): Promise<void> => {
    const missing = new Set(Array.from({ length: count }, (_, n) => `m${first + n}`));
    const { promise, resolve } = Promise.withResolvers<void>();
    const socket = await connect(token, (frame) => {
      const title = titleIn(frame);
      if (title === undefined || frame.id !== `s${title.slice(1)}` || !missing.delete(title)) return;
      socket.send(JSON.stringify({ type: 'complete', id: frame.id }));
      if (missing.size === 0) resolve();
    });
    for (let n = first; n < first + count; n++) {
      const variables = { input: messageTo('ada', `m${n}`) };
      socket.send(JSON.stringify({ type: 'subscribe', id: `s${n}`, payload: { query: subscription } }));
      socket.send(JSON.stringify({ type: 'subscribe', id: `p${n}`, payload: { query: mutation, variables } }));
    }
    await promise;
    socket.terminate();
  };

  it(`is delivered when subscribe and mutation follow each other on one socket, ${rounds} times`, async () => {
    const token = await testToken('ada', { scopes: ['notifications:publish'] });
    // 60 messages at once are allowed on one socket: each does 15 rounds of at most 3.
    for (let first = 0; first < rounds; first += perSocket)
      await roundsOnOneSocket(token, first, Math.min(perSocket, rounds - first));
  }, 120_000);

  it('is delivered when another connection publishes after the first payload, which says that the subscription is live', async () => {
    const ada = await testToken('ada');
    const service = await testToken('service', { scopes: ['notifications:publish'] });
    for (let n = 0; n < 50; n++) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const socket = await connect(ada, (frame) => {
        const title = titleIn(frame);
        if (title === `h${n}`) resolve();
        else if (title === undefined)
          publish(gateway.httpUrl, { token: service, input: messageTo('ada', `h${n}`) }).catch(reject);
      });
      socket.send(JSON.stringify({ type: 'subscribe', id: 's', payload: { query: subscription } }));
      await promise;
      socket.terminate();
    }
  }, 60_000);
});
