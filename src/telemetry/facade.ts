import type { Envelope, PartitionId, TraceContext } from '../event.ts';

/**
 * What the rooms see of tracing and metrics. Belongs to the vocabulary: no SDK behind these types is visible here.
 * Every method is cheap when the trace is not sampled; none throws.
 */

/** One publish, from request to acknowledged append. */
export type PublishSpan = {
  /** What to put into the record's `traceparent`; null where nothing is to be sent. */
  readonly context: TraceContext | null;
  /** Ends the span; with a code from the error catalogue it ends as an error. */
  end(errorCode?: string): void;
};

/** One HTTP request to the GraphQL endpoint, from its headers to its last byte. */
export type RequestSpan = {
  /** The parent of what the request causes, `startPublish` above all; null where tracing is off. */
  readonly context: TraceContext | null;
  /** Ends the span with the answer's status; 500 and above end it as an error. Idempotent. */
  end(status: number): void;
};

/** One envelope on a node that has a recipient for it; parent: the record's context, or a new root. */
export type ProcessSpan = {
  /** One recipient's delivery. Null once the fan-out is over the per-recipient bound; then one shared span counts. */
  deliver(attributes: DeliverAttributes): DeliverSpan | null;
  end(recipients: number): void;
};

export type DeliverAttributes = {
  readonly mode: 'live' | 'catchup';
  readonly sessionClass: SessionClass;
  /** Milliseconds from the record's timestamp to its fetch on this node. */
  readonly logWaitMs: number;
};

/** Which echo a session's peer gives: protocol pong with payload, RFC 6455 pong only, or none (SSE). */
export type SessionClass = 'echo' | 'bare' | 'none';

export type DeliverEvent = 'fetched' | 'routed' | 'rendered' | 'written' | 'acknowledged';

/** One delivery; stays open until the ack, the session's end or 30 s. */
export type DeliverSpan = {
  /** For `extensions.traceparent` of the payload. */
  readonly traceparent: string;
  event(name: DeliverEvent, atMs?: number): void;
  /** Ends the span: `acknowledged`, or why no ack came. Idempotent. */
  end(how: 'acknowledged' | 'closed' | 'missing'): void;
};

/** Which record failed, and why: a code of low cardinality. */
export type FailureAttributes = { readonly reason: string; readonly partition: PartitionId; readonly offset: bigint };

/** Counters on hot paths: plain numbers, read by the exporter. */
export type Counts = {
  deliveries: number;
  recordsRead: number;
  recordsDuplicate: number;
  recordsExpired: number;
  recordsTombstone: number;
  recordsUnknownType: number;
  framesIn: number;
  framesOut: number;
  bytesOut: number;
  catchUpScans: number;
  catchUpBlocksSkipped: number;
  catchUpRecords: number;
  catchUpBytes: number;
  actorFailures: number;
  policyDenials: number;
};

/** Counters with one low-cardinality label. */
export type LabelledCount =
  | 'gaps'
  | 'deadLetters'
  | 'closes'
  | 'publishes'
  | 'publishErrors'
  | 'operationErrors'
  | 'renderFallbacks'
  | 'policyModule';

/** Histograms, in seconds. */
export type HistogramName = 'publishDuration' | 'recordToWrite' | 'recordToAck';

/** Gauges, read at scrape time. `partition` is the only label that any of them has. */
export type GaugeName =
  | 'connections'
  | 'subscriptions'
  | 'users'
  | 'outboxBytes'
  | 'catchingUp'
  | 'knownBlocks'
  | 'lagRecords'
  | 'lagSeconds'
  | 'logStalledSeconds'
  | 'eventLoopLagSeconds';

export type GaugeReading = { readonly value: number; readonly label?: string };

export type Telemetry = {
  readonly counts: Counts;
  count(name: LabelledCount, label: string): void;
  observe(name: HistogramName, seconds: number): void;
  /** Registers the reader of a gauge; `label` names state or partition. */
  gauge(name: GaugeName, read: () => readonly GaugeReading[]): void;

  /** `parent` is the caller's context, already cleared of callers without the publish scope. `startedAtMs` is on the gateway's clock. */
  startRequest(
    parent: TraceContext | null,
    attributes: { method: string; route: string; startedAtMs: number },
  ): RequestSpan;
  /** `parent` is the caller's context, already cleared of callers without the publish scope, or that of its request's span. */
  startPublish(parent: TraceContext | null, attributes: { audienceKind: string; logTopic: string }): PublishSpan;
  /** Null where the trace is not sampled: then nothing is allocated for this envelope. `mode` catchup of an event older than 60 s starts a linked root. */
  startProcess(envelope: Envelope, mode: 'live' | 'catchup'): ProcessSpan | null;
  /** A short span with error status, in the trace of the record that could not be read. Failed publishes end their own span with a code. */
  recordFailure(name: 'dead_letter', parent: TraceContext | null, attributes: FailureAttributes): void;
};
