import {
  type GraphQLEnumType,
  type GraphQLNamedType,
  type GraphQLNullableType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  type GraphQLUnionType,
  isEnumType,
  isListType,
  isNonNullType,
  isObjectType,
  isUnionType,
} from 'graphql';
import type { EventType } from './event-types.ts';

/** A JSON Schema, draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>;

const scalarSchemas: Readonly<Record<string, JsonSchema>> = {
  String: { type: 'string' },
  Boolean: { type: 'boolean' },
  Int: { type: 'integer', minimum: -(2 ** 31), maximum: 2 ** 31 - 1 },
  Float: { type: 'number' },
  ID: { type: ['string', 'integer'] },
  DateTime: { type: 'string', format: 'date-time' },
  Cursor: { type: 'string' },
  BigInt: { anyOf: [{ type: 'string', pattern: '^-?[0-9]{1,19}$' }, { type: 'integer' }] },
};

const described = (schema: JsonSchema, description: string | null | undefined): JsonSchema =>
  description === null || description === undefined ? schema : { description, ...schema };

/** How references to other types are written, and whether objects say their `__typename`. */
export type JsonSchemaStyle = { readonly refPrefix: string; readonly hasTypename: boolean };

/** Writes GraphQL types as JSON Schemas and remembers which named types they refer to. */
export class JsonSchemaWriter {
  readonly #style: JsonSchemaStyle;
  readonly #definitions = new Map<string, JsonSchema>();

  constructor(style: JsonSchemaStyle) {
    this.#style = style;
  }

  /** Everything that was referred to, by type name, in order of name. */
  definitions(): Readonly<Record<string, JsonSchema>> {
    return Object.fromEntries([...this.#definitions].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** An object type in place. */
  object(type: GraphQLObjectType): JsonSchema {
    const fields = Object.values(type.getFields());
    const properties = Object.fromEntries(
      fields.map((field) => [field.name, described(this.#field(field.type), field.description)]),
    );
    const required = fields.filter((field) => isNonNullType(field.type)).map((field) => field.name);
    const schema = { type: 'object', properties, ...(required.length === 0 ? {} : { required }) };
    return described(schema, type.description);
  }

  /** A reference to a named type, which is written too. */
  reference(type: GraphQLNamedType): JsonSchema {
    if (!this.#definitions.has(type.name)) {
      // Taken first, since types may refer to themselves.
      this.#definitions.set(type.name, {});
      this.#definitions.set(type.name, this.#definition(type));
    }
    return { $ref: `${this.#style.refPrefix}${type.name}` };
  }

  #field(type: GraphQLOutputType): JsonSchema {
    if (isNonNullType(type)) return this.#inner(type.ofType);
    return { anyOf: [this.#inner(type as GraphQLNullableType & GraphQLOutputType), { type: 'null' }] };
  }

  #inner(type: GraphQLOutputType): JsonSchema {
    if (isListType(type)) return { type: 'array', items: this.#field(type.ofType) };
    if (isNonNullType(type)) return this.#inner(type.ofType);
    const scalar = scalarSchemas[type.name];
    return scalar ?? this.reference(type);
  }

  #definition(type: GraphQLNamedType): JsonSchema {
    if (isEnumType(type)) return this.#enum(type);
    if (isUnionType(type)) return this.#union(type);
    if (isObjectType(type)) return this.object(type);
    throw new Error(`no JSON Schema for ${type.name}: only types that are sent have one`);
  }

  #enum(type: GraphQLEnumType): JsonSchema {
    return described({ type: 'string', enum: type.getValues().map((value) => value.name) }, type.description);
  }

  #union(type: GraphQLUnionType): JsonSchema {
    const members = type.getTypes().map((member) => {
      if (!this.#style.hasTypename) return this.reference(member);
      const typename = { type: 'object', properties: { __typename: { const: member.name } }, required: ['__typename'] };
      return { allOf: [typename, this.reference(member)] };
    });
    return described({ oneOf: members }, type.description);
  }
}

/** The JSON Schema of the values of one event type's records: what a producer may send. */
export const jsonSchemaOf = (schema: GraphQLSchema, event: EventType): JsonSchema => {
  const type = schema.getType(event.typename);
  if (!isObjectType(type)) throw new Error(`${event.typename} is not in the schema`);
  const writer = new JsonSchemaWriter({ refPrefix: '#/$defs/', hasTypename: false });
  const object = writer.object(type);
  const $defs = writer.definitions();
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: `urn:carillon:event:${encodeURIComponent(event.type)}`,
    title: event.typename,
    ...object,
    ...(Object.keys($defs).length === 0 ? {} : { $defs }),
  };
};
