import type { Clock, Timer } from '../clock.ts';

/** A delivery whose acknowledgement has not come. */
export type OpenDelivery = { expire(how: 'missing' | 'closed'): void };

/** The sampled deliveries that wait for their acknowledgement: bounded in number and in time, with one timer for all. */
export type OpenDeliveries = {
  /** False when there are too many: then the delivery gets no span of its own. */
  add(delivery: OpenDelivery): boolean;
  remove(delivery: OpenDelivery): void;
  /** Ends all, before telemetry is flushed for the last time. */
  closeAll(): void;
  readonly size: number;
};

/** How long a delivery waits for its acknowledgement. */
export const maxOpenMs = 30_000;
/** How many wait at once; about 2 KB each. */
export const maxOpenDeliveries = 4_096;

/** Creates the set. */
export const createOpenDeliveries = (clock: Clock): OpenDeliveries => {
  /** In order of their start, so that the first is due first. */
  const startedAt = new Map<OpenDelivery, number>();
  let timer: Timer | null = null;

  const expireDue = (): void => {
    timer = null;
    const dueBefore = clock.monotonic() - maxOpenMs;
    for (const [delivery, at] of startedAt) {
      if (at > dueBefore) break;
      startedAt.delete(delivery);
      delivery.expire('missing');
    }
    arm();
  };

  const arm = (): void => {
    const [first] = startedAt.values();
    if (timer !== null || first === undefined) return;
    timer = clock.after(first + maxOpenMs - clock.monotonic(), expireDue);
  };

  return {
    add(delivery) {
      if (startedAt.size >= maxOpenDeliveries) return false;
      startedAt.set(delivery, clock.monotonic());
      arm();
      return true;
    },
    remove(delivery) {
      startedAt.delete(delivery);
      if (startedAt.size > 0 || timer === null) return;
      timer.cancel();
      timer = null;
    },
    closeAll() {
      for (const delivery of [...startedAt.keys()]) delivery.expire('closed');
      startedAt.clear();
      timer?.cancel();
      timer = null;
    },
    get size() {
      return startedAt.size;
    },
  };
};
