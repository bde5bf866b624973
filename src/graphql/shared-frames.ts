import type { Batch } from '../actors/session.ts';
import { frameHead, textFrame } from './frame-head.ts';
import type { Rendering } from './rendering.ts';
import type { WireText } from './wire-text.ts';

/**
 * Frames of a batch that one socket after another gets, and that differ only in how their payloads begin: they are made once, as bytes, and each
 * socket's beginning is put into them before they are written.
 */

/** Frames with holes where payloads begin. */
export class FrameTemplate {
  /** How many frames. */
  readonly count: number;
  /** Payloads of all frames, without their heads. */
  readonly payloadBytes: number;
  #bytes: Buffer;
  readonly #firstHole: number;
  readonly #otherHoles: readonly number[];

  /** `parts`: what stands before, between and behind the holes, each of which takes `beginning` bytes. */
  constructor(parts: readonly WireText[], beginning: number, payloadBytes: number) {
    this.count = parts.length - 1;
    this.payloadBytes = payloadBytes;
    const frames = parts.join(' '.repeat(beginning));
    // Memory of its own: a piece of what others share would hold on to all of that while a slow socket has it.
    this.#bytes = Buffer.allocUnsafeSlow(frames.length);
    this.#bytes.write(frames, 'latin1');
    let at = 0;
    const [first = 0, ...others] = parts.slice(0, -1).map((part) => {
      const hole = at + part.length;
      at = hole + beginning;
      return hole;
    });
    this.#firstHole = first;
    this.#otherHoles = others;
  }

  /** Length of all frames. */
  get length(): number {
    return this.#bytes.length;
  }

  /** The frames of a socket whose payloads begin like that. They are good until the next call, unless they are `given`. */
  fill(beginning: WireText): Buffer {
    const first = this.#firstHole;
    this.#bytes.write(beginning, first, 'latin1');
    for (const hole of this.#otherHoles) this.#bytes.copyWithin(hole, first, first + beginning.length);
    return this.#bytes;
  }

  /** The same as text. */
  text(beginning: WireText): WireText {
    return this.fill(beginning).toString('latin1') as WireText;
  }

  /** Somebody holds on to what `fill` gave: it is not touched any more. */
  given(): void {
    const copy = Buffer.allocUnsafeSlow(this.#bytes.length);
    this.#bytes.copy(copy);
    this.#bytes = copy;
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
   * Text frames of `batch`, which is for one operation and not traced, where payloads begin with so many bytes; to be filled with that beginning. Null
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
