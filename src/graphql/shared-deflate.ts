import { constants, deflateRawSync } from 'node:zlib';
import type { WireText } from './wire-text.ts';

/**
 * permessage-deflate (RFC 7692) for a fan-out: what all recipients share is deflated once, what is a recipient's own stands before it as it is. No
 * context is taken over from one message to the next, so that no socket has a window of its own.
 */

/** Shorter ones gain too little. */
const minBytes = 512;
/** From here on speed counts more than the last percent: this runs in the event loop. */
const largeBytes = 16_384;
/** Of a message that ends in an empty stored block, these bytes are left out (RFC 7692 §7.2.1). */
const tail = 4;
/** The longest stored block. */
const maxStored = 65_535;
/** Recipients of one event follow each other closely. */
const maxKept = 32;

/** `head` as a stored, byte-aligned block that is not the last (RFC 1951 §3.2.4). */
const storedBlock = (head: string): string => {
  const { length } = head;
  const complement = ~length & 0xffff;
  return String.fromCharCode(0, length & 0xff, length >> 8, complement & 0xff, complement >> 8) + head;
};

const deflate = (body: WireText): string | null => {
  const level = body.length >= largeBytes ? 1 : constants.Z_DEFAULT_COMPRESSION;
  const deflated = deflateRawSync(Buffer.from(body, 'latin1'), { level, finishFlush: constants.Z_SYNC_FLUSH });
  return deflated.length < body.length * 0.9 ? deflated.toString('latin1', 0, deflated.length - tail) : null;
};

export class SharedDeflate {
  readonly #kept = new Map<WireText, string | null>();

  /** The payload of a compressed message that reads `head`, `shared` and a closing brace; null where compressing does not pay. `shared` must be one string for all: it is looked up. */
  message(head: string, shared: WireText): WireText | null {
    if (shared.length < minBytes || head.length > maxStored) return null;
    const deflated = this.#deflated(shared);
    return deflated === null ? null : ((storedBlock(head) + deflated) as WireText);
  }

  #deflated(shared: WireText): string | null {
    const known = this.#kept.get(shared);
    if (known !== undefined) return known;
    const made = deflate(`${shared}}` as WireText);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= maxKept && oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.set(shared, made);
    return made;
  }
}

/** Whether a peer reads what is made here: deflate was `agreed` on, and it did not ask for a smaller window than ours in its `offer`. */
export const canInflate = (agreed: string, offer: string = ''): boolean =>
  agreed.includes('permessage-deflate') && !offer.includes('server_max_window_bits');
