/** Heads of unmasked, final WebSocket frames (RFC 6455 §5.2), one character per byte. */

export const textFrame = 0x81;
/** The first reserved bit says that the payload is deflated (RFC 7692 §6). */
export const deflatedTextFrame = 0xc1;
export const pingFrame = 0x89;

const lengthOf = (bytes: number): string => {
  if (bytes < 126) return String.fromCharCode(bytes);
  if (bytes < 65_536) return String.fromCharCode(126, bytes >> 8, bytes & 0xff);
  const [high, low] = [Math.floor(bytes / 2 ** 32), bytes % 2 ** 32];
  const parts = [high, low].flatMap((word) => [24, 16, 8, 0].map((shift) => (word >>> shift) & 0xff));
  return String.fromCharCode(127, ...parts);
};

/** Of the last frame: what goes to many is as long for most of them. */
let last = { opcode: 0, bytes: -1, head: '' };

/** Head of a frame with so many bytes of payload. */
export const frameHead = (opcode: number, bytes: number): string => {
  if (last.bytes !== bytes || last.opcode !== opcode) {
    last = { opcode, bytes, head: String.fromCharCode(opcode) + lengthOf(bytes) };
  }
  return last.head;
};
