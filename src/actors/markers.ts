import type { Clock, Timer } from '../clock.ts';
import type { DeliverSpan, Telemetry } from '../telemetry/facade.ts';
import type { CoreOptions } from './options.ts';
import type { Batch, Delivery, NumberedOperations } from './session.ts';
import type { WheelTimer } from './timer-wheel.ts';
import type { Waiting } from './waiting.ts';
import { WrittenCursors } from './written-cursors.ts';

/**
 * Heartbeat and acknowledgement in one: a counter that the peer echoes. What was written before a marker counts as acknowledged when its echo
 * comes, never before.
 */

type Outstanding = {
  readonly counter: number;
  readonly spans: readonly DeliverSpan[];
  /** Per operation, the cursor of the last payload before the marker. */
  readonly cursors: WrittenCursors | null;
  /** When the last event before the marker was created; null without one. */
  readonly createdAtMs: number | null;
};

/** What all sessions share. */
export type MarkersDeps = {
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly options: Pick<CoreOptions, 'markerBytes' | 'heartbeatMs'>;
  /** 0 (inclusive) to 1 (exclusive). */
  random(): number;
  after(delayMs: number, task: () => void): WheelTimer;
};

/** The session that marks. */
export type MarkersOwner = {
  /** All payloads of the operation up to `cursor` have arrived. */
  acknowledged(operationId: string, cursor: string): void;
  /** Writes the marker. `isProbe`: see `Marker`. */
  sendMarker(counter: number, isProbe: boolean): void;
  /** False: the peer cannot echo (SSE); then markers only keep the connection warm. */
  readonly canEcho: boolean;
  /** A heartbeat has no echo yet. */
  echoOverdue(): void;
  /** Runs a task; what it throws is this session's end. */
  guarded(task: () => void): void;
};

/** More than this without an echo: the oldest is given up, but not what it stands for. */
const maxOutstanding = 256;
/** Heartbeats fall on moments so far apart, and no farther than a hundredth of the rest: several sessions at once cost less than one by one. */
const beatGridMs = 100;
/** New data goes no longer than this without a marker. */
const maxUnmarkedMs = 5_000;

/** How long an echo may take before it counts as missing. */
export const echoOverdueMs = ({ heartbeatMs }: Pick<CoreOptions, 'heartbeatMs'>): number => heartbeatMs / 8;

export class Markers {
  readonly #owner: MarkersOwner;
  readonly #deps: MarkersDeps;
  #counter = 0;
  #outstanding: readonly Outstanding[] = nothing;
  #spans: readonly DeliverSpan[] = none;
  /** Null while nothing is unmarked. */
  #cursors: WrittenCursors | null = null;
  #createdAtMs: number | null = null;
  #unmarkedBytes = 0;
  #lastMarkAtMs = 0;
  /** Marks what was written, where nothing that comes later does it before. */
  #due: Timer | null = null;
  /** Looks after the heartbeat: most sessions are well, and their machine is not bothered with it. */
  #beat: WheelTimer | null = null;
  #echoedAtMs = 0;
  /** The heartbeat that awaits its echo; 0: none does. */
  #awaited = 0;

  constructor(owner: MarkersOwner, deps: MarkersDeps) {
    this.#owner = owner;
    this.#deps = deps;
    this.#lastMarkAtMs = deps.clock.monotonic();
  }

  /** Heartbeats begin. */
  start(): void {
    this.#echoedAtMs = this.#deps.clock.monotonic();
    this.#beatIn(this.#heartbeatMs());
  }

  #heartbeatMs(): number {
    return this.#deps.options.heartbeatMs * (0.8 + this.#deps.random() * 0.4);
  }

  /** One timer, set again and again: what lives as long as a rest would be garbage that is dear to collect. */
  #beatIn(delayMs: number): void {
    const { clock, options } = this.#deps;
    const gridMs = Math.min(beatGridMs, options.heartbeatMs / 100);
    const nowMs = clock.monotonic();
    const alignedMs = Math.max(0, Math.floor((nowMs + delayMs) / gridMs) * gridMs - nowMs);
    if (this.#beat !== null) this.#beat.again(alignedMs);
    else this.#beat = this.#deps.after(alignedMs, () => this.#owner.guarded(() => this.#onBeat()));
  }

  /** A heartbeat after each rest, counted from the last echo: an echo of a marker that went with data proves life as well. */
  #onBeat(): void {
    if (!this.#owner.canEcho) {
      this.#beatIn(this.#heartbeatMs());
      this.#warm();
      return;
    }
    if (this.#awaited > 0) {
      this.#awaited = 0;
      this.#beatIn(this.#heartbeatMs());
      this.#owner.echoOverdue();
      return;
    }
    const restedMs = this.#deps.clock.monotonic() - this.#echoedAtMs;
    if (restedMs < this.#deps.options.heartbeatMs * 0.8) {
      this.#beatIn(this.#heartbeatMs() - restedMs);
      return;
    }
    this.#beatIn(echoOverdueMs(this.#deps.options));
    this.mark();
    this.#awaited = this.#counter;
  }

  /** A marker that is not remembered: there is nobody to echo it. */
  #warm(): void {
    this.#counter += 1;
    this.#owner.sendMarker(this.#counter, false);
  }

  /** A batch was written: marks it if it is traced, if much was written, or if the last marker is long ago; else a little later. */
  delivered(batch: Waiting, operations: NumberedOperations): void {
    this.#cursors ??= new WrittenCursors();
    if (batch.operation === null) for (const each of batch.deliveries) note(this.#cursors, each, operations);
    else note(this.#cursors, batch.last, operations);
    if (batch.isTraced) this.#spans = [...this.#spans, ...spansOf(batch)];
    this.#createdAtMs = batch.createdAtMs ?? this.#createdAtMs;
    this.#unmarkedBytes += batch.bytes;
    const { clock, options } = this.#deps;
    const sinceMarkMs = clock.monotonic() - this.#lastMarkAtMs;
    if (sinceMarkMs >= maxUnmarkedMs || this.#spans.length > 0 || this.#unmarkedBytes >= options.markerBytes)
      this.mark();
    else this.#due ??= this.#later(maxUnmarkedMs - sinceMarkMs);
  }

  #later(delayMs: number): Timer {
    return this.#deps.after(delayMs, () => this.#owner.guarded(() => this.mark()));
  }

  /** Sends the next counter. */
  mark(isProbe: boolean = false): void {
    this.#due?.cancel();
    this.#due = null;
    this.#counter += 1;
    const [spans, cursors, createdAtMs] = [this.#spans, this.#cursors, this.#createdAtMs];
    // Not spread: V8 would leave room for sixteen more.
    this.#outstanding = this.#outstanding.concat({ counter: this.#counter, spans, cursors, createdAtMs });
    this.#spans = none;
    this.#cursors = null;
    this.#createdAtMs = null;
    this.#unmarkedBytes = 0;
    this.#lastMarkAtMs = this.#deps.clock.monotonic();
    if (this.#outstanding.length > maxOutstanding) this.#giveUpOldest();
    this.#owner.sendMarker(this.#counter, isProbe);
  }

  /** No echo of it will be counted; what was written before it waits for that of the next. */
  #giveUpOldest(): void {
    const [oldest, next, ...later] = this.#outstanding;
    if (oldest === undefined || next === undefined) return;
    endAll(oldest, 'missing');
    this.#outstanding = [{ ...next, cursors: joined(oldest.cursors, next.cursors) }, ...later];
  }

  /** The peer echoed `counter`; earlier ones count too. False for a counter that was never sent. */
  echoed(counter: number): boolean {
    if (!Number.isInteger(counter) || counter < 1 || counter > this.#counter) return false;
    this.#echoedAtMs = this.#deps.clock.monotonic();
    if (counter >= this.#awaited) this.#awaited = 0;
    this.#acknowledge(counter);
    return true;
  }

  #acknowledge(counter: number): void {
    const { clock, telemetry } = this.#deps;
    const echoed = this.#outstanding.filter((marker) => marker.counter <= counter);
    this.#outstanding = echoed.length === this.#outstanding.length ? nothing : this.#outstanding.slice(echoed.length);
    for (const marker of echoed) {
      const { createdAtMs, cursors } = marker;
      endAll(marker, 'acknowledged');
      cursors?.forEach((operationId, cursor) => {
        this.#owner.acknowledged(operationId, cursor);
      });
      if (createdAtMs !== null) telemetry.observe('recordToAck', Math.max(0, clock.now() - createdAtMs) / 1_000);
    }
  }

  /** Whether something was written for the operation that is not acknowledged. */
  isOutstanding(operationId: string): boolean {
    if (this.#cursors?.has(operationId) === true) return true;
    return this.#outstanding.some(({ cursors }) => cursors?.has(operationId) === true);
  }

  /** The session is over: what was not acknowledged will not be. */
  end(): void {
    this.#due?.cancel();
    this.#due = null;
    this.#beat?.cancel();
    this.#beat = null;
    for (const marker of this.#outstanding) endAll(marker, 'closed');
    for (const span of this.#spans) span.end('closed');
    this.#outstanding = nothing;
    this.#spans = none;
  }
}

const none: readonly DeliverSpan[] = [];
const nothing: readonly Outstanding[] = [];

const spansOf = ({ deliveries }: Batch): readonly DeliverSpan[] =>
  deliveries.flatMap(({ trace }) => (trace === null ? [] : [trace]));

/** The last one of an operation counts. */
const note = (cursors: WrittenCursors, { operation, payload }: Delivery, operations: NumberedOperations): void => {
  cursors.set(operations.at(operation).operationId, payload.cursor);
};

const joined = (older: WrittenCursors | null, newer: WrittenCursors | null): WrittenCursors | null => {
  if (older === null || newer === null) return older ?? newer;
  const both = new WrittenCursors();
  for (const cursors of [older, newer])
    cursors.forEach((operationId, cursor) => {
      both.set(operationId, cursor);
    });
  return both;
};

const endAll = (marker: Outstanding, how: 'acknowledged' | 'closed' | 'missing'): void => {
  for (const span of marker.spans) {
    if (how === 'acknowledged') span.event('acknowledged');
    span.end(how);
  }
};
