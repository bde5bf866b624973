import type { RawRequest } from './raw-request.ts';
import { WireReader } from './wire-reader.ts';
import { WireWriter } from './wire-writer.ts';

/** What the leader says of one partition; `error` is Kafka's code, 0 = none. */
export type OffsetAnswer = { readonly index: number; readonly error: number; readonly offset: bigint };

/** The last offset of an epoch + 1; epoch -1 and offset -1 where the leader does not know the epoch. */
export type EpochEnd = OffsetAnswer & { readonly epoch: number };

/** Which end of a partition to ask for: `start`, `end` (of what every reader may see), `stable` (of decided transactions). */
export type OffsetKind = 'start' | 'end' | 'stable';

/** ListOffsets v5, to the partitions' leader. */
export const listOffsetsRequest = (
  topic: string,
  indexes: readonly number[],
  kind: OffsetKind,
): RawRequest<readonly OffsetAnswer[]> => {
  const writer = new WireWriter().int32(-1).int8(kind === 'stable' ? 1 : 0);
  writer.array([topic], (name) => {
    writer.string(name).array(indexes, (index) =>
      writer
        .int32(index)
        .int32(-1)
        .int64(kind === 'start' ? -2n : -1n),
    );
  });
  const decode = (payload: Buffer): readonly OffsetAnswer[] => {
    const reader = new WireReader(payload);
    reader.int32();
    return reader
      .array(() => {
        reader.string();
        return reader.array(() => {
          const [index, error] = [reader.int32(), reader.int16()];
          reader.int64();
          const offset = reader.int64();
          reader.int32();
          return { index, error, offset };
        });
      })
      .flat();
  };
  return { apiKey: 2, apiVersion: 5, apiName: 'ListOffsets', body: writer.bytes, decode };
};

/** OffsetForLeaderEpoch v3 (KIP-320), to the partitions' leader: where the epoch of each given partition ended. */
export const epochEndRequest = (
  topic: string,
  epochs: ReadonlyMap<number, number>,
): RawRequest<readonly EpochEnd[]> => {
  const writer = new WireWriter().int32(-2);
  writer.array([topic], (name) => {
    writer.string(name).array([...epochs], ([index, epoch]) => writer.int32(index).int32(-1).int32(epoch));
  });
  const decode = (payload: Buffer): readonly EpochEnd[] => {
    const reader = new WireReader(payload);
    reader.int32();
    return reader
      .array(() => {
        reader.string();
        return reader.array(() => {
          const [error, index, epoch] = [reader.int16(), reader.int32(), reader.int32()];
          return { index, error, epoch, offset: reader.int64() };
        });
      })
      .flat();
  };
  return { apiKey: 23, apiVersion: 3, apiName: 'OffsetForLeaderEpoch', body: writer.bytes, decode };
};
