import type { BrokerAddress } from './broker-address.ts';
import type { RawRequest } from './raw-request.ts';
import { WireReader } from './wire-reader.ts';
import { WireWriter } from './wire-writer.ts';

/** One partition as the cluster describes it; `leader` is -1 while there is none. */
export type PartitionMetadata = {
  readonly index: number;
  readonly leader: number;
  readonly epoch: number;
  /** How many brokers hold it, and how many of them are up to date. */
  readonly replicas: number;
  readonly inSync: number;
};

/** One topic; `error` is Kafka's code (3 = it does not exist). `id` is 32 hex digits. */
export type TopicMetadata = {
  readonly name: string;
  readonly error: number;
  readonly id: string;
  /** By index. */
  readonly partitions: readonly PartitionMetadata[];
  /** What we may do with it, a bit for each AclOperation by its code; meaningful only where it was asked for. */
  readonly rights: number;
};

export type ClusterMetadata = {
  readonly brokers: ReadonlyMap<number, BrokerAddress>;
  readonly topics: readonly TopicMetadata[];
};

const anyId = '0'.repeat(32);

const readPartition = (reader: WireReader): PartitionMetadata => {
  reader.int16();
  const index = reader.int32();
  const leader = reader.int32();
  const epoch = reader.int32();
  const replicas = reader.compactArray(() => reader.int32()).length;
  const inSync = reader.compactArray(() => reader.int32()).length;
  reader.compactArray(() => reader.int32());
  reader.tags();
  return { index, leader, epoch, replicas, inSync };
};

const readTopic = (reader: WireReader): TopicMetadata => {
  const error = reader.int16();
  const name = reader.compactString();
  const id = reader.uuid();
  reader.boolean();
  const partitions = reader.compactArray(() => readPartition(reader)).sort((a, b) => a.index - b.index);
  const rights = reader.int32();
  reader.tags();
  return { name, error, id, partitions, rights };
};

const readMetadata = (payload: Buffer): ClusterMetadata => {
  const reader = new WireReader(payload);
  reader.tags();
  reader.int32();
  const brokers = reader.compactArray(() => {
    const id = reader.int32();
    const host = reader.compactString();
    const port = reader.int32();
    reader.compactString();
    reader.tags();
    return [id, { host, port }] as const;
  });
  reader.compactString();
  reader.int32();
  return { brokers: new Map(brokers), topics: reader.compactArray(() => readTopic(reader)) };
};

/** Metadata v10 (Kafka 2.8 and later; the first with topic ids): brokers, and `topics` by name. Creates no topic. */
export const metadataRequest = (
  topics: readonly string[],
  withRights: boolean = false,
): RawRequest<ClusterMetadata> => {
  const writer = new WireWriter().tags();
  writer.compactArray(topics, (name) => writer.uuid(anyId).compactString(name).tags());
  writer
    .int8(0)
    .int8(0)
    .int8(withRights ? 1 : 0)
    .tags();
  return { apiKey: 3, apiVersion: 10, apiName: 'Metadata', body: writer.bytes, decode: readMetadata };
};
