import {
  BreakingChangeType,
  buildSchema,
  findBreakingChanges,
  type GraphQLObjectType,
  type GraphQLSchema,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { inputName } from './derive.ts';

/**
 * What a change of the schema breaks. Clients are one side of it; the other is the log, which holds records of the old schema for as long as it
 * keeps them, and producers, which are deployed later.
 */

const eventTypeOf = (type: GraphQLObjectType): string | null => {
  const directive = type.astNode?.directives?.find((each) => each.name.value === 'event');
  const value = directive?.arguments?.find((each) => each.name.value === 'type')?.value;
  return value?.kind === 'StringValue' ? value.value : null;
};

const objectTypes = (schema: GraphQLSchema): GraphQLObjectType[] =>
  Object.values(schema.getTypeMap()).filter(
    (type) => isObjectType(type) && !type.name.startsWith('__'),
  ) as GraphQLObjectType[];

/** Names of the object types that have a derived input: those that occur in records. */
const recordTypes = (schema: GraphQLSchema): ReadonlySet<string> =>
  new Set(objectTypes(schema).flatMap(({ name }) => (schema.getType(inputName(name)) === undefined ? [] : [name])));

const changedEventTypes = (before: GraphQLSchema, after: GraphQLSchema): string[] =>
  objectTypes(before).flatMap((old) => {
    const type = eventTypeOf(old);
    const now = after.getType(old.name);
    if (type === null || !isObjectType(now) || eventTypeOf(now) === type) return [];
    return [`${old.name} was the event type "${type}": records of it in the log are of no known type now`];
  });

const newlyRequired = (before: GraphQLObjectType, after: GraphQLObjectType): string[] => {
  const old = before.getFields();
  return Object.values(after.getFields()).flatMap((field) => {
    if (!isNonNullType(field.type)) return [];
    const earlier = old[field.name];
    if (earlier !== undefined && isNonNullType(earlier.type)) return [];
    const how = earlier === undefined ? 'is new and non-null' : 'was nullable and is non-null now';
    return [`${after.name}.${field.name} ${how}: records without it cannot be read; make it nullable`];
  });
};

const requiredFields = (before: GraphQLSchema, after: GraphQLSchema): string[] =>
  [...recordTypes(after)].flatMap((name) => {
    const [old, now] = [before.getType(name), after.getType(name)];
    return isObjectType(old) && isObjectType(now) ? newlyRequired(old, now) : [];
  });

/** graphql-js's findings, less those on derived inputs that were told as fields of records. */
const clientBreaks = (before: GraphQLSchema, after: GraphQLSchema): string[] => {
  const derived = new Set([...recordTypes(after)].map(inputName));
  const told: ReadonlySet<string> = new Set([
    BreakingChangeType.REQUIRED_INPUT_FIELD_ADDED,
    BreakingChangeType.FIELD_CHANGED_KIND,
  ]);
  return findBreakingChanges(before, after).flatMap(({ type, description }) =>
    told.has(type) && [...derived].some((name) => description.includes(name)) ? [] : [description],
  );
};

const parseSnapshot = (sdl: string): GraphQLSchema | null => {
  try {
    return buildSchema(sdl);
  } catch {
    return null;
  }
};

/** Compares two whole SDLs, earlier first. Never throws on account of the earlier one. */
export const compareSchemas = (snapshotSdl: string, sdl: string): readonly string[] => {
  if (snapshotSdl === sdl) return [];
  const [before, after] = [parseSnapshot(snapshotSdl), buildSchema(sdl)];
  if (before === null) return ['the snapshot of the schema is no SDL: write it anew'];
  return [...changedEventTypes(before, after), ...requiredFields(before, after), ...clientBreaks(before, after)];
};
