import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Counts } from '../telemetry/facade.ts';
import type { Close } from './close-codes.ts';
import { deflatedTextFrame, frameHead, pingFrame, textFrame } from './frame-head.ts';
import type { FrameTemplate } from './shared-frames.ts';
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

const empty = Buffer.alloc(0);
const noText = '' as WireText;
/** What waits for the end of a tick on one socket, at most: more goes at once. */
const maxPendingBytes = 65_536;

export class SocketWriter implements Writable {
  readonly #owner: WriterOwner;
  readonly #ws: WebSocket;
  readonly #socket: Duplex;
  readonly #writes: SocketWrites;
  readonly #counts: Counts;
  /** Frames that wait for the end of the tick: those of the template, where there is one, then those of the text. */
  #template: FrameTemplate | null = null;
  #beginning = noText;
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
    this.#write(textFrame, frame);
  }

  /** The same of a payload that is deflated as permessage-deflate has it; only where that was agreed on. */
  writeDeflated(payload: WireText): void {
    this.#write(deflatedTextFrame, payload);
  }

  /** Writes frames that are made already but for how they begin. */
  writeFrames(template: FrameTemplate, beginning: WireText): void {
    if (!this.#isOpen) return;
    this.#counts.framesOut += template.count;
    this.#counts.bytesOut += template.payloadBytes;
    if (!this.#isIdle) {
      this.#add(template.text(beginning));
      return;
    }
    this.#writes.add(this);
    this.#template = template;
    this.#beginning = beginning;
    if (template.length >= maxPendingBytes) this.flush();
  }

  /** An RFC 6455 ping with `payload`, at most 125 characters of ASCII, in its place among the frames. */
  pingPeer(payload: string): void {
    if (this.#isOpen) this.#add(frameHead(pingFrame, payload.length) + payload);
  }

  /** Calls `task` once what was put down is written: now, if nothing waits; never, if the connection ends before. */
  afterFlush(task: () => void): void {
    if (this.#isIdle) {
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
    if (this.#isIdle) return;
    const [template, pending] = [this.#template, this.#pending];
    this.#template = null;
    this.#pending = '';
    if (!this.#isOpen) return;
    if (template === null) this.#socket.write(pending, 'latin1');
    else this.#writeTemplate(template, pending);
    if (this.#socket.writableLength > 0) this.#watch();
    const task = this.#afterFlush;
    this.#afterFlush = null;
    task?.();
  }

  /** Bytes that all sockets share, unless something stands behind them. */
  #writeTemplate(template: FrameTemplate, pending: string): void {
    if (pending !== '') {
      this.#socket.write(template.text(this.#beginning) + pending, 'latin1');
      return;
    }
    this.#socket.write(template.fill(this.#beginning));
    if (this.#socket.writableLength > 0) template.given();
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

  /** Nothing waits for the end of the tick. */
  get #isIdle(): boolean {
    return this.#pending === '' && this.#template === null;
  }

  get #isOpen(): boolean {
    return !this.#isClosed && this.#socket.writable;
  }

  #write(opcode: number, payload: WireText): void {
    if (!this.#isOpen) return;
    this.#counts.framesOut++;
    this.#counts.bytesOut += payload.length;
    this.#add(frameHead(opcode, payload.length) + payload);
  }

  #add(frame: string): void {
    if (this.#isIdle) this.#writes.add(this);
    this.#pending += frame;
    if (this.#pending.length + (this.#template?.length ?? 0) >= maxPendingBytes) this.flush();
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
