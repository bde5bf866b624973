import { hash, randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import {
  type Audience,
  type EncodeEvent,
  type NewEvent,
  type NewRecord,
  type NotificationId,
  notificationId,
  type UserId,
} from '../event.ts';
import type { AppendResult, EventLog } from '../log/event-log.ts';
import type { PublishSpan, Telemetry } from '../telemetry/facade.ts';
import { formatTraceparent } from '../traceparent.ts';
import { scopes } from '../viewer.ts';
import type { CoreOptions } from './options.ts';
import type { PublishErrorCode, Publisher, PublishRequest, PublishResult, PublishUserError } from './publishing.ts';
import { RateLimit } from './rate-limit.ts';
import { contentDigest, RecentKeys } from './recent-keys.ts';

/** Publishes by appending to the log: authorise, bound, give an id, append, answer. Delivery begins when the log is read, on every node alike. */

export type PublisherDeps = {
  readonly log: EventLog;
  readonly encode: EncodeEvent;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly options: CoreOptions;
  /** Whether this node has read from the log, within the duplicate window, what readers take for the same event for the same audience. */
  hasRead(record: NewRecord): boolean;
  isDraining(): boolean;
};

/** `ce_source` of everything that mutations publish. */
export const publishSource = '/carillon/publish';

type Prepared = {
  readonly request: PublishRequest;
  readonly ceId: string;
  readonly audiences: readonly Audience[];
  readonly digest: string | null;
};

/** One record of a publish, and whom it is for. */
type Letter = { readonly audience: Audience; readonly record: NewRecord };

export class LogPublisher implements Publisher {
  readonly #deps: PublisherDeps;
  readonly #rate: RateLimit;
  readonly #keys = new RecentKeys();
  readonly #pending = new Set<Promise<unknown>>();

  constructor(deps: PublisherDeps) {
    this.#deps = deps;
    const { publishPerSecond: perSecond, publishBurst: burst } = deps.options;
    this.#rate = new RateLimit({ perSecond, burst, monotonic: () => deps.clock.monotonic() });
  }

  async publish(request: PublishRequest): Promise<PublishResult> {
    if (this.#deps.isDraining()) {
      const details = { outcome: 'not_written', retryAfterMs: 1_000 } as const;
      throw new GatewayError('DRAINING', 'this node is draining: publish again, another node takes it', details);
    }
    requireScope(request);
    const refusal = this.#refusal(request);
    if (refusal !== null) return refused(refusal);
    const prepared = this.#prepare(request);
    return prepared.digest === null ? this.#append(prepared) : this.#publishOnce(prepared, prepared.digest);
  }

  /** Resolves when no publish is in flight. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending);
  }

  #refusal(request: PublishRequest): PublishUserError | null {
    const { audience, viewer } = request;
    if (audience.kind === 'everyone' && !hasScope(request, scopes.publishEveryone)) {
      const message = `publishing to everyone needs the scope ${scopes.publishEveryone}`;
      return userError('FORBIDDEN_AUDIENCE', ['audience', 'everyone'], message);
    }
    const { maxPublishUserIds: max } = this.#deps.options;
    if (audience.kind === 'users' && (audience.userIds.length === 0 || audience.userIds.length > max)) {
      const message = `audience names ${audience.userIds.length} users: give 1 to ${max}, or publish to a topic`;
      return userError('TOO_MANY_USERS', ['audience', 'userIds'], message);
    }
    const waitMs = this.#rate.take(JSON.stringify([viewer.issuer, viewer.userId]));
    if (waitMs === null) return null;
    return userError('RATE_LIMITED', null, `too many publishes: try again in ${waitMs} ms`);
  }

  #prepare(request: PublishRequest): Prepared {
    const { viewer, idempotencyKey: key, audience } = request;
    const parts = [viewer.issuer, viewer.userId, key];
    const ceId = key === null ? randomUUID() : hash('sha256', JSON.stringify(parts), 'base64url');
    const audiences: readonly Audience[] =
      audience.kind === 'users'
        ? [...new Set(audience.userIds)].map((userId) => ({ kind: 'user', userId }))
        : [audience];
    return { request, ceId, audiences, digest: key === null ? null : contentDigest(request) };
  }

  /** The same key with the same content joins what is under way; with other content it is a conflict. */
  #publishOnce(prepared: Prepared, digest: string): Promise<PublishResult> {
    const id = notificationId(publishSource, prepared.ceId);
    const known = this.#keys.find(id);
    if (known !== undefined && known.digest !== digest) {
      const message = 'the idempotency key was used for another event: use a new key';
      return Promise.resolve(refused(userError('IDEMPOTENCY_CONFLICT', ['idempotencyKey'], message)));
    }
    if (known?.pending) return known.pending;
    const pending = this.#append(prepared);
    this.#keys.begin(id, digest, pending);
    // A key that was known stays so: an earlier attempt may have written something.
    if (known === undefined) this.#forgetUnwritten(id, pending);
    return pending;
  }

  /** Where nothing was written the key is free for any content again. */
  #forgetUnwritten(id: NotificationId, pending: Promise<PublishResult>): void {
    pending.then(
      ({ userErrors }) => {
        if (userErrors.length > 0) this.#keys.forget(id);
      },
      (error: unknown) => {
        if (error instanceof GatewayError && error.outcome === 'not_written') this.#keys.forget(id);
      },
    );
  }

  async #append(prepared: Prepared): Promise<PublishResult> {
    const { log, telemetry, clock, options } = this.#deps;
    const { request, ceId } = prepared;
    const startedAtMs = clock.monotonic();
    const audienceKind = request.audience.kind === 'users' ? 'user' : request.audience.kind;
    const logTopic = log.topology().topics[0]?.name ?? '';
    const span = telemetry.startPublish(request.parent, { audienceKind, logTopic });
    const letters = this.#encode(prepared, span);
    if (letters.some(({ record }) => sizeOf(record) > options.maxEventBytes)) {
      span.end('TOO_LARGE');
      const message = `the event is larger than ${options.maxEventBytes} bytes: send a reference instead`;
      return refused(userError('TOO_LARGE', ['content'], message));
    }
    const id = notificationId(publishSource, ceId);
    const missing = prepared.digest === null ? letters : letters.filter(({ record }) => !this.#deps.hasRead(record));
    if (missing.length === 0) {
      span.end();
      return { ...nothing, notificationId: id, isDuplicate: true };
    }
    const appending = log.append(missing.map(({ record }) => record));
    this.#pending.add(appending);
    const results = await appending.finally(() => this.#pending.delete(appending));
    telemetry.observe('publishDuration', (clock.monotonic() - startedAtMs) / 1_000);
    return this.#answer({ results, audiences: missing.map(({ audience }) => audience), all: letters.length, span, id });
  }

  #encode({ ceId, request, audiences }: Prepared, span: PublishSpan): readonly Letter[] {
    const { context } = span;
    const shared: Omit<NewEvent, 'audience'> = {
      source: publishSource,
      ceId,
      type: request.type,
      createdAtMs: this.#deps.clock.now(),
      expiresAtMs: request.expiresAtMs,
      title: request.title,
      value: request.value,
      traceparent: context === null ? null : formatTraceparent(context),
      tracestate: context?.tracestate ?? null,
    };
    return audiences.map((audience) => ({ audience, record: this.#deps.encode({ ...shared, audience }) }));
  }

  #answer(outcome: {
    readonly results: readonly AppendResult[];
    readonly audiences: readonly Audience[];
    readonly all: number;
    readonly span: PublishSpan;
    readonly id: PublishResult['notificationId'];
  }): PublishResult {
    const { results, audiences, span, id, all } = outcome;
    const { telemetry } = this.#deps;
    const errors = results.flatMap((result) => (result.ok ? [] : [result.error]));
    const failed = audiences.filter((_, index) => results[index]?.ok !== true);
    span.end(errors[0]?.code);
    telemetry.count('publishes', errors.length === 0 ? 'ok' : 'failed');
    for (const error of errors) telemetry.count('publishErrors', error.code);
    // Of several, the one that leaves a doubt decides: nobody may be told "not written" where something may be.
    const error = errors.find((each) => each.outcome !== 'not_written') ?? errors[0];
    if (error !== undefined && failed.length === all) throw error;
    return { ...nothing, notificationId: id, failedUserIds: failed.flatMap(userIdOf) };
  }
}

const nothing: PublishResult = { notificationId: null, isDuplicate: false, failedUserIds: [], userErrors: [] };

const refused = (error: PublishUserError): PublishResult => ({ ...nothing, userErrors: [error] });

const userError = (code: PublishErrorCode, field: readonly string[] | null, message: string): PublishUserError => ({
  code,
  field,
  message,
});

const userIdOf = (audience: Audience): readonly UserId[] => (audience.kind === 'user' ? [audience.userId] : []);

const hasScope = ({ viewer }: PublishRequest, scope: string): boolean => viewer.scopes.has(scope);

/** To everyone its own scope is enough; without any, publishing at all is forbidden. */
const requireScope = (request: PublishRequest): void => {
  if (hasScope(request, scopes.publish)) return;
  if (request.audience.kind === 'everyone' && hasScope(request, scopes.publishEveryone)) return;
  throw new GatewayError('FORBIDDEN', `publishing needs the scope ${scopes.publish}`, { outcome: 'not_written' });
};

const sizeOf = ({ key, value, headers }: NewRecord): number => {
  let bytes = (key?.length ?? 0) + (value?.length ?? 0);
  for (const [name, content] of headers) bytes += name.length + content.length;
  return bytes;
};
