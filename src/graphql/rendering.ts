import { execute, type GraphQLSchema } from 'graphql';
import type { Delivery, Payload } from '../actors/session.ts';
import type { ErrorMask } from './graphql-errors.ts';
import type { RenderPlan } from './render-plan.ts';

/**
 * From a delivery to the JSON of an execution result, by graphql-js on the prepared operation with the payload as root value. An event that cannot
 * be rendered is a result with `errors`, never the end of its subscription. What several recipients share is rendered once.
 */

export type Rendering = {
  /** The execution result as JSON, with `extensions.traceparent` where the delivery is traced. Never throws. */
  render(delivery: Delivery): string;
};

type Cached = { readonly subject: unknown; readonly text: string };

/** Renderings kept: recipients of one event follow each other closely. */
const maxCached = 256;
/** Longer ones are made anew, so that the cache stays small. */
const maxCachedLength = 16_384;

const subjectOf = (payload: Payload): unknown => (payload.kind === 'event' ? payload.envelope : payload.kind);

const withTrace = (text: string, traceparent: string): string =>
  `${text.slice(0, -1)},"extensions":{"traceparent":${JSON.stringify(traceparent)}}}`;

/** Creates a renderer; plans come from `planFor` on the same schema. */
export const createRendering = (schema: GraphQLSchema, mask: ErrorMask): Rendering => {
  const cache = new Map<string, Cached>();

  const resultOf = (plan: RenderPlan, payload: Payload): string => {
    try {
      const result = execute({ schema, document: plan.document, rootValue: payload, variableValues: plan.variables });
      if (result instanceof Promise) throw new Error('a payload resolver is asynchronous');
      if ('then' in result) throw new Error('a payload resolver is asynchronous');
      if (result.errors === undefined) return JSON.stringify(result);
      return JSON.stringify({ errors: mask.format(result.errors), data: result.data ?? null });
    } catch (error) {
      return JSON.stringify({ errors: mask.format([error]), data: null });
    }
  };

  const shared = (plan: RenderPlan, payload: Payload): string => {
    if (payload.kind === 'gap') return resultOf(plan, payload);
    const key = `${plan.id} ${payload.isLive} ${payload.cursor}`;
    const subject = subjectOf(payload);
    const known = cache.get(key);
    if (known !== undefined && known.subject === subject) return known.text;
    const text = resultOf(plan, payload);
    if (text.length > maxCachedLength) return text;
    const [oldest] = cache.keys();
    if (cache.size >= maxCached && oldest !== undefined) cache.delete(oldest);
    cache.set(key, { subject, text });
    return text;
  };

  return {
    render({ plan, payload, trace }) {
      const text = shared(plan as RenderPlan, payload);
      trace?.event('rendered');
      return trace === null ? text : withTrace(text, trace.traceparent);
    },
  };
};
