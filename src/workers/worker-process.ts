import type { FromWorker, ToWorker } from './protocol.ts';

/** One process as the supervisor sees it. */
export type WorkerProcess = {
  /** Null where the system did not make one. */
  readonly pid: number | null;
  /** Never throws: what the channel no longer takes is lost, and the end of the process follows. */
  send(message: ToWorker): void;
  /** Ends it at once. */
  kill(): void;
};

/** How a process ended: its exit code, or the signal that ended it. Both null where it could not be started. */
export type ProcessEnd = { readonly code: number | null; readonly signal: string | null };

/** What a process has to say. `ended` comes once, after the last message; none of them before `SpawnWorker` has returned. */
export type ProcessEvents = {
  message(message: FromWorker): void;
  ended(end: ProcessEnd): void;
};

/** Starts worker number `index`. Never throws. */
export type SpawnWorker = (index: number, events: ProcessEvents) => WorkerProcess;
