/** Several processes on one port: who supervises them, and how one of them serves. */
export { forkWorkers, workerArgument } from './fork-worker.ts';
export type { ToWorker } from './protocol.ts';
export { createWorker } from './serve.ts';
export { createSupervisor } from './supervisor.ts';
