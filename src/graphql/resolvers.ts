import { type GraphQLFieldResolver, type GraphQLSchema, isObjectType } from 'graphql';
import { operationResolvers } from './operation-resolvers.ts';
import { payloadResolvers } from './payload-resolvers.ts';

/** Joins resolvers to the schema. Members of `NotificationContent` are told apart by `__typename`, which the record codec sets. */

const all: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
  ...Object.entries(operationResolvers),
  ...Object.entries(payloadResolvers),
];

/** Gives the schema its resolvers. Throws where the schema lacks a type or field that has one: then code and SDL do not belong together. */
export const attachResolvers = (schema: GraphQLSchema): void => {
  for (const [typeName, fields] of all) {
    const type = schema.getType(typeName);
    if (!isObjectType(type)) throw new Error(`the schema has no type ${typeName}`);
    for (const [fieldName, resolve] of Object.entries(fields)) {
      const field = type.getFields()[fieldName];
      if (field === undefined) throw new Error(`the schema has no field ${typeName}.${fieldName}`);
      field.resolve = resolve as GraphQLFieldResolver<unknown, unknown>;
    }
  }
};
