import fc, { type GeneratorValue } from 'fast-check';
import { type DocumentNode, GraphQLError, type GraphQLSchema } from 'graphql';
import { describe, expect, it } from 'vitest';
import { createDocuments, pickOperation } from '../../src/graphql/documents.ts';
import { defaultDocumentLimits } from '../../src/graphql/limits.ts';
import { planFor, type RenderPlan } from '../../src/graphql/render-plan.ts';
import { createRendering } from '../../src/graphql/rendering.ts';
import { attachResolvers } from '../../src/graphql/resolvers.ts';
import { loadEventSchema } from '../../src/graphql/schema/index.ts';
import { fromWire } from '../../src/graphql/wire-text.ts';
import { expectedRendering, noResult, testMask, withoutIds } from '../graphql/rendering-oracle.ts';
import { silentTelemetry } from '../support/silent-telemetry.ts';
import { type Choices, scale, seedOf } from './random.ts';
import { type RandomDocument, randomDocument } from './renderings/random-document.ts';
import { randomPayloads } from './renderings/random-payload.ts';
import { randomSchema } from './renderings/random-schema.ts';

/** graphql-js is the oracle: whatever is compiled, shared and filled in is byte for byte what it gives for the document as the client sent it. */

const cases = 1_000 * scale;
const { schema: ownSchema } = loadEventSchema({ schemaDir: 'schema', eventsDir: 'schema/events' });
attachResolvers(ownSchema);
const limits = { ...defaultDocumentLimits, maxTokens: 100_000, maxDepth: 100, maxAliases: 1_000, maxDirectives: 1_000 };

const upTo = (max: number): fc.Arbitrary<number> => fc.noBias(fc.nat({ max }));

/** fast-check's choices, so that it finds the smallest case that fails: 0 is the simplest of each. */
const choicesOf = (choose: GeneratorValue): Choices => {
  const int = (below: number): number => choose(upTo, below - 1);
  return { int, pick: <Item>(items: readonly Item[]) => items[int(items.length)] as Item };
};

type Valid = RandomDocument & { readonly document: DocumentNode; readonly plan: RenderPlan };

/** Null where the document is not valid, which few are. */
const prepare = (schema: GraphQLSchema, { text, variables }: RandomDocument): Valid | null => {
  const preparation = createDocuments({ schema, limits, isIntrospectionEnabled: true }).prepare(text);
  if (!preparation.ok) return null;
  const { prepared } = preparation;
  const operation = pickOperation(prepared, null);
  if (operation instanceof GraphQLError) throw operation;
  return { text, variables, document: prepared.document, plan: planFor(prepared, operation, { variables, scope: '' }) };
};

class Comparison {
  readonly telemetry = silentTelemetry();
  readonly counts = { cases: 0, renderings: 0, withErrors: 0, longest: 0 };

  /** False where the document is of no use. */
  one(choices: Choices): boolean {
    const schema = choices.int(3) === 0 ? ownSchema : randomSchema(choices);
    const valid = prepare(schema, randomDocument(schema, choices));
    if (valid === null) return false;
    this.counts.cases += 1;
    const rendering = createRendering({ schema, mask: testMask, telemetry: this.telemetry });
    for (const payload of randomPayloads(schema, choices)) {
      const text = fromWire(rendering.render({ plan: valid.plan, payload, trace: null }));
      const right = expectedRendering(schema, valid, payload);
      if (right === null) expect(text.startsWith(noResult)).toBe(true);
      else expect(withoutIds(text), valid.text).toBe(withoutIds(right));
      this.#count(text);
    }
    return true;
  }

  #count(text: string): void {
    this.counts.renderings += 1;
    if (text.startsWith('{"errors"')) this.counts.withErrors += 1;
    this.counts.longest = Math.max(this.counts.longest, text.length);
  }
}

describe(`renderings of ${cases.toLocaleString('en')} random documents`, () => {
  it('are byte for byte what graphql-js gives, whoever shares them', () => {
    const seed = scale > 1 ? seedOf('renderings') : Number(process.env['CARILLON_TEST_SEED'] ?? 1);
    const comparison = new Comparison();
    fc.assert(
      fc.property(fc.gen(), (choose) => fc.pre(comparison.one(choicesOf(choose)))),
      { seed, numRuns: cases, maxSkipsPerRun: 10, interruptAfterTimeLimit: 120_000 * scale },
    );
    const { counts, telemetry } = comparison;
    console.log('fuzz renderings:', JSON.stringify({ seed, ...counts, ...Object.fromEntries(telemetry.labelled) }));
    expect(counts.cases).toBe(cases);
    expect(counts.withErrors).toBeGreaterThan(counts.renderings / 20);
    expect(counts.withErrors).toBeLessThan(counts.renderings / 2);
  }, 600_000);
});
