import type { NextOffset } from '../event.ts';
import type { GapChunk } from '../log/event-log.ts';
import type { PartitionRef } from './leaders.ts';
import type { LivePartition } from './live-partition.ts';
import type { EpochEnd } from './offset-requests.ts';
import { pause } from './pause.ts';
import { judge, type PartitionBounds } from './positions.ts';
import type { ReaderDeps } from './reader-deps.ts';

/** What is to be said of a position that the broker calls out of range, and where to go on. */
export type RangeAnswer = { readonly gap: GapChunk | null; readonly position: NextOffset };

type Question = { readonly ref: PartitionRef; readonly position: NextOffset };

/** A new leader's end may lag for a moment behind what its predecessor showed: a first look beyond it proves nothing. */
const secondLookMs = 500;

const gapFor = (question: Question, reason: GapChunk['reason'], to: NextOffset): RangeAnswer => {
  const { ref, position } = question;
  const [from, end] = to.next < position.next ? [to.next, position.next] : [position.next, to.next];
  const epoch = reason === 'TRUNCATED' && to.epoch >= 0 ? { epoch: to.epoch } : {};
  return { gap: { kind: 'gap', partition: ref.id, from, to: end, reason, ...epoch }, position: to };
};

const answerFor = (question: Question, bounds: PartitionBounds, epochEnd: EpochEnd | undefined): RangeAnswer => {
  const verdict = judge(question.position, bounds, epochEnd);
  if (typeof verdict === 'object') return gapFor(question, 'TRUNCATED', verdict.cutAt);
  switch (verdict) {
    case 'expired':
      return gapFor(question, 'EXPIRED', { next: bounds.start, epoch: -1 });
    case 'ahead':
      return gapFor(question, 'TRUNCATED', { next: bounds.end, epoch: -1 });
    default:
      // In range after all. Go on without the epoch: one whose entry expired makes the leader say "out of range", too.
      return { gap: null, position: { next: question.position.next, epoch: -1 } };
  }
};

/**
 * Asks the leader anew why a position is out of range: below the start is EXPIRED, above the end TRUNCATED. Rejects with
 * LOG_UNAVAILABLE when the leader does not answer.
 */
export const askRange = async (question: Question, deps: ReaderDeps, signal: AbortSignal): Promise<RangeAnswer> => {
  const { ref, position } = question;
  const look = async (): Promise<{ bounds: PartitionBounds; epochEnd: EpochEnd | undefined }> => {
    await deps.view.refresh();
    const epochs = new Map(position.epoch >= 0 ? [[ref.index, position.epoch]] : []);
    const [bounds, ends] = await Promise.all([
      deps.positions.bounds(ref.topic, [ref.index], 'end'),
      deps.positions.epochEnds(ref.topic, epochs),
    ]);
    return { bounds: bounds.get(ref.index) ?? { start: 0n, end: 0n }, epochEnd: ends.get(ref.index) };
  };
  let { bounds, epochEnd } = await look();
  if (judge(position, bounds, epochEnd) === 'ahead') {
    await pause(deps.clock, secondLookMs, signal);
    ({ bounds, epochEnd } = await look());
  }
  return answerFor(question, bounds, epochEnd);
};

/** `askRange` for a live partition: moves it, and gives what is to be handed over. Where the topic is another by now, or nobody answers, it stays. Never rejects. */
export const resolveRange = async (
  partition: LivePartition,
  deps: ReaderDeps,
  signal: AbortSignal,
): Promise<readonly GapChunk[]> => {
  try {
    const { gap, position } = await askRange(partition, deps, signal);
    if (deps.view.topic(partition.ref.topic)?.id !== partition.topicId) return [];
    partition.position = position;
    if (gap === null) return [];
    deps.logger.warn('kafka offsets are gone; the feed goes on behind them', {
      partition: gap.partition,
      reason: gap.reason,
      from: String(gap.from),
      to: String(gap.to),
    });
    return [gap];
  } catch {
    return [];
  }
};
