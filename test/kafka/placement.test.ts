import { crc32 } from 'node:zlib';
import { type ICustomPartitioner, Partitioners } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createKafkaStore } from '../../src/kafka/index.ts';
import type { EventLog, LogStore } from '../../src/log/event-log.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { count, positionOf, recordOf } from '../contract/log-records.ts';
import { kafkaForTests, uniqueTopic } from '../support/kafka.ts';
import { type KafkaHands, kafkaHands } from '../support/kafka-admin.ts';
import { followFromEnd } from '../support/kafka-reader.ts';
import { readTopic } from '../support/kafka-topic.ts';

const kafka = await kafkaForTests();

const partitions = 15;
const keys = [
  ...['TT0124', '100:48069', 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6', 'ключ-1', '', '🔔'],
  ...count(1, 45).map((number) => `user-${number}`),
];
/** Partition of each key, printed by kafka-clients 4.4.0: `Utils.toPositive(Utils.murmur2(key)) % 15`. */
const javaPlaces = [
  10, 12, 11, 12, 6, 2, 8, 11, 2, 7, 1, 8, 14, 6, 14, 5, 10, 0, 7, 11, 5, 6, 0, 5, 13, 1, 1, 6, 4, 0, 13, 6, 13, 7, 14,
  8, 6, 12, 13, 1, 12, 13, 14, 11, 6, 0, 8, 10, 14, 8,
];

/** librdkafka's `consistent`, the default of kcat and of many languages, for records with a key. */
const crc: ICustomPartitioner =
  () =>
  ({ message }) =>
    crc32(message.key ?? '') % partitions;

const partitioners: Readonly<Record<string, ICustomPartitioner>> = {
  murmur2: Partitioners.DefaultPartitioner,
  legacy: Partitioners.LegacyPartitioner,
  crc,
};

describe.skipIf(kafka === null)('records of one key that producers place differently (C21)', () => {
  const brokers = kafka?.brokers ?? [];
  const topic = uniqueTopic('placement');
  let hands: KafkaHands;
  let store: LogStore;
  let log: EventLog;
  beforeAll(async () => {
    hands = await kafkaHands(brokers);
    await hands.create(topic, partitions);
    store = createKafkaStore(
      { brokers, clientId: 'placement', ssl: null, sasl: null },
      { clock: systemClock, logger: silentLogger },
    );
    log = store.log([topic]);
    await log.open();
  });
  afterAll(async () => {
    await store.close();
    await hands.close();
    await kafka?.stop();
  });

  const produceAs = async (name: string, createPartitioner: ICustomPartitioner): Promise<void> => {
    const producer = hands.kafka.producer({ createPartitioner });
    await producer.connect();
    await producer.send({ topic, messages: keys.map((key) => ({ key, value: `${name} ${key}` })) });
    await producer.disconnect();
  };
  const produceEverywhere = async (): Promise<void> => {
    const producer = hands.kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
    await producer.connect();
    const everywhere = keys.flatMap((key) =>
      Array.from({ length: partitions }, (_, partition) => ({ key, partition })),
    );
    await producer.send({
      topic,
      messages: everywhere.map((place) => ({ ...place, value: `at ${place.partition} ${place.key}` })),
    });
    await producer.send({ topic, messages: [{ key: null, value: 'no key' }] });
    await producer.disconnect();
  };

  it('are all read, once, wherever they lie; ours lie where Java puts them', async () => {
    const feed = await followFromEnd(log);
    for (const [name, partitioner] of Object.entries(partitioners)) await produceAs(name, partitioner);
    await produceEverywhere();
    const ours = await log.append(keys.map((key) => recordOf(`ours ${key}`, { key })));
    expect(ours.map((result) => positionOf(result).partition)).toEqual(javaPlaces.map((place) => `${topic}/${place}`));

    const names = [...Object.keys(partitioners), 'ours', ...Array.from({ length: partitions }, (_, n) => `at ${n}`)];
    const expected = [...names.flatMap((name) => keys.map((key) => `${name} ${key}`)), 'no key'];
    await feed.until(({ records }) => records.length >= expected.length);
    expect(feed.values().toSorted()).toEqual(expected.toSorted());

    const places = new Map((await readTopic(brokers, topic)).map((each) => [String(each.value), each.partition]));
    const placesOf = (name: string): number[] => keys.map((key) => places.get(`${name} ${key}`) ?? -1);
    expect(placesOf('ours')).toEqual(javaPlaces);
    expect(placesOf('murmur2')).toEqual(javaPlaces);
    // Else nothing was told apart.
    expect(placesOf('crc')).not.toEqual(javaPlaces);
    await feed.stop();
  });
});
