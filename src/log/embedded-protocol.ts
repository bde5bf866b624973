import type { TopicPlan } from './topics.ts';

/** What the embedded log's main thread and its worker say to each other. Blocks are transferred, never copied. */

export type PartitionState = { readonly row: number; readonly start: bigint; readonly end: bigint };

export type TopicState = {
  readonly name: string;
  readonly fingerprint: string;
  readonly isCompacted: boolean;
  /** Index = partition. */
  readonly partitions: readonly PartitionState[];
};

/** Age and size beyond which records go; `bytes` counts per topic. */
export type RetentionRule = { readonly cutoffMs: number; readonly bytes: number };

/** One request and its answer, by name. */
export type EmbeddedCalls = {
  /** Creates what is missing, and adds partitions where a plan has more. */
  topics: { request: { readonly plans: readonly TopicPlan[] }; answer: readonly TopicState[] };
  /** Writes a block in one transaction; it comes back with its offsets filled in. */
  append: { request: { readonly block: ArrayBuffer; readonly nowMs: number }; answer: ArrayBuffer };
  read: { request: ReadRequest; answer: ReadAnswer };
  /** Deletes the records of a partition below `to`. */
  trim: { request: { readonly row: number; readonly to: bigint }; answer: RetentionAnswer };
  /** Applies retention, one slice. */
  retain: { request: RetentionRule; answer: RetentionAnswer };
  close: { request: null; answer: null };
};

export type ReadRequest = {
  readonly row: number;
  readonly from: bigint;
  readonly to: bigint;
  readonly maxBytes: number;
  readonly maxRecords: number;
};

/** `gap`: nothing below `to` is left. */
export type ReadAnswer =
  | { readonly kind: 'gap'; readonly to: bigint }
  | { readonly kind: 'records'; readonly block: ArrayBuffer; readonly next: bigint };

/** Partitions whose start moved; call again while not done. */
export type RetentionAnswer = { readonly moved: readonly PartitionState[]; readonly isDone: boolean };

export type CallName = keyof EmbeddedCalls;

export type WorkerRequest = {
  readonly [Name in CallName]: {
    readonly id: number;
    readonly name: Name;
    readonly body: EmbeddedCalls[Name]['request'];
  };
}[CallName];

/** Why the worker could not do it. `isWritten` null = unknown. */
export type WorkerFailure = {
  readonly reason: 'full' | 'unwritable' | 'damaged' | 'failed';
  readonly message: string;
  readonly isWritten: false | null;
};

/** The first message of a worker has id 0: whether the database could be opened. */
export type WorkerAnswer =
  | { readonly id: number; readonly ok: true; readonly body: EmbeddedCalls[CallName]['answer'] }
  | { readonly id: number; readonly ok: false; readonly failure: WorkerFailure };
