import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { type FollowOptions, followStream, type StreamStep } from '../../src/cli/follow-stream.ts';

/** What the peer does with each subscribe in turn; it gets the variables that came. */
type Reaction = (socket: WebSocket, id: string, variables: Record<string, unknown>) => void;

const servers: WebSocketServer[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A server end that speaks the protocol by hand, so that it may do what a gateway does only in trouble. */
const serve = async (reactions: readonly Reaction[], onInit?: (socket: WebSocket) => void): Promise<string> => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'graphql-transport-ws' });
  servers.push(server);
  await once(server, 'listening');
  let turn = 0;
  server.on('connection', (socket) => {
    socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as {
        type: string;
        id: string;
        payload: { variables: Record<string, unknown> };
      };
      if (message.type === 'connection_init') {
        if (onInit === undefined) socket.send('{"type":"connection_ack"}');
        else onInit(socket);
      }
      if (message.type === 'subscribe') reactions[turn++]?.(socket, message.id, message.payload.variables);
    });
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
};

const next = (socket: WebSocket, id: string, cursor: string): void => {
  const step = { cursor, isLive: true, gap: null, edge: null };
  socket.send(JSON.stringify({ id, type: 'next', payload: { data: { notificationReceived: step } } }));
};

const follow = (url: string, more: Partial<FollowOptions> & { onStep?: (step: StreamStep) => void } = {}) => {
  const notes: string[] = [];
  const options = { url, token: () => 't', topics: [], after: null, signal: new AbortController().signal, ...more };
  const result = followStream(options, { step: more.onStep ?? (() => {}), note: (text) => void notes.push(text) });
  return { result, notes };
};

describe('followStream', () => {
  it('reconnects with the cursor it got last', async () => {
    const seen: unknown[] = [];
    const end = new AbortController();
    const url = await serve([
      (socket, id, { after }) => {
        seen.push(after);
        next(socket, id, 'one');
        next(socket, id, 'two');
        socket.close(1012, 'Restarting: reconnect');
      },
      (socket, id, { after }) => {
        seen.push(after);
        next(socket, id, 'three');
      },
    ]);
    const { result, notes } = follow(url, {
      after: 'zero',
      signal: end.signal,
      onStep: ({ cursor }) => {
        if (cursor === 'three') end.abort();
      },
    });
    expect(await result).toBe('three');
    expect(seen).toEqual(['zero', 'two']);
    expect(notes).toContain('connection lost (1012 Restarting: reconnect), trying again');
  });

  it('ends with the reason when the token is refused', async () => {
    const url = await serve([], (socket) => socket.close(4403, 'Forbidden: the token has expired'));
    await expect(follow(url).result).rejects.toThrow('refused the token (Forbidden: the token has expired)');
  });

  it('ends with the code when the subscription is refused', async () => {
    const url = await serve([
      (socket, id) => {
        const error = { message: 'topic a is not allowed', extensions: { code: 'TOPIC_FORBIDDEN' } };
        socket.send(JSON.stringify({ id, type: 'error', payload: [error] }));
      },
    ]);
    await expect(follow(url).result).rejects.toThrow('TOPIC_FORBIDDEN: topic a is not allowed');
  });

  it('ends at once when it is asked to before it began', async () => {
    const url = await serve([]);
    expect(await follow(url, { signal: AbortSignal.abort() }).result).toBeNull();
  });
});
