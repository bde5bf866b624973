import type { NextOffset } from '../event.ts';
import type { PartitionRef } from './leaders.ts';

/** Where a feed stands in one partition. Changed only by the lane that has claimed it, and only while no handler call is running. */
export type LivePartition = {
  readonly ref: PartitionRef;
  /** Id of the topic that `position` is about. */
  topicId: string;
  position: NextOffset;
  /** The node that leads it, as last seen; -1 none. */
  leader: number;
  /** The poll in flight that includes it; an answer to any other poll is stale and is dropped. */
  claim: object | null;
  /** The handler is working on a chunk, or a range question is open: not to be fetched. */
  isBusy: boolean;
  /** Not to be fetched before this time (monotonic), after errors. */
  retryAt: number;
  /** Errors in a row. */
  failures: number;
  /** When its leader last answered for it (monotonic). */
  contactAt: number;
};

/** A partition that was never fetched. */
export const livePartition = (
  ref: PartitionRef,
  start: { topicId: string; position: NextOffset; now: number },
): LivePartition => ({
  ref,
  topicId: start.topicId,
  position: start.position,
  leader: -1,
  claim: null,
  isBusy: false,
  retryAt: 0,
  failures: 0,
  contactAt: start.now,
});
