import fc from 'fast-check';
import { buildSchema, execute, GraphQLError, type GraphQLScalarType, type GraphQLSchema, isObjectType } from 'graphql';
import { describe, expect, it } from 'vitest';
import { createDocuments, type PreparedDocument, pickOperation } from '../../src/graphql/documents.ts';
import { defaultDocumentLimits } from '../../src/graphql/limits.ts';
import { readyArguments } from '../../src/graphql/ready-operation.ts';

const sdl = `
  directive @oneOf on INPUT_OBJECT
  scalar Even
  scalar Text
  enum Colour { RED GREEN }
  input Choice @oneOf { text: String even: Even inner: Inner }
  input Inner {
    id: ID!
    colour: Colour = GREEN
    nothing: Int = null
    list: [Int!]
    lists: [[Float]!]
    self: Inner
    choice: Choice
    needed: Boolean! = true
  }
  type Query {
    echo(inner: Inner, inners: [Inner!], choice: Choice, even: Even, colour: Colour! = RED, text: Text, flag: Boolean): String
    more: [Query!]!
  }
`;

const scalars = (schema: GraphQLSchema): void => {
  const even = schema.getType('Even') as GraphQLScalarType;
  even.parseValue = (value) => {
    if (typeof value === 'number' && value % 2 === 0) return `even ${value}`;
    if (value === 'nothing') return undefined;
    throw typeof value === 'string' ? new GraphQLError(`not even: ${value}`) : new TypeError('not a number');
  };
  const text = schema.getType('Text') as GraphQLScalarType;
  text.parseValue = (value) => (value === '' ? null : value);
};

/** Fields answer with their arguments as they got them. */
const echoing = (): GraphQLSchema => {
  const schema = buildSchema(sdl);
  scalars(schema);
  const query = schema.getQueryType();
  if (!isObjectType(query)) throw new Error('no query type');
  const { echo, more } = query.getFields();
  if (echo === undefined || more === undefined) throw new Error('no fields');
  echo.resolve = (_, args) => JSON.stringify(args);
  more.resolve = () => [{}, {}];
  return schema;
};

const schema = echoing();
const documents = createDocuments({ schema, limits: defaultDocumentLimits, isIntrospectionEnabled: true });
const prepared = (text: string): PreparedDocument => {
  const preparation = documents.prepare(text);
  if (!preparation.ok) throw new Error(preparation.errors.join('\n'));
  return preparation.prepared;
};

const asked = prepared(`
  query A($inner: Inner, $inners: [Inner!], $choice: Choice, $even: Even = 4, $text: Text, $flag: Boolean! = true) {
    echo(inner: $inner, inners: $inners, choice: $choice, even: $even, text: $text, flag: $flag)
    within: echo(inner: { id: "x", self: $inner, choice: { inner: { id: 7 } } }) @include(if: $flag)
    more { ...F }
  }
  query B($colour: Colour!, $inner: Inner!) { echo(colour: $colour, inner: $inner) ...F }
  query C { echo(even: 3) __type(name: "Coerced") { name } __schema { queryType { name } } }
  fragment F on Query { __typename }
`);

const run = (
  name: string,
  variables: Record<string, unknown>,
): { readonly plain: string; readonly ready: string | null } => {
  const operation = pickOperation(asked, name);
  if (operation instanceof GraphQLError) throw operation;
  const common = { operationName: name, contextValue: {} };
  const ready = readyArguments(schema, { prepared: asked, operation }, variables);
  const plain = execute({ ...common, schema, document: asked.document, variableValues: variables });
  return {
    plain: JSON.stringify(plain),
    ready: ready === null ? null : JSON.stringify(execute({ ...common, ...ready })),
  };
};

const fits = (name: string, variables: Record<string, unknown>): void => {
  const { plain, ready } = run(name, variables);
  expect(ready).toBe(plain);
};

const inner = { id: 1 };

describe('an operation whose variables were coerced before', () => {
  it.each([
    ['nothing', {}],
    ['null', { inner: null, inners: null, choice: null, even: null, text: null }],
    ['a field that may be null', { inner: { ...inner, colour: null, list: null, self: null } }],
    ['fields in another order', { inner: { self: inner, list: [3, 1], colour: 'RED', id: 'a' } }],
    ['lists of lists', { inner: { id: 'a', lists: [[1, 2.5, null], []] } }],
    ['types in themselves', { inners: [{ ...inner, self: { ...inner, choice: { inner } } }] }],
    ['one of several', { choice: { even: 2 } }],
    ['what a scalar makes null', { text: '' }],
    ['a scalar of any form', { text: { a: [1] } }],
    ['a default that is overruled', { even: 8, flag: false }],
    ['a variable too many', { other: 1, inner }],
  ])('executes as graphql-js does with %s', (_, variables) => {
    fits('A', variables);
  });

  it('executes operations without variables, and sees the schema as it is', () => {
    fits('C', {});
    expect(run('C', {}).ready).toContain('"__type":null');
  });

  it.each([
    ['a variable that is missing', 'B', { inner }],
    ['null where there has to be a value', 'B', { colour: 'RED', inner: null }],
    ['a field that is missing', 'A', { inner: {} }],
    ['a field too many', 'A', { inner: { ...inner, other: null } }],
    ['no object', 'A', { inner: 'x' }],
    ['a list for an object', 'A', { inner: [inner] }],
    ['a value for a list', 'A', { inners: inner }],
    ['a list with null', 'A', { inner: { ...inner, list: [1, null] } }],
    ['a list with what does not fit', 'A', { inner: { ...inner, list: [1, 'x'] } }],
    ['null for a field that has a default', 'A', { inner: { ...inner, needed: null } }],
    ['none of several', 'A', { choice: {} }],
    ['two of several', 'A', { choice: { even: 2, text: 'x' } }],
    ['null as the one of several', 'A', { choice: { text: null } }],
    ['a bad enumeration', 'A', { inner: { ...inner, colour: 'BLUE' } }],
    ['a scalar that throws', 'A', { even: 3 }],
    ['a scalar that is undefined', 'A', { even: 'nothing' }],
    ['a number for a flag', 'A', { flag: 1 }],
  ])('leaves %s to graphql-js', (...[, name, variables]) => {
    expect(run(name, variables).ready).toBeNull();
  });

  it.each([
    ['fits', '{ "__proto__": { "id": "a" } }'],
    ['does not fit', '{ "__proto__": "x" }'],
    ['is absent', '{}'],
  ])('executes as graphql-js does where a variable has the name of the prototype and %s', (_, json) => {
    const odd = prepared('query ($__proto__: Inner) { echo(inner: $__proto__, flag: true) }');
    const [operation] = odd.operations;
    if (operation === undefined) throw new Error('no operation');
    const variables = JSON.parse(json) as Record<string, unknown>;
    const plain = execute({ schema, document: odd.document, variableValues: variables });
    const ready = readyArguments(schema, { prepared: odd, operation }, variables);
    const own = ready === null ? plain : execute(ready);
    expect(JSON.stringify(own)).toBe(JSON.stringify(plain));
  });

  it('executes as graphql-js does, or leaves it to graphql-js, whatever the variables are', () => {
    const seldom = <Value>(usual: fc.Arbitrary<Value>, ...others: readonly unknown[]): fc.Arbitrary<unknown> =>
      fc.oneof({ weight: 30, arbitrary: usual }, { weight: 1, arbitrary: fc.constantFrom(...others) });
    const even = fc.integer({ min: -9, max: 9 }).map((half) => 2 * half);
    const float = fc.double({ noNaN: true, noDefaultInfinity: true });
    const { inner: anyInner, choice: anyChoice } = fc.letrec<{ inner: unknown; choice: unknown }>((tie) => ({
      inner: fc.oneof(
        { maxDepth: 3, depthIdentifier: 'inner' },
        fc.constantFrom<unknown>({ id: 'leaf' }, { id: 5 }, null),
        fc
          .record(
            {
              id: seldom(fc.oneof(fc.string(), fc.integer()), null, 1.5),
              colour: seldom(fc.constantFrom('RED', 'GREEN', null), 'BLUE', 1),
              nothing: seldom(fc.constantFrom(1, null), 'x', 2 ** 40),
              list: seldom(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 3 }), 1, [1, null], {}),
              lists: seldom(fc.array(fc.array(fc.option(float), { maxLength: 2 }), { maxLength: 2 }), [1], [null]),
              needed: seldom(fc.boolean(), null, 'yes'),
              self: tie('inner'),
              choice: tie('choice'),
              other: fc.constant(1),
            },
            { requiredKeys: ['id'], noNullPrototype: true },
          )
          .map(({ other, ...known }) => (other === 1 && known.id === '' ? { ...known, other } : known)),
      ),
      choice: seldom(
        fc.oneof(fc.record({ text: fc.string() }), fc.record({ even }), fc.record({ inner: tie('inner') })),
        {},
        { text: null },
        { text: 'a', even: 2 },
      ),
    }));
    const variables = fc.record(
      {
        inner: anyInner,
        inners: seldom(fc.array(anyInner, { maxLength: 2 }), { id: 1 }, 'x'),
        choice: anyChoice,
        even: seldom(even, 'nothing', 3, 'odd', null),
        text: fc.jsonValue(),
        flag: seldom(fc.boolean(), 1),
        colour: seldom(fc.constantFrom('RED', 'GREEN'), 'BLUE', null),
      },
      { requiredKeys: [], noNullPrototype: true },
    );
    let ready = 0;
    let refused = 0;
    fc.assert(
      fc.property(fc.constantFrom('A', 'B'), variables, (name, given) => {
        const both = run(name, given);
        if (both.ready === null) refused++;
        else ready++;
        if (both.ready !== null) expect(both.ready).toBe(both.plain);
      }),
      { numRuns: 1_000 },
    );
    expect(Math.min(ready, refused)).toBeGreaterThan(100);
  });
});
