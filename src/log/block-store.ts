import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { PartitionId } from '../event.ts';
import type { Logger } from '../telemetry/logger.ts';
import { BlockFile, type KeptBlock } from './block-file.ts';
import { type FolderLock, lockFolder } from './embedded-lock.ts';

/** Keeps in the data folder what a node has learnt about its log: whom stretches of it are for. Losing it costs time after a start, nothing else. */

export type BlockStoreOptions = {
  readonly dataDir: string;
  /** Offsets per block: those of another size are of no use. */
  readonly blockOffsets: number;
  /** Of each partition. */
  readonly maxBytes: number;
  readonly logger: Logger;
};

type Place = { readonly partition: PartitionId; readonly fingerprint: string };

/** No call throws or waits for the disk; the first failure is logged, and nothing is kept from there on. */
export type FolderBlockStore = {
  load(place: Place): Promise<readonly KeptBlock[]>;
  add(place: Place, block: KeptBlock): void;
  cut(place: Place, index: number): void;
  /** Resolves when what was added is written. */
  close(): Promise<void>;
};

/** How records are judged and filters are made: blocks that were made otherwise are of no use. */
const judgement = 2;

/** Opens `<dataDir>/blocks`. Where the folder cannot be had (another process on this machine has it, it is read-only), nothing is kept, and the log says so. */
export const openBlockStore = (options: BlockStoreOptions): FolderBlockStore => new OpenBlockStore(options);

class OpenBlockStore implements FolderBlockStore {
  readonly #options: BlockStoreOptions;
  readonly #folder: string;
  readonly #files = new Map<string, BlockFile>();
  #lock: FolderLock | null = null;
  #isGivenUp = false;

  constructor(options: BlockStoreOptions) {
    this.#options = options;
    this.#folder = join(options.dataDir, 'blocks');
    try {
      this.#lock = lockFolder(this.#folder);
    } catch (cause) {
      this.#giveUp(cause);
    }
  }

  async load(place: Place): Promise<readonly KeptBlock[]> {
    const file = this.#file(place);
    if (file === null) return [];
    try {
      await this.#forgetOthers(place);
      return await file.load();
    } catch (cause) {
      this.#giveUp(cause);
      return [];
    }
  }

  add(place: Place, block: KeptBlock): void {
    this.#file(place)
      ?.add(block)
      .catch((cause: unknown) => this.#giveUp(cause));
  }

  cut(place: Place, index: number): void {
    this.#file(place)
      ?.cut(index)
      .catch((cause: unknown) => this.#giveUp(cause));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#files.values()].map((file) => file.settled()));
    this.#lock?.release();
    this.#lock = null;
  }

  #file(place: Place): BlockFile | null {
    if (this.#lock === null || place.fingerprint === '') return null;
    const name = this.#name(place);
    const known = this.#files.get(name);
    if (known !== undefined) return known;
    const made = new BlockFile(join(this.#folder, name), this.#options.maxBytes);
    this.#files.set(name, made);
    return made;
  }

  #prefix({ partition }: Place): string {
    return `${encodeURIComponent(partition)}.`;
  }

  #name(place: Place): string {
    return `${this.#prefix(place)}${place.fingerprint}.${this.#options.blockOffsets}.v${judgement}`;
  }

  /** Files about a topic that was under this name before. */
  async #forgetOthers(place: Place): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const [prefix, own] = [this.#prefix(place), this.#name(place)];
    const others = (await readdir(this.#folder)).filter((name) => name.startsWith(prefix) && name !== own);
    for (const name of others) await rm(join(this.#folder, name), { force: true });
  }

  #giveUp(cause: unknown): void {
    if (this.#isGivenUp) return;
    this.#isGivenUp = true;
    this.#files.clear();
    this.#lock?.release();
    this.#lock = null;
    const what =
      'what is learnt about the log is not kept across restarts: those who come back after one may wait longer';
    this.#options.logger.warn(what, { folder: this.#folder, error: (cause as Error).message });
  }
}
