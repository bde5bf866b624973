import type { LogRecord, PartitionId, Position } from '../event.ts';
import { type LetterAddress, letterId } from './dead-letter.ts';
import type { EventLog, LogChunk } from './event-log.ts';

/** Reads the records of waiting letters again from the log where they stand. */

/** A position, with the address that its letter has. */
export type Wanted = { readonly position: Position; readonly address: LetterAddress };

/** The record, or why it is gone. */
export type FoundRecord = LogRecord | 'expired' | 'truncated' | 'recreated';

/** Positions that are no further apart are read in one go. */
const nearOffsets = 64n;

type Run = { readonly partition: PartitionId; readonly wanted: Wanted[] };

/** What stands at each wanted position, by letter id. Rejects when the log does not answer; incomplete once `signal` is aborted. */
export const readRecords = async (
  source: EventLog,
  wanted: readonly Wanted[],
  signal: AbortSignal,
): Promise<Map<string, FoundRecord>> => {
  const found = new Map<string, FoundRecord>();
  for (const run of runsOf(wanted)) {
    const atOffset = await readRun(source, run, signal);
    for (const { position, address } of run.wanted) {
      const record = isSame(source, address) ? (atOffset.get(position.offset) ?? 'truncated') : 'recreated';
      found.set(letterId(address), record);
    }
  }
  return found;
};

/** Whether the topic is still the one that the position was reported of. */
const isSame = (source: EventLog, { topic, fingerprint }: LetterAddress): boolean =>
  source.topology().topics.some((known) => known.name === topic && known.fingerprint === fingerprint);

const byPosition = ({ position: a }: Wanted, { position: b }: Wanted): number => {
  if (a.partition !== b.partition) return a.partition < b.partition ? -1 : 1;
  return a.offset < b.offset ? -1 : 1;
};

const runsOf = (wanted: readonly Wanted[]): Run[] => {
  const runs: Run[] = [];
  for (const one of [...wanted].sort(byPosition)) {
    const { partition, offset } = one.position;
    const run = runs.at(-1);
    const before = run?.wanted.at(-1)?.position.offset ?? offset;
    if (run?.partition === partition && offset - before <= nearOffsets) run.wanted.push(one);
    else runs.push({ partition, wanted: [one] });
  }
  return runs;
};

const readRun = async (source: EventLog, run: Run, signal: AbortSignal): Promise<Map<bigint, FoundRecord>> => {
  const found = new Map<bigint, FoundRecord>();
  const offsets = run.wanted.map(({ position }) => position.offset);
  const [from = 0n, last = 0n] = [offsets.at(0), offsets.at(-1)];
  for await (const chunk of source.read(run.partition, from, last + 1n, { signal })) {
    for (const [offset, record] of foundIn(chunk, offsets)) found.set(offset, record);
  }
  return found;
};

const foundIn = (chunk: LogChunk, offsets: readonly bigint[]): (readonly [bigint, FoundRecord])[] => {
  if (chunk.kind === 'gap') {
    const lost = offsets.filter((offset) => offset >= chunk.from && offset < chunk.to);
    return lost.map((offset) => [offset, 'expired'] as const);
  }
  const wanted = chunk.records.filter(({ offset }) => offsets.includes(offset));
  return wanted.map((record) => [record.offset, record] as const);
};
