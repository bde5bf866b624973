import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { LogDatabase } from './embedded-database.ts';
import type { EmbeddedCalls, WorkerAnswer, WorkerFailure, WorkerRequest } from './embedded-protocol.ts';

/**
 * The embedded log's worker thread: one database, one request at a time, answers in order. A thread of its own, since an fsync or a
 * checkpoint may take 100 ms, in which the gateway's sockets must go on.
 */

/** What the thread is started with. */
export type EmbeddedWorkerData = { readonly file: string; readonly maxPages?: number };

type SqliteError = Error & { readonly errcode?: number };

const full = 13;
const unwritable: ReadonlySet<number> = new Set([3, 8, 14, 23]);
const damaged: ReadonlySet<number> = new Set([11, 26]);
const ioError = 10;

const reasonOf = (code: number): WorkerFailure['reason'] => {
  if (code === full) return 'full';
  if (unwritable.has(code)) return 'unwritable';
  return damaged.has(code) ? 'damaged' : 'failed';
};

const failureOf = (thrown: unknown): WorkerFailure => {
  const { message, errcode = 0 } = thrown as SqliteError;
  // The low byte is the primary code. After a failed write or fsync nobody knows whether the commit will be found on the disk.
  const code = errcode & 0xff;
  return { reason: reasonOf(code), message, isWritten: code === ioError ? null : false };
};

const run = (db: LogDatabase, request: WorkerRequest): EmbeddedCalls[WorkerRequest['name']]['answer'] => {
  switch (request.name) {
    case 'topics':
      return db.topics(request.body.plans);
    case 'append':
      db.append(Buffer.from(request.body.block), request.body.nowMs);
      return request.body.block;
    case 'read':
      return db.read(request.body);
    case 'trim':
      return db.trim(request.body.row, request.body.to);
    case 'retain':
      return db.retain(request.body);
    case 'close':
      db.close();
      return null;
  }
};

const transferOf = (body: WorkerAnswer & { ok: true }): ArrayBuffer[] => {
  if (body.body instanceof ArrayBuffer) return [body.body];
  if (body.body !== null && 'kind' in body.body && body.body.kind === 'records') return [body.body.block];
  return [];
};

const serve = (db: LogDatabase, port: MessagePort): void => {
  port.on('message', (request: WorkerRequest) => {
    try {
      const answer = { id: request.id, ok: true, body: run(db, request) } as const;
      port.postMessage(answer, transferOf(answer));
    } catch (thrown) {
      const failure = failureOf(thrown);
      if (failure.reason === 'full') db.relieve();
      port.postMessage({ id: request.id, ok: false, failure } satisfies WorkerAnswer);
    }
    if (request.name === 'close') port.close();
  });
};

const start = (port: MessagePort, { file, maxPages }: EmbeddedWorkerData): void => {
  try {
    const db = new LogDatabase(file, maxPages);
    serve(db, port);
    port.postMessage({ id: 0, ok: true, body: null } satisfies WorkerAnswer);
  } catch (thrown) {
    port.postMessage({ id: 0, ok: false, failure: failureOf(thrown) } satisfies WorkerAnswer);
    port.close();
  }
};

if (parentPort !== null) start(parentPort, workerData as EmbeddedWorkerData);
