import type { NextOffset } from '../event.ts';
import type { GapChunk, LogChunk } from '../log/event-log.ts';
import type { Logger } from '../telemetry/logger.ts';
import { codecNames } from './compression.ts';
import type { FetchedPartition } from './fetch-request.ts';
import type { PartitionRef } from './leaders.ts';
import { type BadBatch, readRecordSet } from './record-set.ts';

/** The partition that was fetched, and from where. */
export type FetchedAt = { readonly ref: PartitionRef; readonly position: NextOffset };

/** What to hand over after a fetch, and where to go on. */
export type FetchedChunks = { readonly chunks: readonly LogChunk[]; readonly position: NextOffset };

const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b);

const badBatchGap = (ref: PartitionRef, bad: BadBatch, logger: Logger): GapChunk => {
  logger.error('kafka batch cannot be read and is skipped with a gap', {
    partition: ref.id,
    offset: String(bad.from),
    codec: codecNames[bad.codec] ?? bad.codec,
    detail: bad.cause instanceof Error ? bad.cause.message : String(bad.cause),
  });
  return { kind: 'gap', partition: ref.id, from: bad.from, to: bad.to, reason: 'EXPIRED' };
};

/**
 * Turns an answer without error into chunks: records as far as they can be read, a gap for a batch that cannot (never a loop),
 * a gap TRUNCATED where the leader's log has parted from ours. Never throws.
 */
export const chunksOf = (at: FetchedAt, answer: FetchedPartition, logger: Logger): FetchedChunks => {
  const { ref, position: from } = at;
  if (answer.divergence !== null) {
    const { epoch } = answer.divergence;
    const end = smaller(answer.divergence.offset, from.next);
    const gap: GapChunk = { kind: 'gap', partition: ref.id, from: end, to: from.next, reason: 'TRUNCATED', epoch };
    return { chunks: [gap], position: { next: end, epoch } };
  }
  const { records, next, bad } = readRecordSet({
    partition: ref.id,
    from,
    batches: answer.batches,
    aborted: answer.aborted,
  });
  const chunks: LogChunk[] = [];
  if (next.next > from.next) chunks.push({ kind: 'records', partition: ref.id, records, next });
  if (bad === null) return { chunks, position: next };
  chunks.push(badBatchGap(ref, bad, logger));
  return { chunks, position: { next: bad.to, epoch: bad.epoch } };
};
