import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  NoSchemaIntrospectionCustomRule,
  type OperationDefinitionNode,
  parse,
  specifiedRules,
  type ValidationRule,
  validate,
} from 'graphql';
import { errorAt } from './graphql-errors.ts';
import { type DocumentLimits, limitErrors } from './limits.ts';
import {
  documentNotAllowed,
  hashUnknown,
  noPersistedDocuments,
  type PersistedOptions,
  preparePersisted,
} from './persisted-documents.ts';

/**
 * The one way from text to a document that may run, for every transport: parse, limit, validate, once per text. Also keeps what is prepared per
 * document (render plans), so that it goes when the document goes.
 */

/** A document that passed. Shared: never changed. */
export type PreparedDocument = {
  readonly text: string;
  readonly document: DocumentNode;
  readonly operations: readonly OperationDefinitionNode[];
  /** What users of documents keep with them, by their own key; lives as long as the document is known. */
  readonly notes: Map<unknown, unknown>;
};

export type Preparation =
  | { readonly ok: true; readonly prepared: PreparedDocument }
  | { readonly ok: false; readonly errors: readonly GraphQLError[] };

export type Documents = {
  /**
   * Prepares what an operation asks for: the persisted document of that hash, else the text. Never throws; failures are not kept, so that they cannot
   * crowd out what passed.
   */
  prepare(text: string, sha256Hash?: string | null): Preparation;
  /** The text of the persisted document with that hash; null where there is none. */
  persisted(sha256Hash: string): string | null;
  /** What `prepare` gave for a document of its own; null for foreign ones. */
  find(document: DocumentNode): PreparedDocument | null;
  /** How many documents are kept, without the persisted ones. */
  readonly size: number;
};

export type DocumentsOptions = {
  readonly schema: GraphQLSchema;
  readonly limits: DocumentLimits;
  readonly isIntrospectionEnabled: boolean;
  /** Documents kept, the least recently used go first. @default 1_000 */
  readonly maxDocuments?: number;
  /** Characters of all kept documents. @default 4_194_304 // 4 MiB */
  readonly maxCharacters?: number;
  /** Kept for good. @default none */
  readonly persisted?: PersistedOptions;
};

const maxErrors = 20;

const conditionalRoot =
  'the root field of a subscription cannot depend on a variable: put @skip and @include on what is selected below it';

/** Suggestions would spell out the schema to who may not see it. */
const withoutSuggestion = (message: string): string => message.replace(/ Did you mean .*$/s, '');

const parseError = (error: unknown, limits: DocumentLimits): GraphQLError => {
  if (!(error instanceof GraphQLError)) throw error;
  if (!/token limit|more that? \d+ tokens/i.test(error.message))
    return errorAt(error, error.message, { code: 'GRAPHQL_PARSE_FAILED' });
  const message = `the document has more than ${limits.maxTokens} tokens: ask for less at once`;
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } });
};

const isOperation = (definition: DocumentNode['definitions'][number]): definition is OperationDefinitionNode =>
  definition.kind === Kind.OPERATION_DEFINITION;

/** Creates the pipeline with its bounded memory. Throws CONFIG_INVALID where a persisted document may not run. */
export const createDocuments = (options: DocumentsOptions): Documents => {
  const { schema, limits, isIntrospectionEnabled, maxDocuments = 1_000, maxCharacters = 4_194_304 } = options;
  const { documents: named, isAllowList } = options.persisted ?? noPersistedDocuments;
  const rules: readonly ValidationRule[] = isIntrospectionEnabled
    ? specifiedRules
    : [...specifiedRules, NoSchemaIntrospectionCustomRule];
  const byText = new Map<string, PreparedDocument>();
  const byDocument = new WeakMap<DocumentNode, PreparedDocument>();
  let characters = 0;

  const forget = (text: string): void => {
    if (byText.delete(text)) characters -= text.length;
  };

  const keep = (text: string, prepared: PreparedDocument): void => {
    byText.set(text, prepared);
    characters += text.length;
    for (const oldest of byText.keys()) {
      if (byText.size <= maxDocuments && characters <= maxCharacters) return;
      forget(oldest);
    }
  };

  /** graphql-js looks for a subscription's root field without variables, and throws where @skip or @include of it needs one. */
  const validated = (document: DocumentNode): readonly GraphQLError[] => {
    try {
      return validate(schema, document, rules, { maxErrors });
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      return [errorAt(error, conditionalRoot, {})];
    }
  };

  const check = (document: DocumentNode): readonly GraphQLError[] => {
    const overLimits = limitErrors(document, limits);
    if (overLimits.length > 0) return overLimits;
    return validated(document).map((error) => {
      const message = isIntrospectionEnabled ? error.message : withoutSuggestion(error.message);
      return errorAt(error, message, { code: 'GRAPHQL_VALIDATION_FAILED' });
    });
  };

  const read = (text: string): Preparation => {
    let document: DocumentNode;
    try {
      document = parse(text, { maxTokens: limits.maxTokens });
    } catch (error) {
      return { ok: false, errors: [parseError(error, limits)] };
    }
    const errors = check(document);
    if (errors.length > 0) return { ok: false, errors };
    const prepared = { text, document, operations: document.definitions.filter(isOperation), notes: new Map() };
    byDocument.set(document, prepared);
    return { ok: true, prepared };
  };

  const persisted = preparePersisted(named, read);

  const prepareText = (text: string): Preparation => {
    const known = byText.get(text);
    const preparation: Preparation = known === undefined ? read(text) : { ok: true, prepared: known };
    // The least recently used stands first.
    forget(text);
    if (preparation.ok) keep(text, preparation.prepared);
    return preparation;
  };

  return {
    prepare(text, sha256Hash = null) {
      const ofHash = sha256Hash === null ? undefined : persisted.byHash.get(sha256Hash);
      const prepared = ofHash ?? persisted.byText.get(text);
      if (prepared !== undefined) return { ok: true, prepared };
      if (sha256Hash !== null && text === '') return { ok: false, errors: [hashUnknown()] };
      return isAllowList ? { ok: false, errors: [documentNotAllowed()] } : prepareText(text);
    },
    persisted: (sha256Hash) => persisted.byHash.get(sha256Hash)?.text ?? null,
    find: (document) => byDocument.get(document) ?? null,
    get size() {
      return byText.size;
    },
  };
};

/** The operation that `name` picks; empty and null are the same as absent. An error says what would have been right. */
export const pickOperation = (
  prepared: PreparedDocument,
  name: string | null | undefined,
): OperationDefinitionNode | GraphQLError => {
  const { operations } = prepared;
  const bad = (message: string): GraphQLError =>
    new GraphQLError(message, { extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } });
  if (name === null || name === undefined || name === '') {
    const [only] = operations;
    if (only === undefined) return bad('the document has no operation');
    return operations.length === 1
      ? only
      : bad('the document has several operations: set operationName to one of them');
  }
  const picked = operations.find((operation) => operation.name?.value === name);
  const shown = name.length > 64 ? `${name.slice(0, 64)}…` : name;
  return picked ?? bad(`the document has no operation named "${shown}"`);
};
