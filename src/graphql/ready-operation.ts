import { randomUUID } from 'node:crypto';
import {
  type DocumentNode,
  GraphQLScalarType,
  type GraphQLSchema,
  isInputType,
  Kind,
  type OperationDefinitionNode,
  typeFromAST,
  type VariableDefinitionNode,
  valueFromAST,
} from 'graphql';
import type { PreparedDocument } from './documents.ts';
import { type Coerce, coercerOf, unfit } from './input-coercion.ts';

/**
 * An operation whose variables are coerced before graphql-js executes it, by coercers that are kept with the document. graphql-js takes them as they are:
 * it is given the operation with variables of a scalar that lets everything pass, and a view of the schema that knows it. Nobody else sees either.
 */

/** What `execute` is to be given for the variables. */
export type ReadyArguments = {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly variableValues: Readonly<Record<string, unknown>>;
};

type Variables = Readonly<Record<string, unknown>>;
type Variable = { readonly name: string; readonly coerce: Coerce; readonly byDefault: (() => unknown) | null };
type Ready = { readonly document: DocumentNode; readonly variables: readonly Variable[] };

const coercedScalar = new GraphQLScalarType({ name: 'Coerced' });
/** What the view knows it by: introspection that runs on the view cannot ask for it. */
const coercedName: string = randomUUID();

const views = new WeakMap<GraphQLSchema, GraphQLSchema>();

const viewOf = (schema: GraphQLSchema): GraphQLSchema => {
  const known = views.get(schema);
  if (known !== undefined) return known;
  const getType: GraphQLSchema['getType'] = (name) => (name === coercedName ? coercedScalar : schema.getType(name));
  const view = Object.create(schema, { getType: { value: getType } }) as GraphQLSchema;
  views.set(schema, view);
  return view;
};

const variableOf = (
  schema: GraphQLSchema,
  { variable, type, defaultValue }: VariableDefinitionNode,
): Variable | null => {
  const inputType = typeFromAST(schema, type);
  if (!isInputType(inputType)) return null;
  const byDefault = defaultValue === undefined ? null : () => valueFromAST(defaultValue, inputType);
  return { name: variable.name.value, coerce: coercerOf(inputType), byDefault };
};

const passing = (definition: VariableDefinitionNode): VariableDefinitionNode => {
  const { defaultValue: _, ...others } = definition;
  return { ...others, type: { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: coercedName } } };
};

const makeReady = (
  schema: GraphQLSchema,
  prepared: PreparedDocument,
  operation: OperationDefinitionNode,
): Ready | null => {
  const definitions = operation.variableDefinitions ?? [];
  const variables = definitions.map((definition) => variableOf(schema, definition));
  if (!variables.every((variable) => variable !== null)) return null;
  const own = { ...operation, variableDefinitions: definitions.map(passing) };
  const fragments = prepared.document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION);
  return { variables, document: { ...prepared.document, definitions: [own, ...fragments] } };
};

const notesKey = Symbol('ready operations');

const readyOf = (
  schema: GraphQLSchema,
  prepared: PreparedDocument,
  operation: OperationDefinitionNode,
): Ready | null => {
  const known = prepared.notes.get(notesKey) as Map<OperationDefinitionNode, Ready | null> | undefined;
  const byOperation = known ?? new Map<OperationDefinitionNode, Ready | null>();
  if (known === undefined) prepared.notes.set(notesKey, byOperation);
  const ready = byOperation.get(operation);
  if (ready !== undefined) return ready;
  const made = makeReady(schema, prepared, operation);
  byOperation.set(operation, made);
  return made;
};

const coerced = (variables: readonly Variable[], given: Variables): Variables | null => {
  // Clients name variables as they like: `__proto__` is one of them.
  const values: Record<string, unknown> = Object.create(null);
  for (const { name, coerce, byDefault } of variables) {
    if (Object.hasOwn(given, name)) values[name] = coerce(given[name]);
    else if (byDefault !== null) values[name] = byDefault();
    // One that may be absent is absent; of one that may not, graphql-js says so.
    else if (coerce(null) === unfit) return null;
    if (values[name] === unfit) return null;
  }
  return values;
};

/** The operation with its variables coerced; null where one does not fit: graphql-js, given the operation as it is, says why. */
export const readyArguments = (
  schema: GraphQLSchema,
  { prepared, operation }: { readonly prepared: PreparedDocument; readonly operation: OperationDefinitionNode },
  given: Variables,
): ReadyArguments | null => {
  const ready = readyOf(schema, prepared, operation);
  const variableValues = ready === null ? null : coerced(ready.variables, given);
  if (ready === null || variableValues === null) return null;
  return { schema: viewOf(schema), document: ready.document, variableValues };
};
