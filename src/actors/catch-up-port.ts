import type { Telemetry } from '../telemetry/facade.ts';
import type { Lane } from './lane.ts';
import type { Ring } from './ring.ts';
import type { Scan } from './scan.ts';
import type { Tail } from './tail.ts';
import type { Turn } from './turn.ts';

/** What one subscription that is catching up sees of the node; `Member` is itself. */
export type CatchUpPort<Member> = {
  readonly tail: Tail;
  readonly ring: Ring;
  readonly turn: Turn;
  readonly telemetry: Telemetry;
  readonly replayMaxAgeMs: number;
  readonly checkpointMs: number;
  /** Wall clock, milliseconds since 1970. */
  now(): number;
  /** Monotonic milliseconds. */
  monotonic(): number;
  wake(catchUp: Member): void;
  /** A scan from the lane's position to the tail; null when the node runs as many as it may, or the lane has to rest: `wake` comes later. */
  startScan(lane: Lane, wake: () => void): Scan | null;
  scanStopped(): void;
  /** The log had nothing, or did not answer: try this lane again after a while. */
  rest(catchUp: Member, lane: Lane): void;
  ended(catchUp: Member): void;
};
