import type { PartitionId } from '../event.ts';
import type { EventLog, OffsetRange } from '../log/event-log.ts';
import { duplicateWindowOffsets } from './duplicate-window.ts';
import type { Intake } from './intake.ts';

/** Asks the log for its ends until it answers; null once `signal` aborts. */
const untilAnswered = async (
  log: EventLog,
  { signal, pause }: { signal: AbortSignal; pause: () => Promise<void> },
): Promise<ReadonlyMap<PartitionId, OffsetRange> | null> => {
  while (!signal.aborted) {
    try {
      return await log.offsets();
    } catch {
      await pause();
    }
  }
  return null;
};

/**
 * Puts the tail at the log's end. The 4,096 offsets before it go into ring and duplicate window, and another 4,096 before those into the window
 * alone: so what the ring holds is judged as any other node judges it, and the first live record too. Retries while the log does not answer;
 * returns early when `signal` aborts.
 */
export const warmUp = async (
  intake: Intake,
  log: EventLog,
  how: { signal: AbortSignal; pause: () => Promise<void> },
): Promise<void> => {
  const ranges = await untilAnswered(log, how);
  const known = new Set<PartitionId>();
  for (const [partition, { start, end }] of ranges ?? []) {
    known.add(partition);
    const back = (offsets: number): bigint => later(start, end - BigInt(offsets));
    const coveredFrom = back(duplicateWindowOffsets);
    intake.startAt(partition, back(2 * duplicateWindowOffsets), coveredFrom);
  }
  intake.adopt(log.topology());
  for (const partition of known) {
    const end = ranges?.get(partition)?.end ?? 0n;
    await readUpTo(intake, log, { partition, end, ...how });
  }
};

const later = (a: bigint, b: bigint): bigint => (a > b ? a : b);

type Stretch = {
  readonly partition: PartitionId;
  readonly end: bigint;
  readonly signal: AbortSignal;
  readonly pause: () => Promise<void>;
};

const readUpTo = async (intake: Intake, log: EventLog, stretch: Stretch): Promise<void> => {
  const { partition, end, signal, pause } = stretch;
  while (!signal.aborted) {
    const from = intake.positionOf(partition);
    if (from >= end) return;
    try {
      for await (const chunk of log.read(partition, from, end, { signal })) await intake.warmUp(chunk);
      // Ended below: what is left up to `end` is markers, or was cut; the feed goes on from here.
      return;
    } catch {
      await pause();
    }
  }
};
