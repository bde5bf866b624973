import { afterAll, describe, expect, it } from 'vitest';
import { partitionId } from '../../src/event.ts';
import { parseBrokerAddress } from '../../src/kafka/broker-address.ts';
import { createSocketFactory } from '../../src/kafka/socket-factory.ts';
import { kafkaForTests, uniqueTopic } from '../support/kafka.ts';
import { kafkaHands } from '../support/kafka-admin.ts';
import { followFromEnd, kafkaReader } from '../support/kafka-reader.ts';

describe('broker addresses (C110)', () => {
  it('are read: name, IPv4, and IPv6 in brackets', () => {
    expect(parseBrokerAddress('kafka-1.internal:9092')).toEqual({ host: 'kafka-1.internal', port: 9092 });
    expect(parseBrokerAddress('127.0.0.1:1')).toEqual({ host: '127.0.0.1', port: 1 });
    expect(parseBrokerAddress(' [::1]:9092 ')).toEqual({ host: '::1', port: 9092 });
  });

  it.each(['', 'kafka', 'kafka:', ':9092', '::1:9092', 'kafka:0', 'kafka:65536', '[]:1', 'http://kafka:9092'])(
    'are refused with what was written: "%s"',
    (text) => {
      expect(() => parseBrokerAddress(text)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    },
  );
});

const kafka = await kafkaForTests({ host: '::1' });

describe.skipIf(kafka === null)('a broker that listens on ::1 only (C110)', () => {
  afterAll(() => kafka?.stop());

  it('is read, and written to by the same client', async () => {
    const brokers = kafka?.brokers ?? [];
    const topic = uniqueTopic('ipv6');
    const reader = kafkaReader(brokers, [topic]);
    await reader.log.open();
    const feed = await followFromEnd(reader.log);
    const bootstrap = brokers.map((text) => text.replace('[::1]', '__1.ipv6'));
    const hands = await kafkaHands(bootstrap, { socketFactory: createSocketFactory() });
    await hands.create(topic, 1);
    await hands.produce(partitionId(topic, 0), ['six']);
    await feed.until(({ records }) => records.length === 1);
    expect(feed.values()).toEqual(['six']);
    await hands.close();
    await reader.close();
  });
});
