import type { Telemetry } from '../telemetry/facade.ts';
import type { Blocks } from './blocks.ts';
import type { Lane } from './lane.ts';
import type { Ring } from './ring.ts';
import type { Scan } from './scan.ts';
import type { Tail } from './tail.ts';
import type { Turn } from './turn.ts';

/** What one subscription that is catching up sees of the node; `Member` is itself. */
export type CatchUpPort<Member> = {
  readonly tail: Tail;
  readonly ring: Ring;
  readonly blocks: Blocks;
  readonly turn: Turn;
  readonly telemetry: Telemetry;
  readonly replayMaxAgeMs: number;
  readonly checkpointMs: number;
  /** Wall clock, milliseconds since 1970. */
  now(): number;
  /** Monotonic milliseconds. */
  monotonic(): number;
  wake(catchUp: Member): void;
  /** A way through the log from the lane's position on; null when the node reads as often as it may, or the lane has to rest: it is woken later. */
  startScan(lane: Lane, member: Member): Scan | null;
  /** The log had nothing, or did not answer: try this lane again after a while. */
  rest(catchUp: Member, lane: Lane): void;
  /** Asks the log whether the lane's position belongs to what stands there, and has it go on. */
  prove(catchUp: Member, lane: Lane): void;
  ended(catchUp: Member): void;
};
