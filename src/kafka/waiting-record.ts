import { GatewayError } from '../errors.ts';
import type { NewRecord } from '../event.ts';
import type { AppendResult } from '../log/event-log.ts';
import { recordBytes } from './produce-message.ts';

/** One record on its way, and its one result: the first that is given counts. */
export class WaitingRecord {
  readonly record: NewRecord;
  readonly bytes: number;
  readonly result: Promise<AppendResult>;
  readonly #resolve: (result: AppendResult) => void;
  #isSettled = false;
  /** Whether it was handed to kafkajs: from then on it may land. */
  isSent = false;

  constructor(record: NewRecord) {
    this.record = record;
    this.bytes = recordBytes(record);
    const { promise, resolve } = Promise.withResolvers<AppendResult>();
    this.result = promise;
    this.#resolve = resolve;
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  settle(result: AppendResult): void {
    this.#isSettled = true;
    this.#resolve(result);
  }

  fail(error: GatewayError): void {
    this.settle({ ok: false, error });
  }
}

/** A refusal before anything was sent. */
export const notWritten = (
  code: 'LOG_UNAVAILABLE' | 'OVERLOADED' | 'TOO_LARGE',
  message: string,
  details: { retryAfterMs?: number; cause?: unknown } = {},
): GatewayError => new GatewayError(code, message, { ...details, outcome: 'not_written' });
