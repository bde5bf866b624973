import type { NewRecord, NextOffset, PartitionId, Position } from '../../src/event.ts';
import type { AppendResult } from '../../src/log/event-log.ts';

/** The records and positions that the contract of the EventLog port is told with. */

/** As Java's `Utils.murmur2` of kafka-clients 4.4.0 places them on 12 partitions. */
export const placements: readonly (readonly [key: string, partition: number])[] = [
  ['TT0124', 10],
  ['100:48069', 9],
  ['f81d4fae-7dec-11d0-a765-00a0c91e6bf6', 8],
  ['ключ-1', 9],
  ['', 9],
  ['a', 4],
  ['ab', 2],
  ['abc', 3],
  ['user-1', 8],
  ['🔔', 5],
];

/** Key and partition of a record; left out = none. */
export type Sketch = { readonly key?: string; readonly partition?: number };

/** A record without headers. */
export const recordOf = (value: string, { key, partition }: Sketch = {}): NewRecord => ({
  key: key === undefined ? null : Buffer.from(key),
  value: Buffer.from(value),
  headers: [],
  ...(partition === undefined ? {} : { partition }),
});

/** The position of an append that must have succeeded. */
export const positionOf = (result: AppendResult | undefined): Position => {
  if (result?.ok !== true) throw new Error(`append failed: ${result?.error.message ?? 'no result'}`);
  return result.position;
};

/** Records with the values 0 to `count` - 1. */
export const numbered = (count: number, sketch: Sketch): NewRecord[] =>
  Array.from({ length: count }, (_, i) => recordOf(`${i}`, sketch));

/** The numbers from `from` to `to` - 1, as text. */
export const count = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `${from + i}`);

/** Positions without an epoch. */
export const startAt = (entries: Readonly<Record<PartitionId, bigint>>): Map<PartitionId, NextOffset> =>
  new Map(Object.entries(entries).map(([id, next]) => [id as PartitionId, { next, epoch: -1 }]));
