import type { IHeaders, Message, Producer } from 'kafkajs';
import { GatewayError } from '../../src/errors.ts';
import { type NewRecord, partitionId, type RecordHeaders } from '../../src/event.ts';
import type { CreateAppender } from '../../src/kafka/appender.ts';
import type { AppendResult } from '../../src/log/event-log.ts';
import { partitionOf } from '../../src/log/murmur2.ts';

/**
 * The least appender that lets the reading side run the log's contract: one partition per send and one send in flight per
 * partition (kafkajs loses acknowledged records otherwise), no deadline, no outcome but its own.
 */

const maxSendBytes = 500_000;

/** kafkajs takes an object of names and would gather repeated ones; a list that maps to itself keeps the record's order. */
const orderedHeaders = (headers: RecordHeaders): IHeaders => {
  const list = headers.map(([, value]) => value);
  const pairs = headers.map(([key, value]) => ({ key, value }));
  return { ordered: Object.assign(list, { map: () => pairs }) };
};

const toMessage = (record: NewRecord, partition: number): Message => ({
  partition,
  key: record.key,
  value: record.value,
  headers: orderedHeaders(record.headers),
  ...(record.timestampMs === undefined ? {} : { timestamp: String(record.timestampMs) }),
});

type Indexed = { readonly index: number; readonly record: NewRecord };

/** Cuts what goes to one partition into sends that stay below the broker's limit. */
const sends = (list: readonly Indexed[]): readonly (readonly Indexed[])[] => {
  const result: Indexed[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const entry of list) {
    const size = (entry.record.key?.length ?? 0) + (entry.record.value?.length ?? 0);
    if (bytes + size > maxSendBytes) {
      result.push([]);
      bytes = 0;
    }
    bytes += size;
    result.at(-1)?.push(entry);
  }
  return result;
};

const failed = (message: string, outcome: 'not_written' | 'unknown'): AppendResult => ({
  ok: false,
  error: new GatewayError('LOG_UNAVAILABLE', message, { outcome }),
});

/** One send, as one result per record. */
const sendAll = async (
  producer: Producer,
  { topic, partition }: { topic: string; partition: number },
  list: readonly Indexed[],
): Promise<readonly AppendResult[]> => {
  const messages = list.map(({ record }) => toMessage(record, partition));
  try {
    const [answer] = await producer.send({ topic, acks: -1, messages });
    const base = BigInt(answer?.baseOffset ?? -1);
    const id = partitionId(topic, partition);
    return list.map((_, step) => ({ ok: true, position: { partition: id, offset: base + BigInt(step), epoch: -1 } }));
  } catch (error) {
    return list.map(() => failed(String(error), 'unknown'));
  }
};

/** Makes it. */
export const plainAppender: CreateAppender = ({ kafka, topic, partitionCount }) => {
  const byMessage = () => (args: { message: Message }) => args.message.partition ?? 0;
  const producer = kafka.producer({ allowAutoTopicCreation: false, createPartitioner: byMessage });
  const queues = new Map<number, Promise<unknown>>();
  let connecting: Promise<void> | null = null;

  const enqueue = (partition: number, list: readonly Indexed[]): Promise<readonly AppendResult[]> => {
    const turn = (queues.get(partition) ?? Promise.resolve()).then(async () => {
      connecting ??= producer.connect();
      await connecting;
      return sendAll(producer, { topic, partition }, list);
    });
    queues.set(partition, turn);
    return turn;
  };

  return {
    async append(records) {
      const count = partitionCount();
      const results: AppendResult[] = records.map(() => failed('there is no such partition', 'not_written'));
      const indexed = records.map((record, index) => ({ index, record }));
      const groups = Map.groupBy(
        indexed,
        ({ record: { key, partition } }) => partition ?? (key === null ? 0 : partitionOf(key, count)),
      );
      const known = [...groups].filter(([partition]) => partition < count);
      const work = known.flatMap(([partition, list]) =>
        sends(list).map(async (part) => {
          const answers = await enqueue(partition, part);
          for (const [step, answer] of answers.entries()) results[part[step]?.index ?? -1] = answer;
        }),
      );
      await Promise.all(work);
      return results;
    },
    async close() {
      await Promise.all(queues.values());
      if (connecting !== null) await producer.disconnect();
    },
  };
};
