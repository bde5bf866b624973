/** "Once this turn is over", behind a port: work is put off and sliced with it, never with timers. */
export type Scheduler = {
  /** Runs `task` in a later turn, after I/O had its chance; tasks keep their order. */
  soon(task: () => void): void;
};

/** Node's check phase. */
export const systemScheduler: Scheduler = {
  soon(task) {
    setImmediate(task);
  },
};

/** A promise for the next turn. */
export const nextTurn = (scheduler: Scheduler): Promise<void> =>
  new Promise((resolve) => {
    scheduler.soon(resolve);
  });
