import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Stands between clients and a gateway, as a network does: it may swallow everything, cut, or lose patience with a connection that rests. */
export type FaultProxy = {
  readonly wsUrl: string;
  /** Connections that are open now. */
  readonly connections: number;
  /** From now on nothing passes, in either direction, and nobody is told. New connections are taken and hang. */
  hold(): void;
  /** What was held back passes. */
  release(): void;
  /** Connections that come from now on go to another gateway. */
  turnTo(target: string): void;
  /** Resets every connection. */
  cut(): void;
  /** Resets every connection towards its client; the gateway hears nothing of it, nor from it. */
  strand(): void;
  close(): void;
};

type Options = {
  /** Cuts a connection on which the gateway has been silent for so long, as proxies do. @default never */
  readonly idleMs?: number;
};

/** Starts it on a free port in front of `target`, the URL of a gateway's endpoint. */
export const startFaultProxy = async (target: string, { idleMs }: Options = {}): Promise<FaultProxy> => {
  const { pathname } = new URL(target);
  let { port } = new URL(target);
  const pairs = new Set<readonly [Socket, Socket]>();
  const stranded = new Set<Socket>();
  let isHeld = false;

  const join = (client: Socket): void => {
    const gateway = connect(Number(port), '127.0.0.1');
    const pair = [client, gateway] as const;
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      client.destroy();
      if (!stranded.has(gateway)) gateway.destroy();
    };
    for (const socket of pair) {
      socket.setNoDelay(true);
      socket.on('error', end).on('close', end);
    }
    client.on('data', (bytes) => gateway.write(bytes));
    gateway.on('data', (bytes) => client.write(bytes));
    if (idleMs !== undefined) gateway.setTimeout(idleMs, end);
    if (isHeld) for (const socket of pair) socket.pause();
  };

  const server = createServer(join);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    wsUrl: `ws://127.0.0.1:${(server.address() as AddressInfo).port}${pathname}`,
    get connections() {
      return pairs.size;
    },
    hold() {
      isHeld = true;
      for (const socket of [...pairs].flat()) socket.pause();
    },
    release() {
      isHeld = false;
      for (const socket of [...pairs].flat()) socket.resume();
    },
    turnTo(next) {
      port = new URL(next).port;
    },
    cut() {
      for (const [client, gateway] of [...pairs]) {
        client.resetAndDestroy();
        gateway.resetAndDestroy();
      }
    },
    strand() {
      for (const [client, gateway] of [...pairs]) {
        stranded.add(gateway);
        client.resetAndDestroy();
      }
    },
    close() {
      for (const socket of [...[...pairs].flat(), ...stranded]) socket.destroy();
      server.close();
    },
  };
};
