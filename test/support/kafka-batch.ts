import { WireWriter } from '../../src/kafka/wire-writer.ts';

/** A record batch to be made: format v2, one record per value, offsets from `base` on. */
export type BatchSketch = {
  readonly base: number;
  readonly values: readonly string[];
  /** Of each record. @default none */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly epoch?: number;
  /** Number in the attributes; the records are written as they are. */
  readonly codec?: number;
  readonly magic?: number;
  readonly producerId?: number;
  readonly isTransactional?: boolean;
  /** A control batch: `abort` or `commit` marker instead of values. */
  readonly marker?: 'abort' | 'commit';
};

const varint = (writer: WireWriter, value: number): WireWriter => writer.uvarint(((value << 1) ^ (value >> 31)) >>> 0);

type RecordSketch = { readonly key: Buffer | null; readonly value: Buffer; readonly headers?: BatchSketch['headers'] };

const recordBytes = (offsetDelta: number, { key, value, headers = [] }: RecordSketch): Buffer => {
  const body = new WireWriter().int8(0);
  varint(varint(body, 0), offsetDelta);
  varint(body, key?.length ?? -1).raw(key ?? Buffer.alloc(0));
  varint(body, value.length).raw(value);
  varint(body, headers.length);
  for (const bytes of headers.flat().map((text) => Buffer.from(text))) varint(body, bytes.length).raw(bytes);
  return Buffer.concat([Buffer.from(varint(new WireWriter(), body.bytes.length).bytes), body.bytes]);
};

const records = ({ marker, values, headers = [] }: BatchSketch): readonly Buffer[] => {
  if (marker === undefined) {
    return values.map((value, index) => recordBytes(index, { key: null, value: Buffer.from(value), headers }));
  }
  return [recordBytes(0, { key: Buffer.from([0, 0, 0, marker === 'abort' ? 0 : 1]), value: Buffer.alloc(6) })];
};

/** The bytes of a batch, as a fetch brings them. The checksum is not filled in. */
export const batchBytes = (sketch: BatchSketch): Buffer => {
  const list = records(sketch);
  const isControl = sketch.marker !== undefined;
  const attributes =
    (sketch.codec ?? 0) | (sketch.isTransactional === true || isControl ? 0x10 : 0) | (isControl ? 0x20 : 0);
  const rest = new WireWriter()
    .int32(sketch.epoch ?? 0)
    .int8(sketch.magic ?? 2)
    .int32(0)
    .int16(attributes);
  rest
    .int32(list.length - 1)
    .int64(1_000n)
    .int64(1_000n)
    .int64(BigInt(sketch.producerId ?? -1))
    .int16(0)
    .int32(0);
  rest.int32(list.length);
  for (const record of list) rest.raw(record);
  return Buffer.concat([new WireWriter().int64(BigInt(sketch.base)).int32(rest.bytes.length).bytes, rest.bytes]);
};
