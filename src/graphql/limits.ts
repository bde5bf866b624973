import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';

/**
 * Limits that documents are held to before any work is done for them: sizes are counted with fragments spread out, each fragment once, so that
 * counting costs no more than the document's length.
 */

export type DocumentLimits = {
  /** Lexical tokens of one document. */
  readonly maxTokens: number;
  /** Fields below one another. Introspection of GraphiQL takes 15. */
  readonly maxDepth: number;
  readonly maxAliases: number;
  /** Root fields of one operation. */
  readonly maxRootFields: number;
  readonly maxDirectives: number;
  /** Fields of one operation. */
  readonly maxFields: number;
};

/** What holds where the deployer says nothing. */
export const defaultDocumentLimits: DocumentLimits = {
  maxTokens: 2_000,
  maxDepth: 16,
  maxAliases: 30,
  maxRootFields: 20,
  maxDirectives: 50,
  maxFields: 1_000,
};

/** Sizes of a selection set with its fragments spread out. */
type Size = {
  readonly depth: number;
  readonly fields: number;
  readonly roots: number;
  readonly aliases: number;
  readonly directives: number;
};

const nothing: Size = { depth: 0, fields: 0, roots: 0, aliases: 0, directives: 0 };

const add = (a: Size, b: Size): Size => ({
  depth: Math.max(a.depth, b.depth),
  fields: a.fields + b.fields,
  roots: a.roots + b.roots,
  aliases: a.aliases + b.aliases,
  directives: a.directives + b.directives,
});

/** Measures selection sets; the size of a fragment is taken once. A cycle counts as nothing: validation refuses it. */
const createMeter = (
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): { measure(set: SelectionSetNode): Size } => {
  const sizes = new Map<string, Size>();

  const fragmentSize = (name: string): Size => {
    const known = sizes.get(name);
    if (known !== undefined) return known;
    sizes.set(name, nothing);
    const fragment = fragments.get(name);
    const size = fragment === undefined ? nothing : measure(fragment.selectionSet);
    sizes.set(name, size);
    return size;
  };

  const fieldSize = (field: FieldNode): Size => {
    const below = field.selectionSet === undefined ? nothing : measure(field.selectionSet);
    const aliases = below.aliases + (field.alias === undefined ? 0 : 1);
    return { ...below, depth: below.depth + 1, fields: below.fields + 1, roots: 1, aliases };
  };

  const selectionSize = (selection: SelectionNode): Size => {
    if (selection.kind === Kind.FIELD) return fieldSize(selection);
    return selection.kind === Kind.FRAGMENT_SPREAD
      ? fragmentSize(selection.name.value)
      : measure(selection.selectionSet);
  };

  const measure = (set: SelectionSetNode): Size =>
    set.selections.reduce(
      (total, selection) =>
        add(add(total, { ...nothing, directives: selection.directives?.length ?? 0 }), selectionSize(selection)),
      nothing,
    );

  return { measure };
};

const excess = (size: Size, limits: DocumentLimits): string | null => {
  const checks: readonly (readonly [what: string, is: number, most: number])[] = [
    ['levels deep', size.depth, limits.maxDepth],
    ['fields', size.fields, limits.maxFields],
    ['root fields', size.roots, limits.maxRootFields],
    ['aliases', size.aliases, limits.maxAliases],
    ['directives', size.directives, limits.maxDirectives],
  ];
  const broken = checks.find(([, is, most]) => is > most);
  return broken === undefined ? null : `the operation has more than ${broken[2]} ${broken[0]}: ask for less at once`;
};

/** What of a parsed document is over the limits: one error per operation, empty when all is well. */
export const limitErrors = (document: DocumentNode, limits: DocumentLimits): readonly GraphQLError[] => {
  const fragments = new Map<string, FragmentDefinitionNode>();
  const operations: OperationDefinitionNode[] = [];
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
    if (definition.kind === Kind.OPERATION_DEFINITION) operations.push(definition);
  }
  const meter = createMeter(fragments);
  return operations.flatMap((operation) => {
    const size = meter.measure(operation.selectionSet);
    const own = { ...nothing, directives: operation.directives?.length ?? 0 };
    const message = excess(add(size, own), limits);
    if (message === null) return [];
    return [new GraphQLError(message, { nodes: operation, extensions: { code: 'BAD_USER_INPUT' } })];
  });
};
