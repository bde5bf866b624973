/** Every number of this room. Durations in milliseconds, sizes in bytes. */
export type CoreOptions = {
  /** From accepted connection to `connection_init`. */
  readonly initTimeoutMs: number;
  /** From accepted connection to `connection_ack`, in all. */
  readonly ackDeadlineMs: number;
  /** Rest after which a marker is sent, +- 20 %; an echo is due within the same time. */
  readonly heartbeatMs: number;
  /** A lagging session that makes no progress for this long is stalled. */
  readonly progressDeadlineMs: number;
  /** A stalled session is closed after this long. */
  readonly stalledDeadlineMs: number;
  /** How long before its end a token counts as expiring. */
  readonly expiryNoticeMs: number;
  /** A user without sessions is forgotten after this long. */
  readonly awayWindowMs: number;
  /** Positions of operations without a socket that are kept. */
  readonly maxParked: number;
  readonly maxSocketsPerUser: number;
  readonly maxSubscriptionsPerSession: number;
  /** Failed sessions of one user within `holdWindowMs` that put the user on hold. */
  readonly restartIntensity: number;
  readonly holdWindowMs: number;
  /** How long each new session of a user on hold waits for its `connection_ack`. */
  readonly holdPaceMs: number;
  /** From the start of a session's drain to its close at the latest. */
  readonly drainDeadlineMs: number;
  /** `connection_ack`s per second on this node, and at once. */
  readonly admissionsPerSecond: number;
  readonly admissionBurst: number;
  readonly maxWaitingAdmissions: number;
  /** A session's queue: over it a subscription reads the log instead. */
  readonly outboxHighWaterBytes: number;
  readonly outboxHighWaterCount: number;
  /** Bytes in the socket's hands over which nothing more is given to it. */
  readonly socketHighWaterBytes: number;
  /** A marker goes out with data after so many bytes. */
  readonly markerBytes: number;
  readonly ringBytesPerPartition: number;
  /** Offsets of which this node remembers together whom they are for, and what that may take in all. */
  readonly blockOffsets: number;
  readonly blocksBytes: number;
  /** Rest after which a checkpoint is sent if the position moved, +- 20 %. */
  readonly checkpointMs: number;
  /** UNREADABLE gaps per subscription: at most one per this time, unless an event comes between. */
  readonly unreadableFoldMs: number;
  /** Older records are not replayed: gap LIMIT. */
  readonly replayMaxAgeMs: number;
  /** Readings of the log at once on this node; those who are catching up share them. */
  readonly maxScans: number;
  /** Bytes that each of them keeps for those who are slower. */
  readonly scanKeptBytes: number;
  /** Between attempts when the log does not answer. */
  readonly retryMs: number;
  /** How often the log is asked about a position that is beyond this node's tail. */
  readonly aheadCheckMs: number;
  /** Work in one turn of the event loop. */
  readonly maxTurnMs: number;
  /** What of a turn catching up may take besides. */
  readonly maxCatchUpTurnMs: number;
  readonly publishPerSecond: number;
  readonly publishBurst: number;
  readonly maxPublishUserIds: number;
  readonly maxEventBytes: number;
};

/** What holds where the deployer says nothing. */
export const defaultCoreOptions: CoreOptions = {
  initTimeoutMs: 3_000,
  ackDeadlineMs: 10_000,
  heartbeatMs: 25_000,
  progressDeadlineMs: 5_000,
  stalledDeadlineMs: 30_000,
  expiryNoticeMs: 60_000,
  awayWindowMs: 120_000, // 2 min
  maxParked: 100_000,
  maxSocketsPerUser: 10,
  maxSubscriptionsPerSession: 32,
  restartIntensity: 5,
  holdWindowMs: 30_000,
  holdPaceMs: 2_000,
  drainDeadlineMs: 10_000,
  admissionsPerSecond: 2_000,
  admissionBurst: 2_000,
  maxWaitingAdmissions: 20_000,
  outboxHighWaterBytes: 262_144, // 256 KiB
  outboxHighWaterCount: 1_024,
  socketHighWaterBytes: 65_536, // 64 KiB
  markerBytes: 65_536, // 64 KiB
  ringBytesPerPartition: 4_194_304, // 4 MiB
  blockOffsets: 1_024,
  blocksBytes: 67_108_864, // 64 MiB
  checkpointMs: 60_000,
  unreadableFoldMs: 1_000,
  replayMaxAgeMs: 86_400_000, // 24 h
  maxScans: 24,
  scanKeptBytes: 8_388_608, // 8 MiB
  retryMs: 500,
  aheadCheckMs: 5_000,
  maxTurnMs: 5,
  maxCatchUpTurnMs: 0.5,
  publishPerSecond: 200,
  publishBurst: 1_000,
  maxPublishUserIds: 1_000,
  maxEventBytes: 262_144, // 256 KiB
};
