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
  /** When the last event before the marker was created; null without one. */
  readonly createdAtMs: number | null;
};

export type MarkersDeps = {
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly markerBytes: number;
  after(delayMs: number, task: () => void): Timer;
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
    for (const { payload, trace } of batch) {
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
    this.#outstanding.push({ counter: this.#counter, spans: this.#spans, createdAtMs: this.#createdAtMs });
    this.#spans = [];
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
      if (createdAtMs !== null) telemetry.observe('recordToAck', Math.max(0, clock.now() - createdAtMs) / 1_000);
    }
    return true;
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
