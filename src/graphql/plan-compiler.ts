import {
  type GraphQLAbstractType,
  type GraphQLField,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getArgumentValues,
  getVariableValues,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
} from 'graphql';
import { collectFields, collectSubfields } from 'graphql/execution/collectFields.js';
import type { RenderPlan } from './render-plan.ts';

/**
 * From a plan to a function that writes a payload's execution result as JSON at once, without the objects between. It knows results without errors
 * only, and nothing of promises: whatever else it meets, it gives up, and graphql-js, which is always right, executes that payload. So there is one
 * source of errors, and what must be proven here is small. Which fields are merged or skipped is graphql-js's own code too.
 */

/** Gives the JSON of the whole result, or throws: `unfit` where this payload is graphql-js's, `Unsupported` where every payload of the plan is. */
export type PlanProgram = (payload: object) => string;

/** The selection has what this compiler does not know. */
export class Unsupported extends Error {}

/** Thrown, since it happens at any depth; one object, since a stack is of no use. */
const unfit: Error = new Error('this payload is for graphql-js');

type Write = (value: unknown) => string;
type WriteField = (source: Readonly<Record<string, unknown>>) => string;
type FieldNodes = Parameters<typeof collectSubfields>[4];
type Fields = ReturnType<typeof collectFields>;

type Scope = {
  readonly schema: GraphQLSchema;
  readonly fragments: Parameters<typeof collectFields>[1];
  readonly variables: Readonly<Record<string, unknown>>;
};

const typenameField = '__typename';

/** Only what JSON gives: no errors, which graphql-js takes for thrown, no promises, no functions. */
const isPlain = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' &&
  value !== null &&
  !(value instanceof Error) &&
  typeof (value as { readonly then?: unknown }).then !== 'function';

const writeScalar = (value: unknown): string => {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'number':
      return Number.isFinite(value) ? `${value}` : 'null';
    case 'boolean':
      return value ? 'true' : 'false';
    default:
      throw unfit;
  }
};

const leafWriter =
  (type: GraphQLLeafType): Write =>
  (value) => {
    if (typeof value === 'object' || typeof value === 'function') throw unfit;
    return writeScalar(type.serialize(value));
  };

const listWriter =
  (writeItem: Write): Write =>
  (value) => {
    if (!Array.isArray(value)) throw unfit;
    let text = '[';
    for (let i = 0; i < value.length; i++) text += i === 0 ? writeItem(value[i]) : `,${writeItem(value[i])}`;
    return `${text}]`;
  };

const nullable =
  (write: Write): Write =>
  (value) =>
    value === null || value === undefined ? 'null' : write(value);

const nonNull =
  (write: Write): Write =>
  (value) => {
    if (value === null || value === undefined) throw unfit;
    return write(value);
  };

/** Compiles one plan. Object types below a union are compiled when the first of them comes: an old client meets few of many event types. */
class Compiler {
  readonly #scope: Scope;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  object(type: GraphQLObjectType, fields: Fields): Write {
    if (type.isTypeOf) throw new Unsupported(`${type.name} has isTypeOf`);
    const writers: WriteField[] = [];
    for (const [responseName, nodes] of fields) {
      const head = `${writers.length === 0 ? '' : ','}${JSON.stringify(responseName)}:`;
      writers.push(this.#field(type, nodes, head));
    }
    return (value) => {
      if (!isPlain(value)) throw unfit;
      let text = '{';
      for (let i = 0; i < writers.length; i++) text += (writers[i] as WriteField)(value);
      return `${text}}`;
    };
  }

  #field(parent: GraphQLObjectType, nodes: FieldNodes, head: string): WriteField {
    const name = nodes[0]?.name.value ?? '';
    if (name === typenameField) {
      const text = `${head}"${parent.name}"`;
      return () => text;
    }
    const field = parent.getFields()[name];
    if (field === undefined) throw new Unsupported(`${parent.name} has no field ${name}`);
    const write = this.#value(field.type, nodes);
    const resolve = this.#resolver(field, nodes);
    return resolve === null ? (source) => head + write(source[name]) : (source) => head + write(resolve(source));
  }

  /** Null for the default. Resolvers that look at nothing but their source are called; others are graphql-js's. */
  #resolver(field: GraphQLField<unknown, unknown>, nodes: FieldNodes): ((source: unknown) => unknown) | null {
    const { resolve } = field;
    const [node] = nodes;
    // Arguments that do not fit are an error of the field.
    if (node !== undefined && field.args.length > 0) getArgumentValues(field, node, this.#scope.variables);
    if (resolve === undefined) return null;
    if (resolve.length > 1) throw new Unsupported(`the resolver of ${field.name} takes arguments`);
    return resolve as unknown as (source: unknown) => unknown;
  }

  #value(type: GraphQLOutputType, nodes: FieldNodes): Write {
    return isNonNullType(type) ? nonNull(this.#present(type.ofType, nodes)) : nullable(this.#present(type, nodes));
  }

  #present(type: GraphQLOutputType, nodes: FieldNodes): Write {
    if (isListType(type)) return listWriter(this.#value(type.ofType, nodes));
    if (isLeafType(type)) return leafWriter(type);
    if (isAbstractType(type)) return this.#abstract(type, nodes);
    if (isObjectType(type)) return this.object(type, this.#subfields(type, nodes));
    throw new Unsupported(`unknown kind of type ${String(type)}`);
  }

  #subfields(type: GraphQLObjectType, nodes: FieldNodes): Fields {
    const { schema, fragments, variables } = this.#scope;
    return collectSubfields(schema, fragments, variables, type, nodes);
  }

  /** Compiled while a payload is being written: what is wrong here is wrong with the selection. */
  #member(type: GraphQLObjectType, nodes: FieldNodes): Write {
    try {
      return this.object(type, this.#subfields(type, nodes));
    } catch (cause) {
      throw new Unsupported(`the selection on ${type.name} cannot be compiled`, { cause });
    }
  }

  #abstract(type: GraphQLAbstractType, nodes: FieldNodes): Write {
    if (type.resolveType) throw new Unsupported(`${type.name} has resolveType`);
    const writers = new Map<unknown, Write>();
    const compile = (typename: unknown): Write => {
      const { schema } = this.#scope;
      const runtimeType = typeof typename === 'string' ? schema.getType(typename) : undefined;
      if (!isObjectType(runtimeType) || !schema.isSubType(type, runtimeType)) throw unfit;
      const write = this.#member(runtimeType, nodes);
      writers.set(typename, write);
      return write;
    };
    return (value) => {
      if (!isPlain(value)) throw unfit;
      const typename = value[typenameField];
      return (writers.get(typename) ?? compile(typename))(value);
    };
  }
}

const isOperation = (node: { readonly kind: Kind }): node is OperationDefinitionNode =>
  node.kind === Kind.OPERATION_DEFINITION;

const scopeOf = (schema: GraphQLSchema, plan: RenderPlan, operation: OperationDefinitionNode): Scope => {
  const { coerced } = getVariableValues(schema, operation.variableDefinitions ?? [], plan.variables);
  if (coerced === undefined) throw new Unsupported('the variables do not fit');
  const fragments: Scope['fragments'] = Object.create(null);
  for (const node of plan.document.definitions) {
    if (node.kind === Kind.FRAGMENT_DEFINITION) fragments[node.name.value] = node;
  }
  return { schema, fragments, variables: coerced };
};

/** Compiles. Throws where it cannot, be it that graphql-js finds an error in the selection itself. */
export const compilePlan = (schema: GraphQLSchema, plan: RenderPlan): PlanProgram => {
  const operation = plan.document.definitions.find(isOperation);
  const root = operation === undefined ? null : schema.getRootType(operation.operation);
  if (operation === undefined || !root) throw new Unsupported('there is no operation');
  const scope = scopeOf(schema, plan, operation);
  const fields = collectFields(schema, scope.fragments, scope.variables, root, operation.selectionSet);
  const write = new Compiler(scope).object(root, fields);
  return (payload) => `{"data":${write(payload)}}`;
};
