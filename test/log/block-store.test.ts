import { appendFile, mkdir, readdir, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { partitionId } from '../../src/event.ts';
import type { KeptBlock } from '../../src/log/block-file.ts';
import { type FolderBlockStore, openBlockStore } from '../../src/log/block-store.ts';
import type { Logger } from '../../src/telemetry/logger.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { scratchFolder } from '../support/gateway.ts';

const place = { partition: partitionId('a/b topic', 3), fingerprint: 'f1' };

const block = (index: number, more: Partial<KeptBlock> = {}): KeptBlock => ({
  index,
  epoch: 7,
  bits: Uint8Array.from({ length: 30 }, (_, n) => (n * 37 + index) & 255),
  duplicates: [1, 1_023],
  ...more,
});

describe('blocks in the data folder', () => {
  let folder: Awaited<ReturnType<typeof scratchFolder>>;
  beforeEach(async () => {
    folder = await scratchFolder();
  });
  afterEach(() => folder.remove());

  const open = (more: { blockOffsets?: number; maxBytes?: number; logger?: Logger } = {}): FolderBlockStore =>
    openBlockStore({ dataDir: folder.path, blockOffsets: 1_024, maxBytes: 1e6, logger: silentLogger, ...more });

  const reopened = async (store: FolderBlockStore, more: Parameters<typeof open>[0] = {}) => {
    await store.close();
    const next = open(more);
    return { next, kept: await next.load(place) };
  };

  const onlyFile = async (): Promise<string> => {
    const [name] = (await readdir(join(folder.path, 'blocks'))).filter((each) => each.startsWith('a'));
    return join(folder.path, 'blocks', name ?? '');
  };

  it('come back as they were', async () => {
    const store = open();
    expect(await store.load(place)).toEqual([]);
    const all = [block(0), block(1, { epoch: -1, duplicates: [] }), block(2, { bits: new Uint8Array() })];
    for (const each of all) store.add(place, each);
    const { next, kept } = await reopened(store);
    expect(kept).toEqual(all);
    await next.close();
  });

  it('come back without those that became void, and with what was made since', async () => {
    const store = open();
    for (const index of [0, 1, 2, 3]) store.add(place, block(index));
    store.cut(place, 2);
    store.add(place, block(2, { epoch: 9 }));
    const { next, kept } = await reopened(store);
    expect(kept).toEqual([block(0), block(1), block(2, { epoch: 9 })]);
    await next.close();
  });

  it('lose what a crash left half written, and nothing before it; what is added later is found', async () => {
    const store = open();
    for (const index of [0, 1, 2]) store.add(place, block(index));
    await store.close();
    await truncate(await onlyFile(), (await stat(await onlyFile())).size - 5);
    const second = open();
    expect(await second.load(place)).toEqual([block(0), block(1)]);
    second.add(place, block(5));
    const { next, kept } = await reopened(second);
    expect(kept).toEqual([block(0), block(1), block(5)]);
    await next.close();
  });

  it('end where bytes are not what was written', async () => {
    const store = open();
    store.add(place, block(0));
    await store.close();
    await appendFile(await onlyFile(), Buffer.alloc(200, 0x5a));
    const { next, kept } = await reopened(open());
    expect(kept).toEqual([block(0)]);
    await next.close();
  });

  it('are of no use for another topic of the name, or another size: those are removed', async () => {
    const store = open();
    store.add(place, block(0));
    await store.close();
    const other = open();
    expect(await other.load({ ...place, fingerprint: 'f2' })).toEqual([]);
    const { next, kept } = await reopened(other);
    expect(kept).toEqual([]);
    await next.close();
  });

  it('do not grow without bound: the newest are kept', async () => {
    const store = open({ maxBytes: 10_000 });
    for (let index = 0; index < 2_000; index++) store.add(place, block(index));
    await store.close();
    expect((await stat(await onlyFile())).size).toBeLessThanOrEqual(20_000);
    const { next, kept } = await reopened(open(), { maxBytes: 10_000 });
    expect(kept.at(-1)).toEqual(block(1_999));
    expect(kept.length).toBeGreaterThan(100);
    await next.close();
  });

  it('are not kept by a second process in the same folder, nor where it cannot be written; the log says so once', async () => {
    const warnings: string[] = [];
    const logger: Logger = { ...silentLogger, warn: (message) => void warnings.push(message) };
    const first = open();
    const second = open({ logger });
    second.add(place, block(0));
    expect(await second.load(place)).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining('not kept across restarts')]);
    await first.close();
    await mkdir(join(folder.path, 'other'));
    await writeFile(join(folder.path, 'other', 'blocks'), '');
    const third = openBlockStore({ dataDir: join(folder.path, 'other'), blockOffsets: 1, maxBytes: 1, logger });
    third.add(place, block(0));
    expect(await third.load(place)).toEqual([]);
    expect(warnings.length).toBe(2);
    await third.close();
  });
});
