import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

/** What the peer does with each subscribe in turn; it gets the variables that came. */
export type Reaction = (socket: WebSocket, id: string, variables: Record<string, unknown>) => void;

const servers: WebSocketServer[] = [];

/** Closes every peer that was started. */
export const closePeers = (): void => {
  for (const server of servers.splice(0)) server.close();
};

/** A server end that speaks the protocol by hand, so that it may do what a gateway does only in trouble. */
export const startPeer = async (
  reactions: readonly Reaction[],
  onInit?: (socket: WebSocket) => void,
): Promise<string> => {
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

/** Sends a checkpoint with this cursor. */
export const sendCheckpoint = (socket: WebSocket, id: string, cursor: string): void => {
  const step = { cursor, isLive: true, gap: null, edge: null };
  socket.send(JSON.stringify({ id, type: 'next', payload: { data: { notificationReceived: step } } }));
};
