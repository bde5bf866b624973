import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { GatewayError } from '../errors.ts';

/** The file of persisted documents at start: `{ "<SHA-256>": "<document>" }`, as GraphQL Code Generator writes it, with `sha256:` before or without. */

const refuse = (path: string, problem: string, cause?: unknown): GatewayError =>
  new GatewayError('CONFIG_INVALID', `CARILLON_PERSISTED_DOCUMENTS is ${path}, ${problem}`, { cause });

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

const readJson = (path: string): unknown => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw refuse(path, `which cannot be read: ${reasonOf(cause)}`, cause);
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw refuse(path, `which is not JSON: ${reasonOf(cause)}`, cause);
  }
};

const hashIn = (key: string): string => key.replace(/^sha256:/, '');

const problemOf = (key: string, text: unknown): string | null => {
  if (typeof text !== 'string') return `whose value of "${key}" is not text: map hashes to documents`;
  if (!/^[\da-f]{64}$/.test(hashIn(key)))
    return `whose key "${key}" is no SHA-256 in hex: set persistedDocuments: { hashAlgorithm: 'sha256' } for codegen`;
  return hash('sha256', text) === hashIn(key)
    ? null
    : `whose document "${key}" has another SHA-256: make the file anew`;
};

/** Reads them, by hash alone; none where `path` is null. Throws CONFIG_INVALID where the file is not what it should be. */
export const loadPersistedDocuments = (path: string | null): ReadonlyMap<string, string> => {
  if (path === null) return new Map();
  const value = readJson(path);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw refuse(path, 'which is not a JSON object: map hashes to documents');
  const documents = new Map<string, string>();
  for (const [key, text] of Object.entries(value as Readonly<Record<string, string>>)) {
    const problem = problemOf(key, text);
    if (problem !== null) throw refuse(path, problem);
    documents.set(hashIn(key), text);
  }
  return documents;
};
