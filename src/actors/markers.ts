import type { Clock, Timer } from '../clock.ts';
import type { DeliverSpan, Telemetry } from '../telemetry/facade.ts';
import type { Delivery } from './session.ts';

/**
 * Heartbeat and acknowledgement in one: a counter that the peer echoes. What was written before a marker counts as acknowledged when its echo
 * comes, never before.
 */

type Outstanding = {
  readonly counter: number;
  readonly spans: readonly DeliverSpan[];
  /** Per operation, the cursor of the last payload before the marker. */
  readonly cursors: ReadonlyMap<string, string>;
  /** When the last event before the marker was created; null without one. */
  readonly createdAtMs: number | null;
};

export type MarkersDeps = {
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly markerBytes: number;
  after(delayMs: number, task: () => void): Timer;
  /** All payloads of the operation up to `cursor` have arrived. */
  acknowledged(operationId: string, cursor: string): void;
  /** Writes the marker. `isProbe`: see `Marker`. */
  send(counter: number, isProbe: boolean): void;
};

/** More than this without an echo: the oldest is given up. */
const maxOutstanding = 256;
/** New data goes no longer than this without a marker. */
const maxUnmarkedMs = 5_000;

export class Markers {
  readonly #deps: MarkersDeps;
  #counter = 0;
  #outstanding: Outstanding[] = [];
  #spans: DeliverSpan[] = [];
  #cursors = new Map<string, string>();
  #createdAtMs: number | null = null;
  #unmarkedBytes = 0;
  #lastMarkAtMs = 0;
  /** Marks what was written, where nothing that comes later does it before. */
  #due: Timer | null = null;

  constructor(deps: MarkersDeps) {
    this.#deps = deps;
    this.#lastMarkAtMs = deps.clock.monotonic();
  }

  /** A batch was written: marks it if it is traced, if much was written, or if the last marker is long ago; else a little later. */
  delivered(batch: readonly Delivery[], bytes: number): void {
    for (const { operationId, payload, trace } of batch) {
      this.#cursors.set(operationId, payload.cursor);
      if (trace !== null) this.#spans.push(trace);
      if (payload.kind === 'event') this.#createdAtMs = payload.envelope.createdAtMs;
    }
    this.#unmarkedBytes += bytes;
    const { clock, after, markerBytes } = this.#deps;
    const sinceMarkMs = clock.monotonic() - this.#lastMarkAtMs;
    if (sinceMarkMs >= maxUnmarkedMs || this.#spans.length > 0 || this.#unmarkedBytes >= markerBytes) this.mark();
    else this.#due ??= after(maxUnmarkedMs - sinceMarkMs, () => this.mark());
  }

  /** Sends the next counter. */
  mark(isProbe: boolean = false): void {
    this.#due?.cancel();
    this.#due = null;
    this.#counter += 1;
    const [spans, cursors, createdAtMs] = [this.#spans, this.#cursors, this.#createdAtMs];
    this.#outstanding.push({ counter: this.#counter, spans, cursors, createdAtMs });
    this.#spans = [];
    if (cursors.size > 0) this.#cursors = new Map();
    this.#createdAtMs = null;
    this.#unmarkedBytes = 0;
    this.#lastMarkAtMs = this.#deps.clock.monotonic();
    if (this.#outstanding.length > maxOutstanding) endAll(this.#outstanding.shift(), 'missing');
    this.#deps.send(this.#counter, isProbe);
  }

  /** The peer echoed `counter`; earlier ones count too. False for a counter that was never sent. */
  echoed(counter: number): boolean {
    if (!Number.isInteger(counter) || counter < 1 || counter > this.#counter) return false;
    const { clock, telemetry } = this.#deps;
    while ((this.#outstanding[0]?.counter ?? Number.POSITIVE_INFINITY) <= counter) {
      const marker = this.#outstanding.shift();
      const createdAtMs = marker?.createdAtMs ?? null;
      endAll(marker, 'acknowledged');
      for (const [operationId, cursor] of marker?.cursors ?? []) this.#deps.acknowledged(operationId, cursor);
      if (createdAtMs !== null) telemetry.observe('recordToAck', Math.max(0, clock.now() - createdAtMs) / 1_000);
    }
    return true;
  }

  /** Whether something was written for the operation that is not acknowledged. */
  isOutstanding(operationId: string): boolean {
    return this.#cursors.has(operationId) || this.#outstanding.some(({ cursors }) => cursors.has(operationId));
  }

  /** The session is over: what was not acknowledged will not be. */
  end(): void {
    this.#due?.cancel();
    this.#due = null;
    for (const marker of this.#outstanding) endAll(marker, 'closed');
    for (const span of this.#spans) span.end('closed');
    this.#outstanding = [];
    this.#spans = [];
  }
}

const endAll = (marker: Outstanding | undefined, how: 'acknowledged' | 'closed' | 'missing'): void => {
  for (const span of marker?.spans ?? []) {
    if (how === 'acknowledged') span.event('acknowledged');
    span.end(how);
  }
};
