/** An object literal with `then` looks like a mistake to linters. */
const thenable = [
  ['__typename', 'Aa'],
  ['text', 'x'],
  ['then', () => {}],
] as const;

/** What no content is: each makes an error, or is of a kind that only graphql-js knows what to make of. */
export const oddities: readonly { readonly name: string; make(): unknown }[] = [
  { name: 'undefined', make: () => undefined },
  { name: 'null', make: () => null },
  { name: 'text', make: () => 'odd' },
  { name: 'a number', make: () => 7 },
  { name: 'no number', make: () => Number.NaN },
  { name: 'a bigint', make: () => 2n },
  { name: 'an error', make: () => new Error('an error as value') },
  { name: 'a promise', make: () => Promise.resolve({ __typename: 'Aa', text: 'late' }) },
  { name: 'an object of the type that can be waited for', make: () => Object.fromEntries(thenable) },
  { name: 'a function', make: () => () => 'called' },
  { name: 'an empty list', make: () => [] },
  { name: 'an object without a type', make: () => ({}) },
  { name: 'an object of a type that is not there', make: () => ({ __typename: 'Nobody' }) },
  { name: 'an object of another type', make: () => ({ __typename: 'Notification' }) },
  { name: 'an object of an abstract type', make: () => ({ __typename: 'Named' }) },
  { name: 'an object with a value', make: () => ({ valueOf: () => 'valued' }) },
  { name: 'a set', make: () => new Set(['a']) },
  { name: 'an object whose type is inherited', make: () => Object.create({ __typename: 'Aa', text: 'inherited' }) },
  {
    name: 'an object with a getter that throws',
    make: () => ({
      __typename: 'Aa',
      get text() {
        throw new Error('no text');
      },
    }),
  },
  { name: 'a list of odd items', make: () => [undefined, new Error('item'), 'x', { __typename: 'Aa', text: 'x' }] },
];
