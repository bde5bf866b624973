import { setTimeout as delay } from 'node:timers/promises';
import { type Consumer, Kafka, type KafkaMessage, logLevel } from 'kafkajs';
import { patient } from './cluster.ts';
import type { Audience, Scribe } from './history.ts';

/**
 * What stands in the log, read by a plain kafkajs consumer that sees committed records only. One reader follows from the start, so that records are known
 * that are deleted later; a fresh one reads everything once more at the end. Records that both read are written down twice, which is harmless.
 */
export type LogReader = {
  /** Titles read so far. */
  readonly titles: ReadonlySet<string>;
  close(): Promise<void>;
};

type Source = { readonly brokers: readonly string[]; readonly topic: string; readonly era: number };

const text = (value: unknown): string | null => (value === undefined || value === null ? null : String(value));

const audienceOf = ({ headers, key }: KafkaMessage): Audience => {
  const subject = text(headers?.['ce_subject']);
  switch (text(headers?.['ce_audience'])) {
    case 'everyone':
      return { everyone: true };
    case 'topic':
      return { topic: subject ?? '' };
    default:
      return { users: [subject ?? text(key) ?? ''] };
  }
};

const titleOf = ({ value }: KafkaMessage): string => {
  const content = JSON.parse(String(value)) as { title: unknown; unfit?: string };
  return content.unfit ?? String(content.title);
};

let readers = 0;

/** Starts a reader at the beginning of every partition. Rejects when the cluster does not let it in. */
export const startLogReader = async ({ brokers, topic, era }: Source, scribe: Scribe): Promise<LogReader> => {
  const kafka = new Kafka({ clientId: 'chaos-reader', brokers: [...brokers], logLevel: logLevel.NOTHING, ...patient });
  const consumer: Consumer = kafka.consumer({
    groupId: `${topic}-reader-${readers++}`,
    sessionTimeout: 8_000,
    rebalanceTimeout: 8_000,
    heartbeatInterval: 1_000,
    maxWaitTimeInMs: 300,
    metadataMaxAge: 2_000,
    allowAutoTopicCreation: false,
  });
  const titles = new Set<string>();
  let isOver = false;
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachBatch: async ({ batch }) => {
      for (const message of isOver ? [] : batch.messages) {
        const title = titleOf(message);
        titles.add(title);
        const place = { era, partition: batch.partition, offset: Number(message.offset) };
        scribe({ kind: 'log', ...place, title, to: audienceOf(message) });
      }
    },
  });
  return {
    titles,
    close: async () => {
      isOver = true;
      // kafkajs may wait for answers of brokers that are gone; its process ends anyway.
      await Promise.race([consumer.disconnect().catch(() => {}), delay(5_000, undefined, { ref: false })]);
    },
  };
};
