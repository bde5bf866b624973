/** A protobuf message as it is on the wire: field number -> its values, in order. Enough to read OTLP without a schema compiler. */
export type Fields = ReadonlyMap<number, readonly (bigint | Buffer)[]>;

/** Reads the fields of one message. Throws on what is no protobuf. */
export const readFields = (bytes: Buffer): Fields => {
  const fields = new Map<number, (bigint | Buffer)[]>();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) break;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new Error('protobuf: a varint does not end');
  };
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new Error('protobuf: a field is longer than its message');
    at += length;
    return bytes.subarray(at - length, at);
  };
  const readers: Readonly<Record<number, () => bigint | Buffer>> = {
    0: varint,
    1: () => take(8).readBigUInt64LE(),
    2: () => take(Number(varint())),
    5: () => BigInt(take(4).readUInt32LE()),
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const read = readers[tag & 7];
    if (read === undefined) throw new Error(`protobuf: wire type ${tag & 7} is not known`);
    const values = fields.get(tag >>> 3) ?? [];
    values.push(read());
    fields.set(tag >>> 3, values);
  }
  return fields;
};

/** The sub-messages in field `number`. */
export const messages = (fields: Fields, number: number): readonly Fields[] =>
  (fields.get(number) ?? []).map((value) => readFields(value as Buffer));

/** The bytes in field `number`, empty where absent. */
export const bytes = (fields: Fields, number: number): Buffer =>
  (fields.get(number)?.at(-1) as Buffer | undefined) ?? Buffer.alloc(0);

/** The number in field `number`, 0 where absent. */
export const integer = (fields: Fields, number: number): bigint =>
  (fields.get(number)?.at(-1) as bigint | undefined) ?? 0n;

/** The text in field `number`, empty where absent. */
export const text = (fields: Fields, number: number): string => bytes(fields, number).toString('utf8');
