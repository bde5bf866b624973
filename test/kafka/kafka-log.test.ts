import { afterAll, beforeAll, describe } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createStore } from '../../src/kafka/kafka-store.ts';
import { createAppender } from '../../src/kafka/producer.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { describeEventLog } from '../contract/event-log.ts';
import { kafkaForTests, uniqueTopic } from '../support/kafka.ts';
import { type KafkaHands, kafkaHands } from '../support/kafka-admin.ts';

const kafka = await kafkaForTests();
const brokers = kafka?.brokers ?? [];

describe.skipIf(kafka === null)('on a real broker', () => {
  let hands: KafkaHands;
  beforeAll(async () => {
    hands = await kafkaHands(brokers);
  });
  afterAll(async () => {
    await hands.close();
    await kafka?.stop();
  });

  describeEventLog('kafka', {
    can: { expire: true, grow: true, recreate: true },
    async create(partitionCount) {
      const topic = uniqueTopic('contract');
      await hands.create(topic, partitionCount);
      const store = createStore(
        { brokers, clientId: 'contract' },
        { clock: systemClock, logger: silentLogger, createAppender },
      );
      return {
        log: store.log([topic]),
        topic,
        expire: hands.expire,
        grow: (count) => hands.grow(topic, count),
        recreate: () => hands.recreate(topic, partitionCount),
        close: () => store.close(),
      };
    },
  });
});
