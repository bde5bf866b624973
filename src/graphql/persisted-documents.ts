import { GraphQLError } from 'graphql';
import { GatewayError } from '../errors.ts';

/** Documents that the deployer names beforehand: clients send their hash instead of the text, and may be held to these alone. */

export type PersistedOptions = {
  /** Text by SHA-256 in 64 lower-case hex digits; the hashes are right. */
  readonly documents: ReadonlyMap<string, string>;
  /** No other document runs, on any transport. */
  readonly isAllowList: boolean;
};

/** What holds where the deployer names none. */
export const noPersistedDocuments: PersistedOptions = { documents: new Map(), isAllowList: false };

export type PersistedDocuments<Prepared> = {
  readonly byHash: ReadonlyMap<string, Prepared>;
  readonly byText: ReadonlyMap<string, Prepared>;
};

type Prepare<Prepared> = (
  text: string,
) => { readonly ok: true; readonly prepared: Prepared } | { readonly ok: false; readonly errors: readonly Error[] };

/** Prepares all of them. Throws CONFIG_INVALID with a line for each that may not run. */
export const preparePersisted = <Prepared extends { readonly text: string }>(
  documents: ReadonlyMap<string, string>,
  prepare: Prepare<Prepared>,
): PersistedDocuments<Prepared> => {
  const byHash = new Map<string, Prepared>();
  const problems: string[] = [];
  for (const [hash, text] of documents) {
    const preparation = prepare(text);
    if (preparation.ok) byHash.set(hash, preparation.prepared);
    else for (const { message } of preparation.errors) problems.push(`${hash}: ${message}`);
  }
  if (problems.length > 0)
    throw new GatewayError(
      'CONFIG_INVALID',
      `CARILLON_PERSISTED_DOCUMENTS has documents that cannot run here: correct them, or make the file anew\n  ${problems.join('\n  ')}`,
    );
  return { byHash, byText: new Map([...byHash.values()].map((prepared) => [prepared.text, prepared])) };
};

/** The hash in an operation's `extensions`, as Apollo's persisted queries have it, with `sha256:` before or without; null where there is none. */
export const persistedHash = (extensions: unknown): string | null => {
  const { persistedQuery } = (extensions ?? {}) as {
    readonly persistedQuery?: { readonly sha256Hash?: unknown } | null;
  };
  const hash = persistedQuery?.sha256Hash;
  return typeof hash === 'string' ? hash.toLowerCase().replace(/^sha256:/, '') : null;
};

/** Stock clients look for this very message, and ask again with the text. */
export const hashUnknown = (): GraphQLError =>
  new GraphQLError('PersistedQueryNotFound', { extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } });

/** For a text that is not one of those allowed. */
export const documentNotAllowed = (): GraphQLError =>
  new GraphQLError('only documents that the operator has listed run here: send the hash of one of them', {
    extensions: { code: 'DOCUMENT_NOT_ALLOWED' },
  });
