import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Counts } from '../telemetry/facade.ts';
import type { Close } from './close-codes.ts';
import type { SocketWrites, Writable } from './socket-writes.ts';
import type { WireText } from './wire-text.ts';

/**
 * The bytes' way out of one socket: frames of one tick go in one write of the kernel, without a callback. `ws` writes close frames and its answers
 * to pings; all others are made here.
 */

export type SocketWriterDeps = {
  readonly ws: WebSocket;
  /** The socket below `ws`. */
  readonly socket: Duplex;
  readonly writes: SocketWrites;
  readonly counts: Counts;
};

/** Who writes. */
export type WriterOwner = {
  /** Of what the kernel had refused, it has taken some; where all of it, this is called for the last time. */
  drained(): void;
};

const text = 0x81;
/** The first reserved bit says that the payload is deflated (RFC 7692 §6). */
const deflatedText = 0xc1;
const ping = 0x89;
const empty = Buffer.alloc(0);
/** What waits for the end of a tick on one socket, at most: more goes at once. */
const maxPendingBytes = 65_536;

/** Length of a payload in the head of a frame (RFC 6455 §5.2), one character per byte. */
const lengthOf = (bytes: number): string => {
  if (bytes < 126) return String.fromCharCode(bytes);
  if (bytes < 65_536) return String.fromCharCode(126, bytes >> 8, bytes & 0xff);
  const [high, low] = [Math.floor(bytes / 2 ** 32), bytes % 2 ** 32];
  const parts = [high, low].flatMap((word) => [24, 16, 8, 0].map((shift) => (word >>> shift) & 0xff));
  return String.fromCharCode(127, ...parts);
};

/** Of the last frame: what goes to many is as long for most of them. */
let last = { opcode: 0, bytes: -1, head: '' };

/** Head of an unmasked, final frame. */
const headOf = (opcode: number, bytes: number): string => {
  if (last.bytes !== bytes || last.opcode !== opcode) {
    last = { opcode, bytes, head: String.fromCharCode(opcode) + lengthOf(bytes) };
  }
  return last.head;
};

export class SocketWriter implements Writable {
  readonly #owner: WriterOwner;
  readonly #ws: WebSocket;
  readonly #socket: Duplex;
  readonly #writes: SocketWrites;
  readonly #counts: Counts;
  /** Frames that wait for the end of the tick; empty: none. */
  #pending = '';
  #afterFlush: (() => void) | null = null;
  #isClosed = false;
  #isWatching = false;

  constructor(owner: WriterOwner, { ws, socket, writes, counts }: SocketWriterDeps) {
    this.#owner = owner;
    this.#ws = ws;
    this.#socket = socket;
    this.#writes = writes;
    this.#counts = counts;
  }

  /** Bytes that the kernel has not taken. */
  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  /** Writes a text frame in this tick, after those before it. Nothing happens on a closed socket. */
  write(frame: WireText): void {
    this.#write(text, frame);
  }

  /** The same of a payload that is deflated as permessage-deflate has it; only where that was agreed on. */
  writeDeflated(payload: WireText): void {
    this.#write(deflatedText, payload);
  }

  /** An RFC 6455 ping with `payload`, at most 125 characters of ASCII, in its place among the frames. */
  pingPeer(payload: string): void {
    if (this.#isOpen) this.#add(headOf(ping, payload.length) + payload);
  }

  /** Calls `task` once what was put down is written: now, if nothing waits; never, if the connection ends before. */
  afterFlush(task: () => void): void {
    if (this.#pending === '') {
      if (this.#isOpen) task();
      return;
    }
    const before = this.#afterFlush;
    this.#afterFlush =
      before === null
        ? task
        : () => {
            before();
            task();
          };
  }

  flush(): void {
    const pending = this.#pending;
    if (pending === '') return;
    this.#pending = '';
    if (!this.#isOpen) return;
    this.#socket.write(pending, 'latin1');
    if (this.#socket.writableLength > 0) this.#watch();
    const task = this.#afterFlush;
    this.#afterFlush = null;
    task?.();
  }

  /** Sends a close frame after what was written. Idempotent; nothing is written afterwards. */
  close({ code, reason }: Close): void {
    if (this.#isClosed) return;
    this.flush();
    this.#isClosed = true;
    this.#ws.close(code, reason);
  }

  /** The peer or ws closes: nothing is written any more. */
  end(): void {
    this.#isClosed = true;
  }

  /** Cuts the connection. */
  terminate(): void {
    this.#isClosed = true;
    this.#ws.terminate();
  }

  get #isOpen(): boolean {
    return !this.#isClosed && this.#socket.writable;
  }

  #write(opcode: number, payload: WireText): void {
    if (!this.#isOpen) return;
    this.#counts.framesOut++;
    this.#counts.bytesOut += payload.length;
    this.#add(headOf(opcode, payload.length) + payload);
  }

  #add(frame: string): void {
    if (this.#pending === '') this.#writes.add(this);
    this.#pending += frame;
    if (this.#pending.length >= maxPendingBytes) this.flush();
  }

  /**
   * An empty write is done when all before it is: cheaper than a callback per frame, and asked for only where the kernel is full. What came behind it
   * is waited for by the next.
   */
  #watch(): void {
    if (this.#isWatching || this.#socket.destroyed) return;
    this.#isWatching = true;
    this.#socket.write(empty, () => {
      this.#isWatching = false;
      if (this.#isClosed) return;
      if (this.#isOpen && this.#socket.writableLength > 0) this.#watch();
      this.#owner.drained();
    });
  }
}
