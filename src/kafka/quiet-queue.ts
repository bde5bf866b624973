import { createRequire } from 'node:module';

/**
 * kafkajs 2.2.4 re-arms a timer after every check of its request queue, with a negative delay where nothing throttles it:
 * a 1 ms loop per connection (3.6 % of a core while idle) and a TimeoutNegativeWarning on Node 24 (kafkajs#1751). The timer is
 * only needed while something waits, so the patch arms it only then.
 */

type RequestQueue = {
  readonly pending: readonly unknown[];
  readonly throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  checkPendingRequests(): void;
  scheduleCheckPendingRequests(): void;
};

const checkIntervalMs = 10;

const scheduleWhileWaiting = function (this: RequestQueue): void {
  if (this.throttleCheckTimeoutId !== null || this.pending.length === 0) return;
  const throttledMs = this.throttledUntil - Date.now();
  this.throttleCheckTimeoutId = setTimeout(
    () => {
      this.throttleCheckTimeoutId = null;
      this.checkPendingRequests();
    },
    throttledMs > 0 ? throttledMs : checkIntervalMs,
  );
};

/** Whether the function is the one that this patch was written against. */
const isKnown = (source: string): boolean =>
  source.includes('this.throttledUntil - Date.now()') && source.includes('CHECK_PENDING_REQUESTS_INTERVAL');

/** Silences the loop, for the whole process and once. False, and nothing is changed, where kafkajs is not as expected. */
export const quietRequestQueue = (): boolean => {
  const queue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as { prototype: RequestQueue };
  const current = queue.prototype.scheduleCheckPendingRequests;
  if (current === scheduleWhileWaiting) return true;
  if (!isKnown(String(current))) return false;
  queue.prototype.scheduleCheckPendingRequests = scheduleWhileWaiting;
  return true;
};
