import type { Batch } from '../actors/session.ts';
import { frameHead, textFrame } from './frame-head.ts';
import type { Rendering } from './rendering.ts';
import type { WireText } from './wire-text.ts';

/**
 * Frames of a batch that one socket after another gets, and that differ only in how their payloads begin: they are made once, as bytes, and each
 * socket's beginning is put into them before they are written.
 */

/** With memory of its own: a piece of what others share would hold on to all of that while a slow socket has it. */
const bytesOf = (text: string): Buffer => {
  const bytes = Buffer.allocUnsafeSlow(text.length);
  bytes.write(text, 'latin1');
  return bytes;
};

/** Frames with holes where payloads begin. */
export class FrameTemplate {
  /** How many frames. */
  readonly count: number;
  /** Payloads of all frames, without their heads. */
  readonly payloadBytes: number;
  #bytes: Buffer;
  readonly #holes: readonly number[];

  /** `parts`: what stands before, between and behind the holes, each of which takes `beginning` bytes. */
  constructor(parts: readonly WireText[], beginning: number, payloadBytes: number) {
    this.count = parts.length - 1;
    this.payloadBytes = payloadBytes;
    this.#bytes = bytesOf(parts.join(' '.repeat(beginning)));
    let at = 0;
    this.#holes = parts.slice(0, -1).map((part) => {
      const hole = at + part.length;
      at = hole + beginning;
      return hole;
    });
  }

  /** Length of all frames. */
  get length(): number {
    return this.#bytes.length;
  }

  /** The frames of a socket whose payloads begin like that. They are good until the next call, unless they are `given`. */
  fill(beginning: WireText): Buffer {
    for (const hole of this.#holes) this.#bytes.write(beginning, hole, 'latin1');
    return this.#bytes;
  }

  /** The same as text. */
  text(beginning: WireText): WireText {
    return this.fill(beginning).toString('latin1') as WireText;
  }

  /** Somebody holds on to what `fill` gave: it is not touched any more. */
  given(): void {
    this.#bytes = bytesOf(this.#bytes.toString('latin1'));
  }
}

export class SharedFrames {
  readonly #rendering: Rendering;
  /** What was asked for last. */
  #batch: Batch | null = null;
  #plan: unknown = null;
  #beginning = 0;
  /** Null until it is asked for a second time: most of what is for one user goes to one socket. */
  #frames: FrameTemplate | null = null;

  constructor(rendering: Rendering) {
    this.#rendering = rendering;
  }

  /**
   * Text frames of `batch`, which is for one operation and not traced, where payloads begin with so many bytes; to be joined by that beginning. Null
   * where they are to be made one by one, since nobody had this batch just before.
   */
  find(batch: Batch, plan: unknown, beginning: number): FrameTemplate | null {
    if (batch !== this.#batch || plan !== this.#plan || beginning !== this.#beginning) {
      this.#batch = batch;
      this.#plan = plan;
      this.#beginning = beginning;
      this.#frames = null;
      return null;
    }
    this.#frames ??= this.#make(batch, plan, beginning);
    return this.#frames;
  }

  #make({ deliveries }: Batch, plan: unknown, beginning: number): FrameTemplate {
    const parts: WireText[] = [];
    let payloadBytes = 0;
    let end = '';
    for (const { payload, trace } of deliveries) {
      const result = this.#rendering.render({ plan, payload, trace });
      const bytes = beginning + result.length + 1;
      parts.push(`${end}${frameHead(textFrame, bytes)}` as WireText);
      end = `${result}}`;
      payloadBytes += bytes;
    }
    return new FrameTemplate([...parts, end as WireText], beginning, payloadBytes);
  }
}
