import {
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLLeafType,
  type GraphQLNonNull,
  getNullableType,
  isInputObjectType,
  isListType,
  isNonNullType,
} from 'graphql';

/**
 * Coercion of JSON values by functions that are made once per input type. graphql-js finds out anew for every value what its type is, and keeps a path for
 * errors that most values do not have: that is a third of what it does for a publish. These only know values that fit; the rest is `unfit`, which
 * is for graphql-js to look at and to tell why.
 */

/** Not a value of the type, or one that graphql-js has to judge. */
export const unfit: unique symbol = Symbol('unfit');

/** What graphql-js would make of the value, or `unfit`. Never throws. */
export type Coerce = (value: unknown) => unknown;

type Given = Readonly<Record<string, unknown>>;
/** `absent`: what stands for a field that is not given; `unfit` where it has to be, undefined for none. */
type Field = { readonly name: string; readonly coerce: Coerce; readonly absent: unknown };

const made = new WeakMap<GraphQLInputType, Coerce>();

/** A single value in place of a list is left to graphql-js. */
const list =
  (item: Coerce): Coerce =>
  (value) => {
    if (!Array.isArray(value)) return unfit;
    const coerced = value.map(item);
    return coerced.includes(unfit) ? unfit : coerced;
  };

const leaf =
  (type: GraphQLLeafType): Coerce =>
  (value) => {
    try {
      const parsed: unknown = type.parseValue(value);
      return parsed === undefined ? unfit : parsed;
    } catch {
      return unfit;
    }
  };

const fieldsOf = (type: GraphQLInputObjectType): readonly Field[] =>
  Object.values(type.getFields()).map((field) => {
    const { name, type, defaultValue } = field;
    const absent = isNonNullType(type) ? unfit : undefined;
    // A default may be null.
    return { name, coerce: coercerOf(type), absent: defaultValue === undefined ? absent : defaultValue };
  });

/** The fields in the order of the type, as graphql-js gives them. */
const coerceFields = (fields: readonly Field[], given: Given): Given | typeof unfit => {
  const coerced: Record<string, unknown> = {};
  for (const { name, coerce, absent } of fields) {
    const value = given[name];
    const fieldValue = value === undefined ? absent : coerce(value);
    if (fieldValue === unfit) return unfit;
    if (fieldValue !== undefined) coerced[name] = fieldValue;
  }
  return coerced;
};

const isExactlyOne = (coerced: Given): boolean => {
  const values = Object.values(coerced);
  return values.length === 1 && values[0] !== null;
};

const inputObject = (type: GraphQLInputObjectType): Coerce => {
  // Not before it is called for: types may refer to themselves.
  let fields: readonly Field[] | null = null;
  const names = new Set(Object.keys(type.getFields()));
  const isOf = (value: unknown): value is Given =>
    typeof value === 'object' && !Array.isArray(value) && Object.keys(value as object).every((name) => names.has(name));
  return (value) => {
    if (!isOf(value)) return unfit;
    fields ??= fieldsOf(type);
    const coerced = coerceFields(fields, value);
    return coerced !== unfit && type.isOneOf && !isExactlyOne(coerced) ? unfit : coerced;
  };
};

/** For values that are there. */
const ofPresent = (type: Exclude<GraphQLInputType, GraphQLNonNull<never>>): Coerce => {
  if (isListType(type)) return list(coercerOf(type.ofType));
  return isInputObjectType(type) ? inputObject(type) : leaf(type);
};

const make = (type: GraphQLInputType): Coerce => {
  const absent = isNonNullType(type) ? unfit : null;
  const coerce = ofPresent(getNullableType(type));
  return (value) => (value === null || value === undefined ? absent : coerce(value));
};

/** The coercer of a type; made once. */
export const coercerOf = (type: GraphQLInputType): Coerce => {
  const known = made.get(type);
  if (known !== undefined) return known;
  const coerce = make(type);
  made.set(type, coerce);
  return coerce;
};
