import {
  type GraphQLEnumType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  isEnumType,
  isListType,
  isNonNullType,
  isObjectType,
  isScalarType,
} from 'graphql';
import { readBigInt, readDateTime, type ScalarReader } from './scalars.ts';

/**
 * Readers of event fields: JSON in, data of the SDL type out. Compiled once per type into closures, so that a record costs one call per
 * field and nothing of the schema is looked at again.
 */

/** A value that does not fit, and where. Made only on the way out of a failure. */
export class Unfit {
  readonly path: readonly string[];
  readonly message: string;

  constructor(message: string, path: readonly string[] = []) {
    this.message = message;
    this.path = path;
  }

  /** The same, seen from one level further out. */
  within(segment: string): Unfit {
    return new Unfit(this.message, [segment, ...this.path]);
  }
}

/** Gives the value as the type has it, or Unfit. Never throws. */
export type Reader = (value: unknown) => unknown;

const unfitText = new Unfit('is not text');
const unfitBoolean = new Unfit('is not true or false');
const unfitInt = new Unfit('is not a whole number of 32 bits');
const unfitFloat = new Unfit('is not a finite number, or a double would change it');
const unfitId = new Unfit('is not text or a whole number');
const missing = new Unfit('is missing');

const readString: Reader = (value) => (typeof value === 'string' ? value : unfitText);

const readBoolean: Reader = (value) => (typeof value === 'boolean' ? value : unfitBoolean);

/** Adding 0 makes 0 of -0, which JSON would write as 0 anyway. */
const readInt: Reader = (value) =>
  typeof value === 'number' && Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31 ? value + 0 : unfitInt;

const readFloat: Reader = (value) => {
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : unfitFloat;
  if (typeof value !== 'bigint') return unfitFloat;
  const double = Number(value);
  return Number.isFinite(double) && BigInt(double) === value ? double : unfitFloat;
};

const readId: Reader = (value) => {
  if (typeof value === 'string') return value;
  if (typeof value === 'bigint') return value.toString();
  return typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : unfitId;
};

const fromScalar =
  (read: ScalarReader): Reader =>
  (value) => {
    const result = read(value);
    return typeof result === 'string' ? result : new Unfit(result.mismatch);
  };

const scalarReaders: ReadonlyMap<string, Reader> = new Map([
  ['String', readString],
  ['Boolean', readBoolean],
  ['Int', readInt],
  ['Float', readFloat],
  ['ID', readId],
  ['DateTime', fromScalar(readDateTime)],
  ['BigInt', fromScalar(readBigInt)],
]);

const nullable =
  (read: Reader): Reader =>
  (value) =>
    value === null || value === undefined ? null : read(value);

const nonNull =
  (read: Reader): Reader =>
  (value) =>
    value === null || value === undefined ? missing : read(value);

/** A value that this schema does not know yet is null where it may be. */
const enumReader = (type: GraphQLEnumType, mayBeNull: boolean): Reader => {
  const names: ReadonlySet<unknown> = new Set(type.getValues().map((each) => each.name));
  const unknown = mayBeNull ? null : new Unfit(`is not a value of ${type.name}`);
  return (value) => {
    if (typeof value !== 'string') return unfitText;
    return names.has(value) ? value : unknown;
  };
};

const listReader = (read: Reader): Reader => {
  const noList = new Unfit('is not a list');
  return (value) => {
    if (!Array.isArray(value)) return noList;
    const items: unknown[] = [];
    for (let i = 0; i < value.length; i++) {
      const item = read(value[i]);
      if (item instanceof Unfit) return item.within(String(i));
      items.push(item);
    }
    return items;
  };
};

type FieldReader = { readonly name: string; readonly read: Reader; readonly isOnPrototype: boolean };

const noObject = new Unfit('is not an object');

const fieldValue = (source: Readonly<Record<string, unknown>>, { name, isOnPrototype }: FieldReader): unknown =>
  isOnPrototype && !Object.hasOwn(source, name) ? undefined : source[name];

/** Compiles readers; object types may refer to one another, so each is compiled once and looked up when first used. */
export class ReaderCompiler {
  readonly #objects = new Map<string, Reader>();

  /** The reader of an object type: fields in the order of the SDL, `__typename` first, unknown ones dropped. */
  object(type: GraphQLObjectType): Reader {
    const known = this.#objects.get(type.name);
    if (known !== undefined) return known;
    const fields: FieldReader[] = [];
    const reader = objectReader(type.name, fields);
    this.#objects.set(type.name, reader);
    for (const field of Object.values(type.getFields())) {
      fields.push({ name: field.name, read: this.#field(field.type), isOnPrototype: field.name in Object.prototype });
    }
    return reader;
  }

  #field(type: GraphQLOutputType): Reader {
    if (isNonNullType(type)) return nonNull(this.#inner(type.ofType, false));
    return nullable(this.#inner(type, true));
  }

  #inner(type: GraphQLOutputType, mayBeNull: boolean): Reader {
    if (isListType(type)) return listReader(this.#field(type.ofType));
    if (isEnumType(type)) return enumReader(type, mayBeNull);
    if (isObjectType(type)) return this.object(type);
    const reader = isScalarType(type) ? scalarReaders.get(type.name) : undefined;
    if (reader === undefined) throw new Error(`no reader for ${String(type)}: the vocabulary check let it through`);
    return reader;
  }
}

const objectReader =
  (typename: string, fields: readonly FieldReader[]): Reader =>
  (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return noObject;
    const content: Record<string, unknown> = { __typename: typename };
    for (const field of fields) {
      const read = field.read(fieldValue(value as Readonly<Record<string, unknown>>, field));
      if (read instanceof Unfit) return read.within(field.name);
      content[field.name] = read;
    }
    return content;
  };
