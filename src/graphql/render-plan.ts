import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  visit,
} from 'graphql';
import type { PreparedDocument } from './documents.ts';

/**
 * What a subscription's payloads are rendered by. Everybody whose document, operation and variables used below the root field are alike has the
 * same plan, so that one rendering serves all of them; `after` and `filter` differ from client to client and do not count.
 */

export type RenderPlan = {
  /** The one operation with its fragments, without what only chooses the stream: arguments of the root field and their variables. */
  readonly document: DocumentNode;
  /** Those that the selection uses. */
  readonly variables: Variables;
};

type Variables = Readonly<Record<string, unknown>>;

const rootFieldName = 'notificationReceived';
const maxPlansPerOperation = 64;
/** Longer ones are not shared. */
const maxKeyLength = 4_096;

const fragmentsOf = (document: DocumentNode): ReadonlyMap<string, FragmentDefinitionNode> =>
  new Map(
    document.definitions
      .filter((definition) => definition.kind === Kind.FRAGMENT_DEFINITION)
      .map((fragment) => [fragment.name.value, fragment]),
  );

/** Names of the variables that decide what a payload of the operation looks like: all but those in arguments of root fields. */
const usedVariables = (document: DocumentNode, operation: OperationDefinitionNode): readonly string[] => {
  const fragments = fragmentsOf(document);
  const used = new Set<string>();
  const seen = new Set<string>();

  const collect = (set: SelectionSetNode, isRoot: boolean): void => {
    visit(set, {
      Field: {
        enter(field: FieldNode) {
          if (!isRoot) return undefined;
          for (const directive of field.directives ?? [])
            visit(directive, { Variable: (node) => void used.add(node.name.value) });
          if (field.selectionSet !== undefined) collect(field.selectionSet, false);
          return false;
        },
      },
      Variable: (node) => void used.add(node.name.value),
      FragmentSpread(spread) {
        const key = `${isRoot} ${spread.name.value}`;
        const fragment = fragments.get(spread.name.value);
        if (fragment === undefined || seen.has(key)) return;
        seen.add(key);
        collect(fragment.selectionSet, isRoot);
      },
    });
  };

  collect(operation.selectionSet, true);
  return [...used].sort();
};

const withoutStreamArguments = (
  document: DocumentNode,
  operation: OperationDefinitionNode,
  used: ReadonlySet<string>,
): DocumentNode =>
  visit(document, {
    OperationDefinition: (node) => (node === operation ? undefined : null),
    VariableDefinition: (node) => (used.has(node.variable.name.value) ? undefined : null),
    Field: (node) => (node.name.value === rootFieldName ? { ...node, arguments: [] } : undefined),
  });

type OperationNotes = {
  readonly used: readonly string[];
  readonly document: DocumentNode;
  /** Whoever uses a plan keeps it: what it was compiled to is far larger than the document, and goes with the last of them. */
  readonly plans: Map<string, WeakRef<RenderPlan>>;
};

const notesOf = (prepared: PreparedDocument, operation: OperationDefinitionNode): OperationNotes => {
  const known = prepared.notes.get(operation) as OperationNotes | undefined;
  if (known !== undefined) return known;
  const used = usedVariables(prepared.document, operation);
  const document = withoutStreamArguments(prepared.document, operation, new Set(used));
  const notes = { used, document, plans: new Map<string, WeakRef<RenderPlan>>() };
  prepared.notes.set(operation, notes);
  return notes;
};

const keep = (notes: OperationNotes, key: string, plan: RenderPlan): void => {
  if (key.length > maxKeyLength) return;
  const [oldest] = notes.plans.keys();
  if (notes.plans.size >= maxPlansPerOperation && oldest !== undefined) notes.plans.delete(oldest);
  notes.plans.set(key, new WeakRef(plan));
};

/** The plan for an operation under `variables`, within the policy's `scope`; one object for all whose renderings are alike, as long as one of them has it and the document is known. */
export const planFor = (
  prepared: PreparedDocument,
  operation: OperationDefinitionNode,
  { variables, scope }: { readonly variables: Variables; readonly scope: string },
): RenderPlan => {
  const notes = notesOf(prepared, operation);
  const given = notes.used
    .filter((name) => Object.hasOwn(variables, name))
    .map((name) => [name, variables[name]] as const);
  const key = JSON.stringify([scope, given]);
  const known = notes.plans.get(key)?.deref();
  if (known !== undefined) return known;
  const plan = { document: notes.document, variables: Object.fromEntries(given) };
  keep(notes, key, plan);
  return plan;
};
