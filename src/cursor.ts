import { createCipheriv, createDecipheriv, createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { crc32c } from './crc32c.ts';
import { GatewayError } from './errors.ts';
import type { NextOffset } from './event.ts';
import { VarintReader, VarintWriter } from './varint.ts';

/**
 * Cursors: positions as an opaque string. A cursor confers no rights and is bound to no user; its checksum is there to tell accidents from cursors,
 * and keys, where set, hide the volumes that offsets tell.
 *
 * Body: number of topics; per topic 8 bytes of fingerprint, number of partitions, leader epochs, next offsets. Numbers are varints.
 * Epochs are alike on most partitions: the commonest one comes once and the others as exceptions, or all of them above the lowest, whichever is fewer.
 * - form 1: `01 | body | CRC-32C of all before, 4 bytes`
 * - form 2: `02 | nonce, 12 bytes | body in AES-256-GCM | tag, 16 bytes`
 * A change of the body needs a new form; old ones stay readable for as long as logs keep records.
 */

/** Positions of one topic, identified by its fingerprint (16 hex digits). Index = partition. */
export type TopicPositions = { readonly fingerprint: string; readonly partitions: readonly (NextOffset | null)[] };

export type CursorCodec = {
  /** One string per position vector: equal positions give equal cursors, on every node with the same keys. */
  encode(positions: readonly TopicPositions[]): string;
  /** Null for anything that is not a cursor of ours, in any version. Never throws. */
  decode(cursor: string): readonly TopicPositions[] | null;
};

export type CursorOptions = {
  /** Secrets of at least 32 bytes: the first seals, all open. Empty: cursors are readable to who looks, and checksummed. */
  readonly keys: readonly string[];
};

/** Longer input is not looked at; enough for 2,000 partitions. */
const maxCursorLength = 16_384;
const minKeyBytes = 32;
const checksummed = 1;
const sealed = 2;
const checksumBytes = 4;
const nonceBytes = 12;
const tagBytes = 16;
const maxEpoch = 2 ** 31 - 1;
/** Instead of a number of exceptions: every epoch follows. */
const everyEpoch = 0;

const commonest = (epochs: readonly number[]): number => {
  const first = epochs[0] ?? -1;
  if (epochs.every((epoch) => epoch === first)) return first;
  const counts = new Map<number, number>();
  let best = first;
  for (const epoch of epochs) {
    const count = (counts.get(epoch) ?? 0) + 1;
    counts.set(epoch, count);
    if (count > (counts.get(best) ?? 0)) best = epoch;
  }
  return best;
};

/** Epochs are written plus one, since -1 is "unknown". */
const writeEpochs = (writer: VarintWriter, epochs: readonly number[]): void => {
  const common = commonest(epochs);
  const exceptions = epochs.flatMap((epoch, index) => (epoch === common ? [] : ([[index, epoch]] as const)));
  if (exceptions.length * 2 >= epochs.length && epochs.length > 1) {
    const lowest = Math.min(...epochs);
    writer.number(everyEpoch);
    writer.number(lowest + 1);
    for (const epoch of epochs) writer.number(epoch - lowest);
    return;
  }
  writer.number(exceptions.length + 1);
  writer.number(common + 1);
  for (const [index, epoch] of exceptions) {
    writer.number(index);
    writer.number(epoch + 1);
  }
};

const readEpochs = (reader: VarintReader, count: number): number[] => {
  const form = reader.number(count + 1);
  const base = reader.number(maxEpoch + 1) - 1;
  if (form === everyEpoch) return Array.from({ length: count }, () => base + reader.number(maxEpoch - base));
  const epochs = Array.from({ length: count }, () => base);
  for (let i = 1; i < form; i++) {
    const index = reader.number(count - 1);
    epochs[index] = reader.number(maxEpoch + 1) - 1;
  }
  return epochs;
};

const writeTopic = (writer: VarintWriter, { fingerprint, partitions }: TopicPositions): void => {
  if (!/^[0-9a-f]{16}$/.test(fingerprint))
    throw new Error(`the topic fingerprint "${fingerprint}" is not 16 hex digits`);
  writer.raw(Buffer.from(fingerprint, 'hex'));
  writer.number(partitions.length);
  if (partitions.length === 0) return;
  // A partition without a position goes with the crowd.
  const known = partitions.flatMap((each) => (each === null ? [] : [each.epoch]));
  const filler = commonest(known);
  writeEpochs(
    writer,
    partitions.map((each) => each?.epoch ?? filler),
  );
  for (const each of partitions) writer.bigint(each === null ? 0n : each.next + 1n);
};

const readTopic = (reader: VarintReader): TopicPositions => {
  const fingerprint = reader.raw(8).toString('hex');
  // Every partition takes a byte at least, so that a forged count cannot ask for memory.
  const count = reader.number(reader.left);
  const epochs = count === 0 ? [] : readEpochs(reader, count);
  const partitions = epochs.map((epoch) => {
    const next = reader.bigint();
    return next === 0n ? null : { next: next - 1n, epoch };
  });
  return { fingerprint, partitions };
};

const writeBody = (positions: readonly TopicPositions[]): Buffer => {
  const writer = new VarintWriter();
  writer.number(positions.length);
  for (const topic of positions) writeTopic(writer, topic);
  return writer.done();
};

const readBody = (body: Buffer): readonly TopicPositions[] | null => {
  const reader = new VarintReader(body);
  const count = reader.number(Math.floor(body.length / 9));
  const topics: TopicPositions[] = [];
  for (let i = 0; i < count && !reader.hasFailed; i++) topics.push(readTopic(reader));
  const isDistinct = new Set(topics.map((topic) => topic.fingerprint)).size === topics.length;
  return reader.hasFailed || reader.left > 0 || !isDistinct ? null : topics;
};

const addChecksum = (body: Buffer): Buffer => {
  const bytes = Buffer.allocUnsafe(1 + body.length + checksumBytes);
  bytes[0] = checksummed;
  body.copy(bytes, 1);
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, -checksumBytes)), bytes.length - checksumBytes);
  return bytes;
};

const checkedBody = (bytes: Buffer): Buffer | null => {
  if (bytes.length <= 1 + checksumBytes) return null;
  const end = bytes.length - checksumBytes;
  return crc32c(bytes.subarray(0, end)) === bytes.readUInt32LE(end) ? bytes.subarray(1, end) : null;
};

/** One key's sealing. The nonce is a keyed hash of the body, so that equal positions stay equal and no counter has to be shared between nodes. */
class Seal {
  readonly #key: KeyObject;
  readonly #nonceKey: KeyObject;

  constructor(secret: string) {
    if (Buffer.byteLength(secret) < minKeyBytes) {
      throw new GatewayError(
        'CONFIG_INVALID',
        `a cursor key has fewer than ${minKeyBytes} bytes: use longer random ones`,
      );
    }
    // Key objects: with raw keys OpenSSL sets each of them up anew, 55 us per cursor instead of 16.
    const derive = (use: string): KeyObject =>
      createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', `carillon cursor ${use}`, 32)));
    this.#key = derive('seal');
    this.#nonceKey = derive('nonce');
  }

  seal(body: Buffer): Buffer {
    const nonce = createHmac('sha256', this.#nonceKey).update(body).digest().subarray(0, nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce);
    const form = Buffer.of(sealed);
    cipher.setAAD(form);
    return Buffer.concat([form, nonce, cipher.update(body), cipher.final(), cipher.getAuthTag()]);
  }

  /** Null where another key sealed it, or none. */
  open(bytes: Buffer): Buffer | null {
    const end = bytes.length - tagBytes;
    if (end <= 1 + nonceBytes) return null;
    const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(1, 1 + nonceBytes), {
      authTagLength: tagBytes,
    });
    decipher.setAAD(bytes.subarray(0, 1));
    decipher.setAuthTag(bytes.subarray(end));
    try {
      return Buffer.concat([decipher.update(bytes.subarray(1 + nonceBytes, end)), decipher.final()]);
    } catch {
      return null;
    }
  }
}

const openedBody = (bytes: Buffer, seals: readonly Seal[]): Buffer | null => {
  for (const seal of seals) {
    const body = seal.open(bytes);
    if (body !== null) return body;
  }
  return null;
};

/** Exactly what was encoded: Node's decoder would pass over foreign characters and spare bits. */
const strictBytes = (cursor: string): Buffer | null => {
  if (cursor.length > maxCursorLength) return null;
  const bytes = Buffer.from(cursor, 'base64url');
  return bytes.toString('base64url') === cursor ? bytes : null;
};

/** Makes the codec. Throws CONFIG_INVALID on a key that is too short. */
export const createCursorCodec = ({ keys }: CursorOptions = { keys: [] }): CursorCodec => {
  const seals = keys.map((key) => new Seal(key));
  const [first] = seals;
  const bodyOf = (bytes: Buffer): Buffer | null => {
    if (bytes[0] === checksummed) return checkedBody(bytes);
    return bytes[0] === sealed ? openedBody(bytes, seals) : null;
  };
  return {
    encode(positions) {
      const body = writeBody(positions);
      return (first === undefined ? addChecksum(body) : first.seal(body)).toString('base64url');
    },
    decode(cursor) {
      const bytes = strictBytes(cursor);
      const body = bytes === null ? null : bodyOf(bytes);
      return body === null ? null : readBody(body);
    },
  };
};
