import type { NextOffset } from './event.ts';

/** Placeholder until written: see docs/design.md §8. Encodes positions as an opaque, checksummed string. */

/** Positions of one topic, identified by its fingerprint (16 hex digits). Index = partition. */
export type TopicPositions = { readonly fingerprint: string; readonly partitions: readonly (NextOffset | null)[] };

export type CursorCodec = {
  encode(positions: readonly TopicPositions[]): string;
  /** Null for anything that is not a cursor of ours, in any version. Never throws. */
  decode(cursor: string): readonly TopicPositions[] | null;
};
