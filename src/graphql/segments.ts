import { randomBytes } from 'node:crypto';
import { toWire, type WireText } from './wire-text.ts';

/**
 * A rendering with holes where the cursor stands, under whatever alias and however often. The holes are found by rendering with a word as cursor
 * that nobody outside this process can know, so that no content is taken for one.
 */

/** What stands around the holes: one more than there are holes. */
export type Segments = readonly WireText[];

/** The cursor to render with. Never leaves the process. */
export const holeCursor: string = randomBytes(24).toString('hex');

const hole = JSON.stringify(holeCursor);

/** Takes a rendering with `holeCursor` apart. Null where the word is also elsewhere, as part of a message say: then it cannot be shared. */
export const segmentsOf = (text: string): Segments | null => {
  const segments = text.split(hole);
  return segments.some((segment) => segment.includes(holeCursor)) ? null : segments.map(toWire);
};

/** The rendering with `cursor` in every hole. */
export const fillSegments = (segments: Segments, cursor: string): WireText => {
  const [first = toWire('')] = segments;
  if (segments.length === 1) return first;
  const filling = toWire(JSON.stringify(cursor));
  let text: string = first;
  for (let i = 1; i < segments.length; i++) text += filling + segments[i];
  return text as WireText;
};
