import {
  GraphQLError,
  type GraphQLScalarType,
  type GraphQLSchema,
  isScalarType,
  Kind,
  print,
  type ValueNode,
} from 'graphql';
import { parseRfc3339 } from '../../rfc3339.ts';

/** Why a value is not of a scalar, as the end of a sentence. */
export type ScalarReader = (value: unknown) => string | ScalarMismatch;

export type ScalarMismatch = { readonly mismatch: string };

const bigIntForm = /^-?\d{1,19}$/;
const minBigInt = -(2n ** 63n);
const maxBigInt = 2n ** 63n - 1n;

const integerOf = (value: unknown): bigint | null => {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : null;
  return typeof value === 'string' && bigIntForm.test(value) ? BigInt(value) : null;
};

/** Reads a 64-bit integer, from text or a number that is exact, as canonical decimal text. */
export const readBigInt: ScalarReader = (value) => {
  const integer = integerOf(value);
  if (integer === null) return { mismatch: 'is not a 64-bit integer (numbers beyond 2^53 lose digits: send text)' };
  return integer >= minBigInt && integer <= maxBigInt ? integer.toString() : { mismatch: 'is beyond 64 bits' };
};

/** Reads an RFC 3339 date-time; the text stays as it is. */
export const readDateTime: ScalarReader = (value) =>
  typeof value === 'string' && parseRfc3339(value) !== null
    ? value
    : { mismatch: 'is not an RFC 3339 date-time with a zone' };

const readCursor: ScalarReader = (value) => (typeof value === 'string' ? value : { mismatch: 'is not text' });

/** Dates that the gateway makes are milliseconds; those in events are text. */
const writeDateTime: ScalarReader = (value) =>
  typeof value === 'number' && Number.isFinite(value) ? new Date(value).toISOString() : readDateTime(value);

type ScalarRules = { readonly read: ScalarReader; readonly write: ScalarReader };

const rules: Readonly<Record<string, ScalarRules>> = {
  DateTime: { read: readDateTime, write: writeDateTime },
  Cursor: { read: readCursor, write: readCursor },
  BigInt: { read: readBigInt, write: readBigInt },
};

const orThrow = (name: string, result: string | ScalarMismatch, value: unknown): string => {
  if (typeof result === 'string') return result;
  const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, 64)) : typeof value;
  throw new GraphQLError(`${name} cannot be ${shown}: it ${result.mismatch}`);
};

/** The text or number of a literal, digits as they stand. */
const literalValue = (node: ValueNode): unknown => {
  if (node.kind === Kind.STRING) return node.value;
  return node.kind === Kind.INT ? BigInt(node.value) : print(node);
};

const implement = (scalar: GraphQLScalarType, { read, write }: ScalarRules): void => {
  scalar.serialize = (value) => orThrow(scalar.name, write(value), value);
  scalar.parseValue = (value) => orThrow(scalar.name, read(value), value);
  scalar.parseLiteral = (node) => {
    const value = literalValue(node);
    const isText = node.kind === Kind.STRING || node.kind === Kind.INT;
    return orThrow(scalar.name, isText ? read(value) : { mismatch: 'is not text' }, value);
  };
};

/** Gives the scalars of the SDL their meaning. Their values inside of the program are text; DateTime may be written from milliseconds too. */
export const implementScalars = (schema: GraphQLSchema): void => {
  for (const [name, rule] of Object.entries(rules)) {
    const type = schema.getType(name);
    if (isScalarType(type)) implement(type, rule);
  }
};
