import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Counts } from '../telemetry/facade.ts';
import type { Close } from './close-codes.ts';

/**
 * The bytes' way out of one socket: any number of frames in one write of the kernel, no callback per frame. `ws` makes the frames; the socket below
 * it is corked around them.
 */

export type SocketWriter = {
  /** Writes the frames in order. Nothing happens on a closed socket. */
  write(frames: readonly string[]): void;
  /** An RFC 6455 ping with `payload`, at most 125 bytes. */
  pingPeer(payload: string): void;
  /** Bytes not yet taken by the kernel. */
  readonly bufferedBytes: number;
  /** Sends a close frame after what was written. Idempotent; nothing is written afterwards. */
  close(close: Close): void;
  /** Cuts the connection. */
  terminate(): void;
};

export type SocketWriterDeps = {
  readonly ws: WebSocket;
  /** The socket below `ws`. */
  readonly socket: Duplex;
  readonly counts: Counts;
  /** Everything that the kernel had refused is with it now. */
  readonly onDrained: () => void;
};

const empty = Buffer.alloc(0);

/** Creates the writer of one socket. */
export const createSocketWriter = ({ ws, socket, counts, onDrained }: SocketWriterDeps): SocketWriter => {
  let isClosed = false;
  let isWatching = false;

  /** An empty write is done when all before it is: cheaper than a callback per frame, and asked for only where the kernel is full. */
  const watch = (): void => {
    if (isWatching || socket.writableLength === 0 || socket.destroyed) return;
    isWatching = true;
    socket.write(empty, () => {
      isWatching = false;
      if (!isClosed) onDrained();
    });
  };

  return {
    write(frames) {
      if (isClosed || ws.readyState !== ws.OPEN) return;
      socket.cork();
      for (const frame of frames) {
        counts.framesOut++;
        counts.bytesOut += Buffer.byteLength(frame);
        ws.send(frame);
      }
      socket.uncork();
      watch();
    },
    pingPeer(payload) {
      if (!isClosed && ws.readyState === ws.OPEN) ws.ping(payload);
    },
    get bufferedBytes() {
      return ws.bufferedAmount;
    },
    close({ code, reason }) {
      if (isClosed) return;
      isClosed = true;
      ws.close(code, reason);
    },
    terminate() {
      isClosed = true;
      ws.terminate();
    },
  };
};
