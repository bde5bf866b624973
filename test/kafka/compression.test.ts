import { randomBytes } from 'node:crypto';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { partitionId } from '../../src/event.ts';
import { decompress } from '../../src/kafka/compression.ts';
import { kafkaForTests, uniqueTopic } from '../support/kafka.ts';
import { type KafkaHands, kafkaHands } from '../support/kafka-admin.ts';
import { kafkaReader } from '../support/kafka-reader.ts';
import { collect } from '../support/log-collector.ts';

const [gzip, snappy, lz4, zstd] = [1, 2, 3, 4];
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('decompression', () => {
  it('reads gzip and zstd', () => {
    expect(decompress(gzip, gzipSync('text')).toString()).toBe('text');
    expect(decompress(zstd, zstdCompressSync('text')).toString()).toBe('text');
  });

  it('reads a raw snappy block, with copies that overlap what they write', () => {
    // 10 bytes: the literal "ab", then 8 bytes from 2 back.
    expect(decompress(snappy, hex('0a 04 6162 11 02')).toString()).toBe('ababababab');
    expect(decompress(snappy, hex('0a 04 6162 1e 0200')).toString()).toBe('ababababab');
    expect(decompress(snappy, hex('0a 04 6162 1f 02000000')).toString()).toBe('ababababab');
  });

  it('reads snappy blocks in the framing of the Java client', () => {
    const header = hex('82534e4150505900 00000001 00000001');
    const blocks = hex('00000006 0a0461621102 00000003 01 00 63');
    expect(decompress(snappy, Buffer.concat([header, blocks])).toString()).toBe('abababababc');
  });

  it('reads an lz4 frame of a compressed and a stored block', () => {
    // Literal "ab", match of 8 from 2 back, last literal "c"; then "xyz" as it is.
    const frame = hex('04224d18 60 40 82 07000000 24 6162 0200 10 63 03000080 78797a 00000000');
    expect(decompress(lz4, frame).toString()).toBe('ababababab'.concat('c', 'xyz'));
  });

  it('refuses damage, unknown codecs and data that grows without bound', () => {
    expect(() => decompress(7, Buffer.alloc(8))).toThrow('codec 7');
    expect(() => decompress(lz4, randomBytes(64))).toThrow('lz4');
    expect(() => decompress(snappy, hex('ff ff ff ff 7f'))).toThrow('snappy');
    expect(() => decompress(snappy, hex('0a 04 6162 11 05'))).toThrow('snappy');
    expect(() => decompress(gzip, gzipSync(Buffer.alloc(140 * 2 ** 20)))).toThrow();
  });
});

const kafka = await kafkaForTests();
const brokers = kafka?.brokers ?? [];

describe.skipIf(kafka === null)('batches that another producer or the broker compressed (C14)', () => {
  let hands: KafkaHands;
  beforeAll(async () => {
    hands = await kafkaHands(brokers);
  });
  afterAll(async () => {
    await hands.close();
    await kafka?.stop();
  });

  it.each(['gzip', 'snappy', 'lz4', 'zstd'])('are read: %s', async (codec) => {
    const topic = uniqueTopic(codec);
    const partition = partitionId(topic, 0);
    // The broker compresses anew what it gets, with the codec's Java library.
    await hands.create(topic, 1, { 'compression.type': codec });
    const values = Array.from({ length: 400 }, (_, i) =>
      JSON.stringify({
        title: `Order ${i} shipped`,
        body: randomBytes(i % 300)
          .toString('hex')
          .padEnd(600, 'carillon '),
      }),
    );
    await hands.produce(partition, values.slice(0, 50));
    await hands.produce(partition, values.slice(50));
    const reader = kafkaReader(brokers, [topic]);
    await reader.log.open();
    const feed = collect(reader.log, new Map([[partition, { next: 0n, epoch: -1 }]]));
    await feed.until(({ records }) => records.length === 400);
    expect(feed.values()).toEqual(values);
    const middle = collect(reader.log, new Map([[partition, { next: 27n, epoch: 0 }]]));
    await middle.until(({ records }) => records.length === 373);
    expect(middle.values()).toEqual(values.slice(27));
    await reader.close();
  });
});
