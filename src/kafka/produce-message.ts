import type { IHeaders, Message } from 'kafkajs';
import type { NewRecord, RecordHeaders } from '../event.ts';

/** Bytes of a record batch around its records (message format v2). */
export const batchOverheadBytes = 61;
/** Attributes, lengths, deltas and counts of one record, at their longest. */
const recordOverheadBytes = 40;
const headerOverheadBytes = 10;

/** Size of a record in its batch, never less than it will be. */
export const recordBytes = ({ key, value, headers }: NewRecord): number => {
  const headerBytes = headers.reduce(
    (sum, [name, content]) => sum + headerOverheadBytes + Buffer.byteLength(name) + content.length,
    0,
  );
  return recordOverheadBytes + (key?.length ?? 0) + (value?.length ?? 0) + headerBytes;
};

/**
 * kafkajs takes an object of names, which loses the order of repeated ones and the name `__proto__`: it maps each value that is a list to
 * its pairs, so a list that maps to ours keeps all as it is.
 */
const orderedHeaders = (headers: RecordHeaders): IHeaders => {
  const pairs = headers.map(([key, value]) => ({ key, value }));
  const list = headers.map(([, value]) => value);
  return { ordered: Object.assign(list, { map: () => pairs }) };
};

/** A record as kafkajs sends it, on the partition that is named. */
export const toMessage = (record: NewRecord, partition: number): Message => ({
  partition,
  key: record.key,
  value: record.value,
  headers: orderedHeaders(record.headers),
  ...(record.timestampMs === undefined ? {} : { timestamp: String(record.timestampMs) }),
});
