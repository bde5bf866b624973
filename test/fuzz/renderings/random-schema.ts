import { readFileSync } from 'node:fs';
import {
  buildSchema,
  GraphQLError,
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLObjectType,
  type GraphQLSchema,
  isObjectType,
  isScalarType,
} from 'graphql';
import { payloadResolvers } from '../../../src/graphql/payload-resolvers.ts';
import { implementScalars } from '../../../src/graphql/schema/scalars.ts';
import type { Choices } from '../random.ts';

/**
 * Schemas in the shape of ours, with contents that no deployer may write (interfaces, unions in unions, arguments, scalars of their own, resolvers
 * that fail): the gateway's own types around random ones.
 */

const ownFiles = [
  'notification-received-payload',
  'notification',
  'stream-gap',
  'subscription',
  'stream-filter',
  'scalars',
];
const ownSdl = ownFiles.map((name) => readFileSync(`schema/${name}.graphql`, 'utf8')).join('\n');

const leaves = ['String', 'Int', 'Float', 'Boolean', 'ID', 'DateTime', 'BigInt', 'Color', 'Shade', 'Any', 'Picky'];
const objects = ['Aa', 'Bb', 'Cc', 'Dd', 'Ee'];
const composites = [...objects, 'Named', 'Tagged', 'Either'];

const wrap = (type: string, random: Choices): string => {
  switch (random.int(7)) {
    case 1:
      return `${type}!`;
    case 2:
      return `[${type}]`;
    case 3:
      return `[${type}!]!`;
    case 4:
      return `[[${type}!]]`;
    default:
      return type;
  }
};

/** A field's name says its type, so that fields of one name can always be merged. */
const fieldsOf = (random: Choices): string[] =>
  Array.from({ length: 14 }, (_, n) => {
    const type = wrap(random.pick(n % 2 === 0 ? leaves : composites), random);
    const takes = random.int(6) === 5 ? '(n: Int = 1, flag: Boolean)' : '';
    return `f${n}${takes}: ${type}`;
  });

const objectSdl = (name: string, fields: readonly string[], random: Choices): string => {
  const own = Array.from({ length: 2 + random.int(6) }, () => random.pick(fields));
  // Each interface has a type.
  const interfaces = name === 'Aa' ? ' implements Named & Tagged' : random.pick([' implements Named', '']);
  const inherited =
    interfaces === ''
      ? []
      : ['id: ID!', 'label: String', ...(interfaces.includes('Tagged') ? ['tags: [String!]'] : [])];
  return `type ${name}${interfaces} { ${[...new Set([...inherited, ...own])].join(' ')} }`;
};

const contentSdl = (random: Choices): string => {
  const fields = fieldsOf(random);
  return `
    scalar Any scalar Picky
    enum Color { RED GREEN BLUE } enum Shade { DARK }
    interface Named { id: ID! label: String }
    interface Tagged implements Named { id: ID! label: String tags: [String!] }
    union Either = Aa | Bb
    union NotificationContent = Aa | Bb | Cc | Dd
    ${objects.map((name) => objectSdl(name, fields, random)).join('\n')}
    type Query { nothing: Int }`;
};

/** One object each, so that the mask gives them one id each. */
const bug = new Error('a bug');
const shown = new GraphQLError('shown', { extensions: { code: 'SHOWN' } });

type Source = Readonly<Record<string, unknown>>;

/** Resolvers that no payload of ours has, but for the first kind. */
const oddResolvers: readonly ((name: string) => GraphQLFieldResolver<Source, unknown>)[] = [
  (name) => (source) => source[name],
  () => () => {
    throw bug;
  },
  () => () => shown,
  () => () => Promise.resolve('late'),
  () => () => undefined,
  (name) => (source, given) => (given['n'] === 1 ? source[name] : null),
];

const objectOf = (schema: GraphQLSchema, name: string): GraphQLObjectType => {
  const type = schema.getType(name);
  if (!isObjectType(type)) throw new Error(`the schema has no type ${name}`);
  return type;
};

const fieldsIn = (schema: GraphQLSchema, typeName: string): readonly GraphQLField<unknown, unknown>[] =>
  Object.values(objectOf(schema, typeName).getFields());

const giveResolvers = (schema: GraphQLSchema, random: Choices): void => {
  for (const [typeName, resolvers] of Object.entries(payloadResolvers)) {
    for (const field of fieldsIn(schema, typeName)) {
      const resolve = resolvers[field.name];
      if (resolve !== undefined) field.resolve = resolve as GraphQLFieldResolver<unknown, unknown>;
    }
  }
  for (const field of objects.flatMap((name) => fieldsIn(schema, name))) {
    if (random.int(16) < 15) continue;
    field.resolve = random.pick(oddResolvers)(field.name) as GraphQLFieldResolver<unknown, unknown>;
  }
  if (random.int(40) === 39) objectOf(schema, random.pick(objects)).isTypeOf = () => true;
};

const pickyValues: Readonly<Record<string, unknown>> = { none: null, number: -0, object: { toJSON: () => 'told' } };

const giveScalars = (schema: GraphQLSchema): void => {
  implementScalars(schema);
  const picky = schema.getType('Picky');
  if (!isScalarType(picky)) return;
  picky.serialize = (value) => {
    if (value === 'bad') throw bug;
    return typeof value === 'string' && value in pickyValues ? pickyValues[value] : value;
  };
};

/** One schema. */
export const randomSchema = (random: Choices): GraphQLSchema => {
  const schema = buildSchema(`${ownSdl}\n${contentSdl(random)}`);
  giveScalars(schema);
  giveResolvers(schema, random);
  return schema;
};
