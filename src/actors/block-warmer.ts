import type { LogRecord, OpenRecord, PartitionId } from '../event.ts';
import type { EventLog, LogChunk } from '../log/event-log.ts';
import { type Block, BlockBuilder } from './block.ts';
import type { Blocks } from './blocks.ts';
import { DuplicateWindow, duplicateWindowOffsets } from './duplicate-window.ts';
import { openEntry } from './entry.ts';
import { partitionsOf } from './tail.ts';

/**
 * Completes what the node knows of the log after a start: from what was kept before, then by reading, in the background and newest first. That is slow
 * on purpose, since nobody waits for it: at most a fifth of the time goes into looking at records. Waiting for the log is nobody's time.
 */

export type BlockWarmerDeps = {
  readonly log: EventLog;
  readonly open: OpenRecord;
  readonly blocks: Blocks;
  /** Older records are not replayed, so nobody asks. */
  readonly maxAgeMs: number;
  /** Wall clock, milliseconds since 1970. */
  now(): number;
  /** Monotonic milliseconds. */
  monotonic(): number;
  /** Resolves after `ms`, or when `signal` aborts. */
  pause(ms: number): Promise<void>;
  readonly signal: AbortSignal;
};

/** Offsets that are read together: what comes before them has to be read each time anew. */
const offsetsAtOnce = 32_768n;
const share = 5;
const turnMs = 5;
const retryMs = 1_000;

type Range = { readonly partition: PartitionId; readonly from: bigint; readonly to: bigint };

/**
 * Takes over what was kept before, as far as the log still has it as it was. Before anything is read: what is made anew must not vouch for what was
 * there before it. Never rejects: it tries again where the log does not answer, until `signal` aborts.
 */
export const adoptKeptBlocks = async (deps: BlockWarmerDeps): Promise<void> => {
  const partitions = deps.log.topology().topics.flatMap(partitionsOf);
  for (const partition of partitions) await untilDone(deps, () => adoptKept(deps, partition));
};

/** Runs until everything is known that may be asked for, or `signal` aborts. Never rejects, as above. */
export const warmBlocks = async (deps: BlockWarmerDeps): Promise<void> => {
  const ranges = await untilDone(deps, () => deps.log.offsets());
  for (const [partition, { start, end }] of ranges ?? []) {
    await untilDone(deps, () => warmPartition(deps, { partition, from: start, to: end }));
  }
};

/** Null once `signal` aborts. */
const untilDone = async <Result>(
  { pause, signal }: BlockWarmerDeps,
  task: () => Promise<Result>,
): Promise<Result | null> => {
  while (!signal.aborted) {
    try {
      return await task();
    } catch {
      await pause(retryMs);
    }
  }
  return null;
};

/**
 * Blocks from before are as good as the log says of the end of the newest: what it still has as it was, it has before it too. The rest goes for good:
 * else what is added later would vouch for it at the next start.
 */
const adoptKept = async ({ log, blocks }: BlockWarmerDeps, partition: PartitionId): Promise<void> => {
  const kept = [...(await blocks.load(partition))].sort((a, b) => a.index - b.index);
  const proven = await provenEnd(
    log,
    { partition, size: blocks.size },
    kept.findLast(({ epoch }) => epoch >= 0),
  );
  const good = kept.filter(({ index }) => index < proven);
  for (const block of good) blocks.adopt(partition, block, true);
  if (good.length < kept.length) blocks.truncate(partition, BigInt(proven) * BigInt(blocks.size));
};

/** Blocks below that index stand for what the log has. */
const provenEnd = async (
  log: EventLog,
  { partition, size }: { readonly partition: PartitionId; readonly size: number },
  newest: Block | undefined,
): Promise<number> => {
  if (newest === undefined) return 0;
  const end = newest.index + 1;
  const position = { next: BigInt(end) * BigInt(size), epoch: newest.epoch };
  const verdict = (await log.check(new Map([[partition, position]]))).get(partition);
  return verdict === 'valid' || verdict === 'expired' ? end : 0;
};

const warmPartition = async (deps: BlockWarmerDeps, { partition, from, to }: Range): Promise<void> => {
  const { blocks, signal } = deps;
  const size = BigInt(blocks.size);
  const first = (from + size - 1n) / size;
  for (let last = to / size - 1n; last >= first && !signal.aborted && !blocks.isFull; ) {
    if (blocks.isKnown(partition, last * size)) {
      last -= 1n;
      continue;
    }
    const least = last - offsetsAtOnce / size + 1n;
    let begin = last;
    while (begin > first && begin > least && !blocks.isKnown(partition, (begin - 1n) * size)) begin -= 1n;
    if (!(await readBlocks(deps, { partition, from: begin * size, to: (last + 1n) * size }))) return;
    last = begin - 1n;
  }
};

/** False where there is no use in going on: what lies there is older than anybody may ask for, or is not what it was. */
const readBlocks = async (deps: BlockWarmerDeps, range: Range): Promise<boolean> => {
  const { log, blocks, signal } = deps;
  const { partition, from, to } = range;
  const version = blocks.version(partition);
  const reading = new Reading(deps, range);
  const start = from > BigInt(duplicateWindowOffsets) ? from - BigInt(duplicateWindowOffsets) : 0n;
  for await (const chunk of log.read(partition, start, to, { signal })) {
    if (!(await reading.take(chunk)) || signal.aborted) return false;
  }
  if (blocks.version(partition) !== version) return false;
  for (const block of reading.made) blocks.adopt(partition, block, false);
  return reading.newestMs >= deps.now() - deps.maxAgeMs;
};

const nobodys = { audience: null, isDuplicate: false };

class Reading {
  readonly made: Block[] = [];
  /** When the newest record was written; now where there was none. */
  newestMs: number;
  readonly #deps: BlockWarmerDeps;
  readonly #from: bigint;
  readonly #builder: BlockBuilder;
  readonly #window = new DuplicateWindow();
  /** Worked since the last rest, in chunks before this one. */
  #workedMs = 0;

  constructor(deps: BlockWarmerDeps, { from }: Range) {
    this.#deps = deps;
    this.#from = from;
    this.newestMs = deps.now();
    this.#builder = new BlockBuilder(deps.blocks.size, from, (block) => this.made.push(block));
  }

  /** False where the log is not what it was. */
  async take(chunk: LogChunk): Promise<boolean> {
    if (chunk.kind === 'gap') return chunk.reason === 'EXPIRED' && chunk.to <= this.#from;
    let begunAtMs = this.#deps.monotonic() - this.#workedMs;
    for (const record of chunk.records) {
      const workedMs = this.#deps.monotonic() - begunAtMs;
      if (workedMs >= turnMs) {
        await this.#deps.pause((share - 1) * workedMs);
        begunAtMs = this.#deps.monotonic();
      }
      this.#take(record);
    }
    this.#workedMs = this.#deps.monotonic() - begunAtMs;
    this.#builder.advance(chunk.next.next, chunk.next.epoch);
    return true;
  }

  /** A bug of ours in one record makes it nothing, here as wherever it is read. */
  #take(record: LogRecord): void {
    this.newestMs = record.timestampMs;
    try {
      this.#builder.note(
        record,
        openEntry(record, this.#deps.open, (key, at) => this.#window.note(key, at)) ?? nobodys,
      );
    } catch {
      this.#builder.note(record, nobodys);
    }
  }
}
