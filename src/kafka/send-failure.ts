import { GatewayError, type PublishOutcome } from '../errors.ts';

/** What a failed send means for its records. */
export type SendFailure =
  /** The batch exceeds the broker's limit: nothing of it is written, and smaller ones may fit. */
  | { readonly kind: 'too_large' }
  /** `isLasting`: the next send would fail alike until somebody changes rights or settings. */
  | { readonly kind: 'failed'; readonly error: GatewayError; readonly isLasting: boolean };

/** kafkajs hides the broker's error in `cause`, sometimes several levels deep. */
const chain = (error: unknown): readonly Error[] => {
  const errors: Error[] = [];
  for (let next = error; next instanceof Error && errors.length < 8; next = next.cause) errors.push(next);
  return errors;
};

const typeOf = (error: Error): string => {
  const { type } = error as Error & { type?: unknown };
  return typeof type === 'string' ? type : error.name;
};

/** Kafka's own name of the error, where the broker gave one. kafkajs gathers several into one without a cause. */
export const kafkaErrorType = (error: unknown): string | null => {
  const { errors = [] } = Object(error) as { errors?: readonly unknown[] };
  const all = [error, ...errors].flatMap(chain);
  return all.map(typeOf).find((type) => /^[A-Z_]+$/.test(type)) ?? null;
};

/** Message of the innermost error. */
export const rootMessage = (error: unknown): string => {
  const { errors } = Object(error) as { errors?: readonly unknown[] };
  return chain(errors?.[0] ?? error).at(-1)?.message ?? String(error);
};

/** Whether it is an answer of the broker, and not a broken connection or a time-out. */
export const isRefusal = (error: unknown): boolean => chain(error).some(({ name }) => name === 'KafkaJSProtocolError');

const tooLarge: ReadonlySet<string> = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);

const isText = (text: string | null | undefined): text is string => typeof text === 'string';

const badCredentials = 'kafka does not accept our credentials: check the CARILLON_KAFKA_SASL_ variables';
const forbidden = (topic: string): string =>
  `kafka forbids writing to topic ${topic}: grant WRITE and DESCRIBE (carillon topics plan prints the acls)`;

/** Errors that last, and what to do about them. */
const lasting: Readonly<Record<string, ((topic: string) => string) | undefined>> = {
  TOPIC_AUTHORIZATION_FAILED: forbidden,
  // WRITE on any topic gives the right to write idempotently (KIP-679): who lacks it may write nowhere.
  CLUSTER_AUTHORIZATION_FAILED: forbidden,
  KafkaJSSASLAuthenticationError: () => badCredentials,
  INVALID_RECORD: (topic) => `kafka refuses the record for topic ${topic}: a compacted topic needs keys`,
  POLICY_VIOLATION: (topic) => `kafka refuses the record for topic ${topic}: it violates the broker's policy`,
};

const tlsCodes: ReadonlySet<string> = new Set([
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** What to do about a socket's error that lasts; null where trying again may help. */
export const lastingSocketTrouble = (error: Error | null): string | null => {
  const { code } = Object(error) as { code?: unknown };
  if (typeof code !== 'string') return null;
  if (tlsCodes.has(code)) return `kafka's certificate is not trusted (${code}): set CARILLON_KAFKA_CA_FILE`;
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG')
    return 'kafka does not speak TLS at this address: check CARILLON_KAFKA_SSL and the port';
  return null;
};

/** Ways in which our settings and a listener's do not fit, by what is left to see of them. Each may be something else, too: none lasts for sure. */
const misfits: readonly (readonly [sign: RegExp, trouble: string])[] = [
  [
    /before secure TLS connection was established/,
    'kafka closed the connection while TLS began: does this port speak it? check CARILLON_KAFKA_SSL and the port',
  ],
  [
    /^(?:Connection error: )?Closed connection/,
    'kafka closed the connection: does it demand TLS or SASL? check CARILLON_KAFKA_SSL and the CARILLON_KAFKA_SASL_ variables',
  ],
  [
    /not valid given the current SASL state/,
    'kafka has no SASL at this address: check the port, or remove the CARILLON_KAFKA_SASL_ variables',
  ],
];

const misfit = (cause: unknown): string | undefined => {
  const message = rootMessage(cause);
  return misfits.find(([sign]) => sign.test(message))?.[1];
};

/** Why a broker could not be connected to, with what to do about it where that is known. */
export const connectionTrouble = (cause: unknown): string => {
  const errors = chain(cause);
  if (errors.some(({ name }) => name === 'KafkaJSSASLAuthenticationError')) return badCredentials;
  return errors.map(lastingSocketTrouble).find(isText) ?? misfit(cause) ?? rootMessage(cause);
};

/** Judges an error out of `connect` or `send`. `outcome` is what to say of the records where the error itself does not tell. */
export const judgeFailure = (cause: unknown, topic: string, outcome: PublishOutcome): SendFailure => {
  const errors = chain(cause);
  const types = errors.map(typeOf);
  if (types.some((type) => tooLarge.has(type))) return { kind: 'too_large' };
  const known = [...types.map((type) => lasting[type]?.(topic)), ...errors.map(lastingSocketTrouble)].find(isText);
  const message = known ?? `kafka did not take the record: ${rootMessage(cause)}`;
  const details = { cause, outcome, retryAfterMs: 1_000 };
  return {
    kind: 'failed',
    isLasting: known !== undefined,
    error: new GatewayError('LOG_UNAVAILABLE', message, details),
  };
};
