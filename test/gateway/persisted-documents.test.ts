import { hash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { loadPersistedDocuments } from '../../src/gateway/persisted-documents.ts';
import { spawnGateway } from '../support/gateway.ts';

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task();
});

const folder = async (): Promise<string> => {
  const path = await mkdtemp(join(tmpdir(), 'carillon-documents-'));
  cleanUp.push(() => rm(path, { recursive: true, force: true }));
  return path;
};

const fileOf = async (text: string): Promise<string> => {
  const path = join(await folder(), 'persisted-documents.json');
  await writeFile(path, text);
  return path;
};

const document = 'query Q { viewer { userId } }';
const key = hash('sha256', document);

describe('the file of persisted documents', () => {
  it('maps SHA-256 to text; without one there are none', async () => {
    const path = await fileOf(JSON.stringify({ [key]: document }));
    expect([...loadPersistedDocuments(path)]).toEqual([[key, document]]);
    const prefixed = await fileOf(JSON.stringify({ [`sha256:${key}`]: document }));
    expect([...loadPersistedDocuments(prefixed)]).toEqual([[key, document]]);
    expect(loadPersistedDocuments(null).size).toBe(0);
  });

  it.each([
    ['[]', /not a JSON object/],
    ['{', /not JSON/],
    [`{"${key}":1}`, /is not text/],
    [`{"${hash('sha1', document)}":"${document}"}`, /no SHA-256 in hex: set persistedDocuments/],
    [`{"${key}":"${document} "}`, /has another SHA-256/],
  ])('is refused with what to do: %s', async (text, message) => {
    const path = await fileOf(text);
    expect(() => loadPersistedDocuments(path)).toThrow(message);
    expect(() => loadPersistedDocuments(path)).toThrow('CARILLON_PERSISTED_DOCUMENTS is ');
  });

  it('is refused where it is not there', () => {
    expect(() => loadPersistedDocuments('/nowhere/documents.json')).toThrow(/cannot be read/);
  });
});

describe('a gateway with persisted documents', () => {
  it.each([
    [
      'whose file has a document that cannot run',
      `{"${hash('sha256', '{ nothing }')}":"{ nothing }"}`,
      /cannot run here/,
    ],
    ['whose file is none', '{', /CARILLON_PERSISTED_DOCUMENTS is .*not JSON/],
  ])('%s ends its start with exit code 78', async (_, text, message) => {
    const { exited, output } = spawnGateway({
      CARILLON_DATA_DIR: await folder(),
      CARILLON_LOG: 'embedded',
      CARILLON_PERSISTED_DOCUMENTS: await fileOf(text),
    });
    expect(await exited).toBe(78);
    expect(output.join('\n')).toMatch(message);
  });

  it('whose allow-list has no documents ends its start with exit code 78', async () => {
    const { exited, output } = spawnGateway({ CARILLON_DATA_DIR: await folder(), CARILLON_ALLOW_LIST: 'true' });
    expect(await exited).toBe(78);
    expect(output.join('\n')).toMatch(/CARILLON_ALLOW_LIST is true but no documents are listed/);
  });
});
