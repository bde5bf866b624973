import type { Counts, GaugeName, HistogramName, LabelledCount } from './facade.ts';

/**
 * Every metric that `/metrics` shows, in one table, named as OpenTelemetry names are (`carillon.records.read`, shown to Prometheus with its unit as
 * `carillon_records_read_total`). Labels are few and low in cardinality: never a user.
 */

/** Name, unit (UCUM) and meaning of one metric. */
export type Metric = { readonly name: string; readonly unit: string; readonly description: string };
/** A metric with one label. */
export type LabelledMetric = Metric & { readonly label: string };

const metric = (name: string, unit: string, description: string): Metric => ({
  name: `carillon.${name}`,
  unit,
  description,
});

/** Counters without a label. */
export const countMetrics: Readonly<Record<keyof Counts, Metric>> = {
  deliveries: metric('deliveries', '{event}', 'Events handed to a socket'),
  recordsRead: metric('records.read', '{record}', 'Records read from the log'),
  recordsDuplicate: metric('records.duplicate', '{record}', 'Records dropped as duplicates of one before'),
  recordsExpired: metric('records.expired', '{record}', 'Records dropped because their event had expired'),
  recordsTombstone: metric('records.tombstone', '{record}', 'Records without a value, skipped'),
  recordsUnknownType: metric(
    'records.unknown_type',
    '{record}',
    "Records of an event type that this node's schema does not know",
  ),
  framesIn: metric('frames.in', '{frame}', 'Frames received from clients'),
  framesOut: metric('frames.out', '{frame}', 'Frames sent to clients'),
  bytesOut: metric('socket.sent', 'By', 'Bytes sent to clients'),
  catchUpScans: metric('catchup.scans', '{scan}', 'Scans of the log for subscriptions behind the tail'),
  catchUpBlocksSkipped: metric(
    'catchup.blocks_skipped',
    '{block}',
    'Blocks of the log that were known to hold nothing for a subscription behind the tail',
  ),
  catchUpRecords: metric('catchup.records', '{record}', 'Records read by such scans'),
  catchUpBytes: metric('catchup.read', 'By', 'Bytes read by such scans'),
  actorFailures: metric('actor.failures', '{failure}', 'Sessions ended because an action threw'),
  policyDenials: metric('policy.denials', '{operation}', 'Operations refused for want of a scope or topic claim'),
};

/** Counters with one label. */
export const labelledMetrics: Readonly<Record<LabelledCount, LabelledMetric>> = {
  gaps: { ...metric('gaps', '{gap}', 'Gaps sent, by reason'), label: 'reason' },
  deadLetters: { ...metric('dead_letters', '{record}', 'Records that do not decode, by reason'), label: 'reason' },
  closes: { ...metric('session.closes', '{session}', 'Sessions ended, by reason'), label: 'reason' },
  publishes: {
    ...metric('publishes', '{event}', 'Events published through this node, by audience'),
    label: 'audience',
  },
  publishErrors: { ...metric('publish.errors', '{event}', 'Publishes that failed, by code'), label: 'code' },
  policyModule: {
    ...metric('policy_module.denials', '{decision}', 'What the policy module denied, or failed to decide'),
    label: 'decision',
  },
  operationErrors: {
    ...metric('operation.errors', '{operation}', 'GraphQL operations that failed, by code'),
    label: 'code',
  },
  renderFallbacks: {
    ...metric(
      'render.fallbacks',
      '{rendering}',
      'Renderings that graphql-js made: the selection cannot be compiled, or the payload has errors',
    ),
    label: 'reason',
  },
};

/** Histograms, in seconds. */
export const histogramMetrics: Readonly<Record<HistogramName, Metric>> = {
  publishDuration: metric('publish.duration', 's', 'From the publish request to its acknowledged append'),
  recordToWrite: metric('record_to_write.duration', 's', "From the record's timestamp to its write to a socket"),
  recordToAck: metric('record_to_ack.duration', 's', "From the record's timestamp to the client's acknowledgement"),
};

/** Upper bounds of the histograms' buckets, in seconds. */
export const durationBuckets: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
];

/** Gauges. The label is there only where a reading has one. */
export const gaugeMetrics: Readonly<Record<GaugeName, LabelledMetric>> = {
  connections: { ...metric('connections', '{connection}', 'Open connections, by state'), label: 'state' },
  subscriptions: { ...metric('subscriptions', '{subscription}', 'Running subscriptions'), label: 'state' },
  users: { ...metric('users', '{user}', 'Users with at least one session on this node'), label: 'state' },
  outboxBytes: { ...metric('outbox.size', 'By', 'Bytes queued for clients'), label: 'state' },
  catchingUp: { ...metric('catching_up', '{subscription}', 'Subscriptions behind the tail'), label: 'state' },
  knownBlocks: {
    ...metric('catchup.blocks_known', '{block}', 'Stretches of the log of which the node knows whom they are for'),
    label: 'state',
  },
  lagRecords: {
    ...metric('log.lag', '{record}', 'Records between the tail dispatched and the end of the log'),
    label: 'partition',
  },
  lagSeconds: {
    ...metric('log.lag.duration', 's', 'Age of the record dispatched last, while there are newer ones'),
    label: 'partition',
  },
  logStalledSeconds: {
    ...metric('log.stalled.duration', 's', 'How long the log has been out of contact'),
    label: 'partition',
  },
  eventLoopLagSeconds: {
    ...metric('event_loop.lag', 's', 'How late the event loop ran, p99 since the last scrape'),
    label: 'state',
  },
};

/** Metrics about tracing itself. */
export const tracingMetrics: Readonly<Record<'openDeliveries' | 'exported' | 'exportFailed', Metric>> = {
  openDeliveries: metric('traces.open_deliveries', '{span}', 'Sampled deliveries that wait for their acknowledgement'),
  exported: metric('traces.exported', '{span}', 'Spans taken by the collector'),
  exportFailed: metric('traces.export_failed', '{span}', 'Spans lost because the collector did not take them'),
};
