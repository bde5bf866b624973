import {
  type DocumentNode,
  type FieldNode,
  GraphQLError,
  type GraphQLField,
  GraphQLIncludeDirective,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getArgumentValues,
  getDirectiveValues,
  getVariableValues,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
} from 'graphql';
import type { SubscribeRequest } from '../actors/session.ts';
import { GatewayError } from '../errors.ts';
import type { Viewer } from '../viewer.ts';
import type { PreparedDocument } from './documents.ts';
import { planFor } from './render-plan.ts';
import { resumeKeyOf } from './resume-key.ts';
import { readStreamArguments } from './stream-arguments.ts';

/** From a subscription operation to what the actors take. Validation has seen to it that there is one root field; skipping may leave none. */

type Variables = Readonly<Record<string, unknown>>;

const isIncluded = (node: SelectionNode, variables: Variables): boolean => {
  if (getDirectiveValues(GraphQLSkipDirective, node, variables)?.['if'] === true) return false;
  return getDirectiveValues(GraphQLIncludeDirective, node, variables)?.['if'] !== false;
};

const firstField = (
  selections: readonly SelectionNode[],
  document: DocumentNode,
  variables: Variables,
): FieldNode | null => {
  for (const selection of selections) {
    if (!isIncluded(selection, variables)) continue;
    if (selection.kind === Kind.FIELD) return selection;
    const field = firstField(selectionsOf(selection, document), document, variables);
    if (field !== null) return field;
  }
  return null;
};

const selectionsOf = (
  selection: Exclude<SelectionNode, FieldNode>,
  document: DocumentNode,
): readonly SelectionNode[] => {
  if (selection.kind === Kind.INLINE_FRAGMENT) return selection.selectionSet.selections;
  const fragment = document.definitions.find(
    (definition) => definition.kind === Kind.FRAGMENT_DEFINITION && definition.name.value === selection.name.value,
  );
  return fragment?.kind === Kind.FRAGMENT_DEFINITION ? fragment.selectionSet.selections : [];
};

type Root = { readonly field: GraphQLField<unknown, unknown>; readonly node: FieldNode };

const rootOf = (
  schema: GraphQLSchema,
  source: { readonly document: DocumentNode; readonly operation: OperationDefinitionNode },
  variables: Variables,
): Root | null => {
  const node = firstField(source.operation.selectionSet.selections, source.document, variables);
  const field = node === null ? undefined : schema.getSubscriptionType()?.getFields()[node.name.value];
  return node === null || field === undefined ? null : { field, node };
};

/** A subscription that a client asks for. */
export type SubscriptionStart = {
  readonly operationId: string;
  readonly prepared: PreparedDocument;
  readonly operation: OperationDefinitionNode;
  readonly variables: Variables;
  readonly viewer: Viewer;
  /** The policy's key of those who may share renderings; a throw refuses the subscribe. */
  readonly scopeOf: (viewer: Viewer) => string;
};

const readScope = ({ scopeOf, viewer }: SubscriptionStart): string | GatewayError => {
  try {
    const scope: unknown = scopeOf(viewer);
    if (typeof scope === 'string') return scope;
  } catch (cause) {
    return noScope(cause);
  }
  return noScope(undefined);
};

const noScope = (cause: unknown): GatewayError =>
  new GatewayError('OVERLOADED', 'the policy could not decide on the subscription: try again', { cause });

const noRoot = new GraphQLError('the subscription selects nothing: its one root field is skipped', {
  extensions: { code: 'BAD_USER_INPUT' },
});

const withBadInput = (error: GraphQLError): GraphQLError =>
  new GraphQLError(error.message, { nodes: error.nodes ?? null, extensions: { code: 'BAD_USER_INPUT' } });

/** Coerces variables and arguments and checks them against the viewer. Refusals are returned as errors, at least one. */
export const readSubscription = (
  schema: GraphQLSchema,
  start: SubscriptionStart,
): SubscribeRequest | readonly (GraphQLError | GatewayError)[] => {
  const { operationId, prepared, operation, variables, viewer } = start;
  const coerced = getVariableValues(schema, operation.variableDefinitions ?? [], variables, { maxErrors: 20 });
  if (coerced.coerced === undefined) return coerced.errors.map(withBadInput);
  try {
    const root = rootOf(schema, { document: prepared.document, operation }, coerced.coerced);
    if (root === null) return [noRoot];
    const stream = readStreamArguments(getArgumentValues(root.field, root.node, coerced.coerced), viewer);
    if (stream instanceof Error) return [stream];
    const scope = readScope(start);
    if (scope instanceof Error) return [scope];
    const plan = planFor(prepared, operation, { variables, scope });
    const key = { text: prepared.text, operation: operation.name?.value ?? null, plan, filter: stream.filter };
    return { operationId, ...stream, plan, resumeKey: resumeKeyOf(operationId, viewer, key) };
  } catch (error) {
    // graphql-js throws where a literal or a directive's variable does not fit.
    if (error instanceof GraphQLError || error instanceof GatewayError) return [error];
    throw error;
  }
};
