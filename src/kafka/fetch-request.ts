import type { RawRequest } from './raw-request.ts';
import { WireReader } from './wire-reader.ts';
import { WireWriter } from './wire-writer.ts';

/** Where a fetch begins in one partition. `epoch` is that of the record before, -1 unknown: the leader compares it (KIP-595). */
export type FetchPosition = {
  readonly topicId: string;
  readonly index: number;
  readonly next: bigint;
  readonly epoch: number;
};

/** Bounds of one fetch. A first batch larger than `maxBytes` still comes whole. */
export type FetchLimits = { readonly maxWaitMs: number; readonly maxBytes: number };

/** A transaction that was taken back: its records from `firstOffset` on do not count. */
export type AbortedTransaction = { readonly producerId: bigint; readonly firstOffset: bigint };

/** The answer for one partition; `error` is Kafka's code, 0 = none. */
export type FetchedPartition = {
  readonly topicId: string;
  readonly index: number;
  readonly error: number;
  readonly stableEnd: bigint;
  readonly start: bigint;
  readonly aborted: readonly AbortedTransaction[];
  /** Where the leader's log parts from ours: our epoch ended at `offset` there. Null where they agree. */
  readonly divergence: { readonly epoch: number; readonly offset: bigint } | null;
  /** Record batches, the last one maybe cut off; a view of the answer. */
  readonly batches: Buffer;
};

export type FetchAnswer = { readonly error: number; readonly partitions: readonly FetchedPartition[] };

const readCommitted = 1;
const divergenceTag = 0;

const readPartition = (reader: WireReader, topicId: string): FetchedPartition => {
  const [index, error] = [reader.int32(), reader.int16()];
  reader.int64();
  const [stableEnd, start] = [reader.int64(), reader.int64()];
  const aborted = reader.compactArray(() => {
    const transaction = { producerId: reader.int64(), firstOffset: reader.int64() };
    reader.tags();
    return transaction;
  });
  reader.int32();
  const batches = reader.compactBytes();
  let divergence: FetchedPartition['divergence'] = null;
  reader.tags((tag, field) => {
    if (tag === divergenceTag) divergence = { epoch: field.int32(), offset: field.int64() };
  });
  return { topicId, index, error, stableEnd, start, aborted, divergence, batches };
};

const readFetch = (payload: Buffer): FetchAnswer => {
  const reader = new WireReader(payload);
  reader.tags();
  reader.int32();
  const error = reader.int16();
  reader.int32();
  const partitions = reader.compactArray(() => {
    const topicId = reader.uuid();
    const list = reader.compactArray(() => readPartition(reader, topicId));
    reader.tags();
    return list;
  });
  return { error, partitions: partitions.flat() };
};

const byTopic = (positions: readonly FetchPosition[]): readonly (readonly FetchPosition[])[] => [
  ...Map.groupBy(positions, ({ topicId }) => topicId).values(),
];

/**
 * Fetch v13 (Kafka 3.1 and later; the first by topic id, so that a re-created topic is never read on at an old offset), read
 * committed, without a fetch session. The order of `positions` is the order in which the broker fills the answer.
 */
export const fetchRequest = (positions: readonly FetchPosition[], limits: FetchLimits): RawRequest<FetchAnswer> => {
  const writer = new WireWriter().tags();
  writer.int32(-1).int32(limits.maxWaitMs).int32(1).int32(limits.maxBytes).int8(readCommitted).int32(0).int32(-1);
  writer.compactArray(byTopic(positions), (list) => {
    writer.uuid(list[0]?.topicId ?? '');
    writer.compactArray(list, ({ index, next, epoch }) => {
      writer.int32(index).int32(-1).int64(next).int32(epoch).int64(-1n).int32(limits.maxBytes).tags();
    });
    writer.tags();
  });
  writer.compactArray([], () => {});
  writer.compactString('').tags();
  return { apiKey: 1, apiVersion: 13, apiName: 'Fetch', body: writer.bytes, decode: readFetch };
};
