import { parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import type { Payload } from '../../src/actors/session.ts';
import type { Envelope } from '../../src/event.ts';
import { createDocuments, type PreparedDocument } from '../../src/graphql/documents.ts';
import { defaultDocumentLimits } from '../../src/graphql/limits.ts';
import { RecentRenderings } from '../../src/graphql/recent-renderings.ts';
import { planFor, type RenderPlan } from '../../src/graphql/render-plan.ts';
import { createRendering, type Rendering } from '../../src/graphql/rendering.ts';
import { attachResolvers } from '../../src/graphql/resolvers.ts';
import { loadEventSchema } from '../../src/graphql/schema/index.ts';
import { fillSegments, holeCursor, segmentsOf } from '../../src/graphql/segments.ts';
import { fromWire, toWire } from '../../src/graphql/wire-text.ts';
import { stillHeld } from '../support/collected.ts';
import { silentTelemetry } from '../support/silent-telemetry.ts';
import { envelope } from './hand-driven-sessions.ts';
import { expectedRendering, testMask } from './rendering-oracle.ts';

const { schema } = loadEventSchema({ schemaDir: 'schema', eventsDir: 'schema/events' });
attachResolvers(schema);
const deps = { schema, mask: testMask, telemetry: silentTelemetry() };

const planOf = (selection: string): RenderPlan => ({
  document: parse(`subscription { notificationReceived { ${selection} } }`),
  variables: {},
});
const titles = planOf(
  'a: cursor cursor isLive edge { cursor b: cursor node { id title body } } gap { reason since until }',
);
const ids = planOf('cursor edge { node { id } }');

/** An envelope for everyone that tells how often it was rendered. */
const watched = (): { readonly envelope: Envelope; readonly rendered: () => number } => {
  let rendered = 0;
  const plain = envelope(1);
  const counting = Object.defineProperty({ ...plain, audience: { kind: 'everyone' } as const }, 'id', {
    get() {
      rendered += 1;
      return plain.id;
    },
  });
  return { envelope: counting, rendered: () => rendered };
};

const eventOf = (of: Envelope, cursor: string, isLive = true): Payload => ({
  kind: 'event',
  envelope: of,
  cursor,
  isLive,
});

const draw = (rendering: Rendering, plan: RenderPlan, payload: Payload): string => {
  const text = fromWire(rendering.render({ plan, payload, trace: null }));
  expect(text).toBe(expectedRendering(schema, plan, payload));
  return text;
};

const drawUnchecked = (rendering: Rendering, plan: RenderPlan, payload: Payload): string =>
  fromWire(rendering.render({ plan, payload, trace: null }));

describe('a rendering', () => {
  it('of one payload is made once per plan, in whatever order its recipients come', () => {
    const rendering = createRendering(deps);
    const events = [1, 2, 3].map(() => watched());
    const payloads = events.map(({ envelope: each }, n) => eventOf(each, `c${n}`));
    for (let recipient = 0; recipient < 10; recipient++) {
      for (const payload of payloads) {
        drawUnchecked(rendering, titles, payload);
        drawUnchecked(rendering, ids, payload);
      }
    }
    expect(events.map(({ rendered }) => rendered())).toEqual([2, 2, 2]);
  });

  it('of an envelope is made once for all who read it from the log, each with its own cursor', () => {
    const rendering = createRendering(deps);
    const event = watched();
    const texts = ['x', 'y"', 'é'].map((cursor) =>
      drawUnchecked(rendering, titles, eventOf(event.envelope, cursor, false)),
    );
    expect(event.rendered()).toBe(1);
    expect(texts.map((text) => JSON.parse(text).data.notificationReceived.edge.b)).toEqual(['x', 'y"', 'é']);
  });

  it('of a gap and of a checkpoint differs in the cursor alone, live or not', () => {
    const rendering = createRendering(deps);
    for (const isLive of [true, false, true]) {
      for (const cursor of ['1', '2']) {
        draw(rendering, titles, { kind: 'checkpoint', cursor, isLive });
        for (const sinceMs of [5, null])
          draw(rendering, titles, { kind: 'gap', reason: 'EXPIRED', sinceMs, untilMs: null, cursor, isLive });
        draw(rendering, titles, { kind: 'gap', reason: 'EXPIRED', sinceMs: null, untilMs: 7, cursor, isLive });
        draw(rendering, titles, { kind: 'gap', reason: 'LIMIT', sinceMs: null, untilMs: null, cursor, isLive });
      }
    }
  });

  it('of one envelope live and from the log are two', () => {
    const rendering = createRendering(deps);
    const of: Envelope = { ...envelope(1), audience: { kind: 'everyone' } };
    for (const isLive of [true, false, true, false]) draw(rendering, titles, eventOf(of, 'c', isLive));
  });

  it('takes no content for a cursor, whatever the content is', () => {
    const rendering = createRendering(deps);
    const oddTitles = ['é🔔', 'c', '"c"', '","cursor":"c"', '{"cursor":"c"}'];
    for (const title of oddTitles) {
      const of: Envelope = { ...envelope(1, { title }), audience: { kind: 'everyone' } };
      for (const cursor of ['c', 'd']) draw(rendering, titles, eventOf(of, cursor, false));
    }
  });

  it('that failed is shared like any other: one entry in the log, one id', () => {
    const rendering = createRendering(deps);
    const broken = {
      get title(): string {
        throw new Error('no title');
      },
      body: null,
      url: null,
    };
    const of: Envelope = { ...envelope(1), display: broken, audience: { kind: 'everyone' } };
    const read = (cursor: string): unknown =>
      JSON.parse(drawUnchecked(rendering, titles, eventOf(of, cursor, false))).errors;
    expect(read('c')).toEqual(read('d'));
    expect(read('c')).toMatchObject([{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }]);
  });

  it('of a selection without a cursor has no hole', () => {
    const rendering = createRendering(deps);
    const plan = planOf('edge { node { title } }');
    const of: Envelope = { ...envelope(1), audience: { kind: 'everyone' } };
    for (const cursor of ['c', 'd']) draw(rendering, plan, eventOf(of, cursor, false));
  });
});

describe('a rendering with holes', () => {
  it('has one where the cursor is, and is filled as JSON', () => {
    expect(fillSegments(['{"a":', ',"b":', '}'].map(toWire), '"')).toBe('{"a":"\\"","b":"\\""}');
  });

  it('is none where the word for the hole is part of something else', () => {
    expect(segmentsOf(`{"a":"${holeCursor}","b":1}`)).toEqual(['{"a":', ',"b":1}']);
    expect(segmentsOf(`{"a":"${holeCursor}","b":"no ${holeCursor}"}`)).toBeNull();
  });
});

describe('what is kept of renderings', () => {
  const limits = { maxEntries: 4, maxCharacters: 100 };
  const subjects = Array.from({ length: 20 }, (_, n) => ({ n }));
  const kept = (recent: RecentRenderings<object, number>): number =>
    subjects.filter((subject) => recent.find(subject, ids) !== null).length;

  it('is the latest, two generations at most', () => {
    const recent = new RecentRenderings<object, number>(limits);
    for (const [n, subject] of subjects.entries()) {
      recent.keep({ subject, plan: ids }, n, 1);
      expect(recent.find(subject, ids)).toBe(n);
      expect(recent.find(subject, titles)).toBeNull();
    }
    expect(kept(recent)).toBe(8);
  });

  it('is for its own plan, however long ago it was made', () => {
    const recent = new RecentRenderings<object, number>(limits);
    for (const [n, subject] of subjects.entries()) recent.keep({ subject, plan: ids }, n, 1);
    expect(subjects.filter((subject) => recent.find(subject, titles) !== null)).toEqual([]);
  });

  it('is bounded by characters too, and by plans per subject', () => {
    const recent = new RecentRenderings<object, number>(limits);
    for (const [n, subject] of subjects.entries()) recent.keep({ subject, plan: ids }, n, 100);
    expect(kept(recent)).toBe(2);
    const many = new RecentRenderings<object, number>({ maxEntries: 1_000, maxCharacters: 1_000 });
    const plans = Array.from({ length: 200 }, () => planOf('cursor'));
    const [subject = {}] = subjects;
    for (const plan of plans) many.keep({ subject, plan }, 1, 1);
    expect(plans.filter((plan) => many.find(subject, plan) !== null).length).toBeLessThanOrEqual(64);
    expect(many.find(subject, plans.at(-1) ?? ids)).toBe(1);
  });
});

describe('a plan', () => {
  const documents = createDocuments({ schema, limits: defaultDocumentLimits, isIntrospectionEnabled: false });
  const preparedOf = (text: string): PreparedDocument => {
    const preparation = documents.prepare(text);
    if (!preparation.ok) throw new Error(preparation.errors.join('\n'));
    return preparation.prepared;
  };
  const scoped = (prepared: PreparedDocument, scope: string): RenderPlan => {
    const [operation] = prepared.operations;
    if (operation === undefined) throw new Error('no operation');
    return planFor(prepared, operation, { variables: {}, scope });
  };

  it('is one for all who have it, and goes with the last of them, though its document is kept', async () => {
    const prepared = preparedOf('subscription { notificationReceived { cursor isLive } }');
    const rendering = createRendering(deps);
    const one = scoped(prepared, 'one');
    const others = ['two', 'three', 'four'].map((scope) => {
      const plan = scoped(prepared, scope);
      draw(rendering, plan, { kind: 'checkpoint', cursor: scope, isLive: true });
      return new WeakRef(plan);
    });
    draw(rendering, one, { kind: 'checkpoint', cursor: 'one', isLive: true });
    expect(await stillHeld(others)).toBe(0);
    expect(scoped(preparedOf(prepared.text), 'one')).toBe(one);
  });
});
