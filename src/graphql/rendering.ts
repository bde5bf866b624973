import type { Delivery, Payload } from '../actors/session.ts';
import type { Envelope } from '../event.ts';
import { PayloadWriter, type PayloadWriterDeps } from './payload-writer.ts';
import { type RecentLimits, RecentRenderings } from './recent-renderings.ts';
import type { RenderPlan } from './render-plan.ts';
import { fillSegments, holeCursor, type Segments, segmentsOf } from './segments.ts';
import { toWire, type WireText } from './wire-text.ts';

/**
 * From a delivery to the JSON of its execution result. What several recipients share is made once: live ones have the payload in common, and with it
 * the whole text; those who read the log have the envelope in common, and each its own cursor; gaps and checkpoints differ in the cursor alone.
 */

/** What is to be rendered: a delivery, and the plan of its operation. */
export type Renderable = Pick<Delivery, 'payload' | 'trace'> & { readonly plan: unknown };

export type Rendering = {
  /**
   * The execution result as JSON in UTF-8 bytes, which are those of what graphql-js gives, with `extensions.traceparent` behind where the delivery is
   * traced. Encoded once for all who share it: write it as it is, `'latin1'`. An event that cannot be rendered is a result with `errors`, never the end of its subscription. Never throws.
   */
  render(delivery: Renderable): WireText;
};

type EventPayload = Extract<Payload, { kind: 'event' }>;
type OtherPayload = Exclude<Payload, { kind: 'event' }>;

/** A session's batch is up to as many events, and the next session has the same ones. To keep one costs 60 ns, making it 4 us. */
const liveLimits: RecentLimits = { maxEntries: 512, maxCharacters: 2_097_152 };
/** Those who come back after an outage read the same stretch, not in step. */
const replayLimits: RecentLimits = { maxEntries: 4_096, maxCharacters: 4_194_304 };

/** A traceparent is ASCII. */
const withTrace = (text: WireText, traceparent: string): WireText =>
  `${text.slice(0, -1)},"extensions":{"traceparent":${JSON.stringify(traceparent)}}}` as WireText;

const isAlike = (one: OtherPayload, other: OtherPayload): boolean => {
  if (one.isLive !== other.isLive) return false;
  if (one.kind === 'checkpoint' || other.kind === 'checkpoint') return one.kind === other.kind;
  return one.reason === other.reason && one.sinceMs === other.sinceMs && one.untilMs === other.untilMs;
};

/** Renders for one plan. */
class PlanRendering {
  readonly #writer: PayloadWriter;
  /** Of each kind the last one. */
  readonly #others: { [Kind in OtherPayload['kind']]: { payload: OtherPayload; segments: Segments } | null } = {
    gap: null,
    checkpoint: null,
  };

  constructor(writer: PayloadWriter) {
    this.#writer = writer;
  }

  write(payload: Payload): WireText {
    return toWire(this.#writer.write(payload));
  }

  segmentsOf(payload: Payload): Segments | null {
    return segmentsOf(this.#writer.write({ ...payload, cursor: holeCursor }));
  }

  writeOther(payload: OtherPayload): WireText {
    const last = this.#others[payload.kind];
    if (last !== null && isAlike(last.payload, payload)) return fillSegments(last.segments, payload.cursor);
    const segments = this.segmentsOf(payload);
    if (segments === null) return this.write(payload);
    this.#others[payload.kind] = { payload, segments };
    return fillSegments(segments, payload.cursor);
  }
}

const charactersOf = (segments: Segments): number => segments.reduce((sum, segment) => sum + segment.length, 0);

class SharedRendering implements Rendering {
  readonly #deps: PayloadWriterDeps;
  readonly #plans = new WeakMap<RenderPlan, PlanRendering>();
  readonly #live = new RecentRenderings<Payload, WireText>(liveLimits);
  readonly #replayed = new RecentRenderings<Envelope, Segments>(replayLimits);
  /** What was asked for last: the next one wants the same where an event is for many. */
  #plan: unknown = null;
  #payload: Payload | null = null;
  #text = toWire('');

  constructor(deps: PayloadWriterDeps) {
    this.#deps = deps;
  }

  render({ plan, payload, trace }: Renderable): WireText {
    if (payload !== this.#payload || plan !== this.#plan) {
      this.#text = this.#make(plan as RenderPlan, payload);
      this.#payload = payload;
      this.#plan = plan;
    }
    if (trace === null) return this.#text;
    trace.event('rendered');
    return withTrace(this.#text, trace.traceparent);
  }

  #make(plan: RenderPlan, payload: Payload): WireText {
    if (payload.kind !== 'event') return this.#renderingOf(plan).writeOther(payload);
    return payload.isLive ? this.#makeLive(plan, payload) : this.#makeReplayed(plan, payload);
  }

  #makeLive(plan: RenderPlan, payload: EventPayload): WireText {
    const known = this.#live.find(payload, plan);
    if (known !== null) return known;
    const text = this.#renderingOf(plan).write(payload);
    this.#live.keep({ subject: payload, plan }, text, text.length);
    return text;
  }

  #makeReplayed(plan: RenderPlan, payload: EventPayload): WireText {
    const { envelope, cursor } = payload;
    const rendering = this.#renderingOf(plan);
    // Read by one user's sessions alone: hardly worth the holes.
    if (envelope.audience.kind === 'user') return rendering.write(payload);
    const known = this.#replayed.find(envelope, plan);
    if (known !== null) return fillSegments(known, cursor);
    const segments = rendering.segmentsOf(payload);
    if (segments === null) return rendering.write(payload);
    this.#replayed.keep({ subject: envelope, plan }, segments, charactersOf(segments));
    return fillSegments(segments, cursor);
  }

  #renderingOf(plan: RenderPlan): PlanRendering {
    const known = this.#plans.get(plan);
    if (known !== undefined) return known;
    const rendering = new PlanRendering(new PayloadWriter(plan, this.#deps));
    this.#plans.set(plan, rendering);
    return rendering;
  }
}

/** Creates a renderer; plans come from `planFor` on the same schema. */
export const createRendering = (deps: PayloadWriterDeps): Rendering => new SharedRendering(deps);
