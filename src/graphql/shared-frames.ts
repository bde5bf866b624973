import type { Delivery } from '../actors/session.ts';
import { frameHead, textFrame } from './frame-head.ts';
import type { Rendering } from './rendering.ts';
import type { WireText } from './wire-text.ts';

/**
 * Frames of a batch that one socket after another gets, and that differ only in how they begin: what stands between those beginnings is joined once.
 * To join each frame for each socket costs eight times as much.
 */

/** Frames with holes in front of each result. */
export type FrameParts = {
  readonly parts: readonly WireText[];
  /** Payloads of all frames, without their heads. */
  readonly payloadBytes: number;
};

/** V8 joins text when it is read: this reads it, so that it is not joined again for each who gets it. */
const flat = (text: string): WireText => Buffer.from(text, 'latin1').toString('latin1') as WireText;

export class SharedFrames {
  readonly #rendering: Rendering;
  /** The batch that was asked for last. */
  #batch: readonly Delivery[] = [];
  #beginning = 0;
  /** Null until it is asked for a second time: most of what is for one user goes to one socket. */
  #frames: FrameParts | null = null;

  constructor(rendering: Rendering) {
    this.#rendering = rendering;
  }

  /**
   * Text frames of `batch` for an operation whose payloads begin with so many bytes, to be joined by that beginning. Null where they are to be made one
   * by one: nobody had this batch just before, it is for several operations, or something of it is traced.
   */
  find(batch: readonly Delivery[], beginning: number): FrameParts | null {
    if (beginning !== this.#beginning || !isAlike(batch, this.#batch)) {
      this.#batch = batch;
      this.#beginning = beginning;
      this.#frames = null;
      return null;
    }
    this.#frames ??= this.#make(batch, beginning);
    return this.#frames;
  }

  #make(batch: readonly Delivery[], beginning: number): FrameParts {
    const parts: WireText[] = [];
    let payloadBytes = 0;
    let end = '';
    for (const delivery of batch) {
      const result = this.#rendering.render(delivery);
      const bytes = beginning + result.length + 1;
      parts.push(flat(end + frameHead(textFrame, bytes)));
      end = `${result}}`;
      payloadBytes += bytes;
    }
    return { parts: [...parts, flat(end)], payloadBytes };
  }
}

/** Whether `batch` is for one operation, and what the other holds. */
const isAlike = (batch: readonly Delivery[], other: readonly Delivery[]): boolean => {
  const operationId = batch[0]?.operationId;
  if (batch.length !== other.length) return false;
  for (let n = 0; n < batch.length; n++) {
    const [one, before] = [batch[n], other[n]];
    if (one?.payload !== before?.payload || one?.plan !== before?.plan) return false;
    if (one?.operationId !== operationId || one?.trace !== null) return false;
  }
  return true;
};
