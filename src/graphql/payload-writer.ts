import { execute, type GraphQLSchema } from 'graphql';
import type { Payload } from '../actors/session.ts';
import type { Telemetry } from '../telemetry/facade.ts';
import type { ErrorMask } from './graphql-errors.ts';
import { compilePlan, type PlanProgram, Unsupported } from './plan-compiler.ts';
import type { RenderPlan } from './render-plan.ts';

/** One payload to the JSON of its execution result: compiled where that can be, by graphql-js for everything else. */

export type PayloadWriterDeps = {
  readonly schema: GraphQLSchema;
  readonly mask: ErrorMask;
  readonly telemetry: Pick<Telemetry, 'count'>;
};

/** Writes the payloads of one plan. */
export class PayloadWriter {
  readonly #deps: PayloadWriterDeps;
  readonly #plan: RenderPlan;
  /** Undefined before the first payload: many a subscription ends without one. Null where graphql-js has to do it. */
  #program: PlanProgram | null | undefined;

  constructor(plan: RenderPlan, deps: PayloadWriterDeps) {
    this.#plan = plan;
    this.#deps = deps;
  }

  /** Never throws: what cannot be rendered is a result with `errors`. */
  write(payload: Payload): string {
    if (this.#program === undefined) this.#program = this.#compile();
    if (this.#program === null) return this.#fallBack(payload, 'selection');
    try {
      return this.#program(payload);
    } catch (reason) {
      if (!(reason instanceof Unsupported)) return this.#fallBack(payload, 'payload');
      this.#program = null;
      return this.#fallBack(payload, 'selection');
    }
  }

  /** Costs about as much as graphql-js for one payload, so there is nothing to wait for. */
  #compile(): PlanProgram | null {
    try {
      return compilePlan(this.#deps.schema, this.#plan);
    } catch {
      return null;
    }
  }

  #fallBack(payload: Payload, why: 'selection' | 'payload'): string {
    this.#deps.telemetry.count('renderFallbacks', why);
    const { schema, mask } = this.#deps;
    const { document, variables } = this.#plan;
    try {
      const result = execute({ schema, document, rootValue: payload, variableValues: variables });
      if (result instanceof Promise || 'then' in result) throw new Error('a payload resolver is asynchronous');
      if (result.errors === undefined) return JSON.stringify(result);
      return JSON.stringify({ errors: mask.format(result.errors), data: result.data ?? null });
    } catch (error) {
      return JSON.stringify({ errors: mask.format([error]), data: null });
    }
  }
}
