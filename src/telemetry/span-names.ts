/**
 * Every name that traces show, in one table. Where OpenTelemetry has a semantic convention its name is used; the rest is `carillon.*`.
 * None of them holds a user, token, key, cursor or payload.
 */

/** Span names. `process` goes with the log topic: `process notifications`. */
export const spanNames = {
  publish: 'publish',
  process: 'process',
  deliver: 'deliver',
  deadLetter: 'dead_letter',
} as const;

/** Attribute keys of spans and links. */
export const spanAttributes = {
  system: 'messaging.system',
  destination: 'messaging.destination.name',
  partition: 'messaging.destination.partition.id',
  offset: 'messaging.kafka.offset',
  operationName: 'messaging.operation.name',
  operationType: 'messaging.operation.type',
  messageId: 'messaging.message.id',
  messageBytes: 'messaging.message.body.size',
  errorType: 'error.type',
  httpMethod: 'http.request.method',
  httpRoute: 'http.route',
  httpStatus: 'http.response.status_code',
  /** `user`, `topic` or `everyone`. */
  audience: 'carillon.audience',
  eventType: 'carillon.event_type',
  /** `live` or `catchup`. */
  mode: 'carillon.mode',
  /** This node's id. */
  node: 'carillon.node',
  /** Which echo the client gives: `echo`, `bare` or `none`. */
  sessionClass: 'carillon.session_class',
  /** Milliseconds from the record's timestamp to its fetch on this node. */
  logWaitMs: 'carillon.log_wait_ms',
  /** Milliseconds from routed to written: what the recipient's own queue cost. */
  outboxWaitMs: 'carillon.outbox_wait_ms',
  /** How the delivery ended: `acknowledged`, `closed`, `missing`, or `none` where the client gives no echo. */
  ack: 'carillon.ack',
  /** On `process`: recipients on this node. On a `deliver` that counts: those without a span of their own. */
  recipients: 'carillon.recipients',
  /** On `process`: the trace that holds the counting `deliver` of a large fan-out. */
  fanOutTraceId: 'carillon.fanout.trace_id',
  /** On links: why they are there (`record` or `fanout`). */
  link: 'carillon.link',
} as const;
