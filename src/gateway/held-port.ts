import net from 'node:net';
import { GatewayError } from '../errors.ts';
import { type ListenAt, listenAddress } from './listen.ts';

/** The port that workers share, held by a process that does not listen on it itself. */
export type HeldPort = {
  /** As a number of the family that is listened on, never a name. */
  readonly host: string;
  /** Never 0. */
  readonly port: number;
  release(): void;
};

const refuse = (cause: NodeJS.ErrnoException): GatewayError =>
  new GatewayError(
    'CONFIG_INVALID',
    `CARILLON_WORKERS is above 1, but processes cannot share a port on this system (${cause.message}): set 1 and start several nodes behind a balancer`,
    { cause },
  );

/**
 * Looks whether the port is free and binds it, so that the system gives it to nobody who asks for a free one or for a way out, also while no worker
 * listens. A bound socket that does not listen gets no connections. Who names the port can still have it until the first worker listens (SO_REUSEADDR).
 *
 * The look comes first and shares with nobody: with SO_REUSEPORT alone a second gateway of the same user, started on that port by mistake, would take
 * half of the first one's clients without a word. Rejects with CONFIG_INVALID where the port cannot be had or not be shared.
 */
export const holdPort = async (at: Omit<ListenAt, 'isShared'>): Promise<HeldPort> => {
  const probe = net.createServer();
  const { address, port } = await listenAddress(probe, at);
  await new Promise((resolve) => probe.close(resolve));
  // Node has it since 24.19. Imported by its name it would keep every gateway from starting on an older 24.
  if (net.BoundSocket === undefined)
    throw refuse(new Error(`Node ${process.versions.node} is too old, 24.19 is needed`));
  try {
    const bound = new net.BoundSocket({ host: address, port, reusePort: true });
    return { host: address, port, release: () => bound[Symbol.dispose]() };
  } catch (cause) {
    throw refuse(cause as NodeJS.ErrnoException);
  }
};
