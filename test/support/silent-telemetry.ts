import type { Counts, Telemetry } from '../../src/telemetry/facade.ts';

/** Counters at zero. */
export const zeroCounts = (): Counts => ({
  deliveries: 0,
  recordsRead: 0,
  recordsDuplicate: 0,
  recordsExpired: 0,
  recordsTombstone: 0,
  recordsUnknownType: 0,
  framesIn: 0,
  framesOut: 0,
  bytesOut: 0,
  catchUpScans: 0,
  catchUpBlocksSkipped: 0,
  catchUpRecords: 0,
  catchUpBytes: 0,
  actorFailures: 0,
  policyDenials: 0,
});

/** Telemetry that traces nothing and keeps its counts readable: for tests of rooms that need one. */
export const silentTelemetry = (): Telemetry & { readonly labelled: ReadonlyMap<string, number> } => {
  const labelled = new Map<string, number>();
  return {
    counts: zeroCounts(),
    labelled,
    count(name, label) {
      const key = `${name} ${label}`;
      labelled.set(key, (labelled.get(key) ?? 0) + 1);
    },
    observe() {},
    gauge() {},
    startRequest: (parent) => ({ context: parent, end() {} }),
    startPublish: (parent) => ({ context: parent, end() {} }),
    startProcess: () => null,
    recordFailure() {},
  };
};
