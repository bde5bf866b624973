import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddresseeKeys } from '../../src/actors/audience-filter.ts';
import { type Addressee, isAddressed } from '../../src/actors/entry.ts';
import { EntryReader } from '../../src/actors/entry-reader.ts';
import { RecordPack, toPacked } from '../../src/actors/record-pack.ts';
import {
  type Audience,
  type DecodeRecord,
  type LogRecord,
  type NotificationId,
  partitionId,
  type TopicName,
} from '../../src/event.ts';
import { stillHeld } from '../support/collected.ts';
import { silentTelemetry } from '../support/silent-telemetry.ts';
import { userId } from './node.ts';
import { readAs } from './reading.ts';

const partition = partitionId('notifications', 3);
const everyone: Audience = { kind: 'everyone' };

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const record = fc.record({
  gap: fc.nat(3),
  epoch: fc.integer({ min: -1, max: 2 ** 31 - 2 }),
  timestampMs: fc.integer({ min: 0, max: 2 ** 53 }),
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.array(fc.tuple(fc.string({ maxLength: 10 }), bytes), { maxLength: 3 }),
});
// Keys of these differ. Two audiences may have one key, and are told apart when the entry is read.
const names = ['a', 'b', 'c'];
const topics = ['x', 'y', 'z'] as TopicName[];
const audience: fc.Arbitrary<Audience> = fc.oneof(
  fc.constantFrom(...names).map((name) => ({ kind: 'user', userId: userId(name) }) as const),
  fc.constantFrom(...topics).map((topic) => ({ kind: 'topic', topic }) as const),
  fc.constant(everyone),
);
const addressee: fc.Arbitrary<Addressee> = fc.record({
  userId: fc.option(fc.constantFrom(...names).map(userId)),
  // More topics than are looked through one by one, too.
  topics: fc.oneof(
    fc.subarray(topics),
    fc.constant(Array.from({ length: 20 }, (_, n) => `t${n}`).concat('y') as TopicName[]),
  ),
  takesEveryone: fc.boolean(),
});

/** A pack of records at rising offsets, and these. */
const packed = (
  some: readonly { record: Omit<LogRecord, 'partition' | 'offset'> & { gap: number }; audience: Audience }[],
  decode: DecodeRecord,
): { pack: RecordPack; records: readonly LogRecord[] } => {
  const pack = new RecordPack(partition, new EntryReader({ decode, counts: silentTelemetry().counts }));
  let next = 0n;
  const records = some.map(({ record: { gap, ...rest }, audience: each }, n) => {
    const offset = next + BigInt(gap);
    next = offset + 1n;
    const made = { ...rest, partition, offset };
    pack.add(toPacked(made), each, n);
    return made;
  });
  return { pack, records };
};

const plain = (one: LogRecord): LogRecord => {
  const { offset, epoch, timestampMs, key, value, headers } = one;
  return { partition: one.partition, offset, epoch, timestampMs, key, value, headers };
};

describe('a pack of records', () => {
  it('gives back each record as it was, sealed or not, and whoever they came from', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ record, audience })), fc.boolean(), (some, isSealed) => {
        const { pack, records } = packed(some, readAs(everyone));
        if (isSealed) pack.seal();
        expect(records.map((_, n) => plain(pack.recordAt(n)))).toEqual(records);
        expect(records.map((_, n) => pack.fetchedAtMs(n))).toEqual([...records.keys()]);
        const again = new RecordPack(
          partition,
          new EntryReader({ decode: readAs(everyone), counts: silentTelemetry().counts }),
        );
        for (const n of records.keys()) again.add(toPacked(pack.recordAt(n)), everyone, 0);
        expect(records.map((_, n) => plain(again.recordAt(n)))).toEqual(records);
      }),
    );
  });

  it('finds from any position on what is for an addressee, and can be cut down to it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ record, audience }), { maxLength: 30 }),
        addressee,
        fc.record({ from: fc.nat(60), isSealed: fc.boolean() }),
        (some, who, { from, isSealed }) => {
          const { pack, records } = packed(some, readAs(everyone));
          if (isSealed) pack.seal();
          const keys = new AddresseeKeys(who);
          const expected = records.filter(
            ({ offset }, n) => offset >= BigInt(from) && isAddressed(who, some[n]?.audience ?? everyone),
          );
          const found: bigint[] = [];
          for (let n = pack.first(keys, BigInt(from)); n >= 0; n = pack.next(keys, n))
            found.push(pack.placeAt(n).offset);
          expect(found).toEqual(expected.map(({ offset }) => offset));
          const own = pack.only(keys, pack.first(keys, BigInt(from)));
          expect(Array.from({ length: own.size }, (_, n) => plain(own.recordAt(n)))).toEqual(expected);
          const fetched = records.flatMap((one, n) => (expected.includes(one) ? [n] : []));
          expect(Array.from({ length: own.size }, (_, n) => own.fetchedAtMs(n))).toEqual(fetched);
        },
      ),
    );
  });

  it('knows what it takes in memory, and takes little more than its records when it is sealed', () => {
    const value = Buffer.alloc(1_000);
    const { pack } = packed(
      Array.from({ length: 50 }, () => ({
        record: { gap: 0, epoch: 0, timestampMs: 0, key: null, value, headers: [] },
        audience: everyone,
      })),
      readAs(everyone),
    );
    const recordBytes = 50 * 1_032;
    expect(pack.bytes).toBeGreaterThanOrEqual(recordBytes);
    pack.seal();
    expect(pack.bytes).toBeLessThan(recordBytes * 1.25 + 50 * 32 + 1_000);
    const tight = pack.only(new AddresseeKeys({ userId: null, topics: [], takesEveryone: true }), 49);
    expect(tight.bytes).toBeLessThan(1_032 + 1_000);
  });
});

describe('the reader of entries', () => {
  const create = (decode: DecodeRecord, maxBytes = 1e6) => {
    const { counts } = silentTelemetry();
    const pack = new RecordPack(partition, new EntryReader({ decode, counts, maxBytes }));
    for (let n = 0; n < 10; n++)
      pack.add(
        toPacked({
          ...{ partition, offset: BigInt(n), epoch: 0, timestampMs: 0 },
          ...{ key: null, value: Buffer.alloc(100), headers: [] },
        }),
        everyone,
        n * 1_000,
      );
    return { pack, counts };
  };

  it('reads a record once for all who ask for it within its bound, as of when it was fetched', () => {
    const times: (number | undefined)[] = [];
    const { pack } = create((one, at) => {
      times.push(at);
      return readAs(everyone)(one, at);
    });
    const [first, second] = [pack.entryAt(7), pack.entryAt(7)];
    expect(first).toMatchObject({ kind: 'unreadable', position: { partition, offset: 7n, epoch: 0 } });
    expect(second).toBe(first);
    expect(times).toEqual([7_000]);
  });

  it('remembers nothing that is for one user: it would only grow old', () => {
    let reads = 0;
    const { pack } = create((one, at) => {
      reads += 1;
      return readAs({ kind: 'user', userId: userId('ada') })(one, at);
    });
    expect([pack.entryAt(3), pack.entryAt(3)].map((entry) => entry?.position.offset)).toEqual([3n, 3n]);
    expect([reads, pack.known.size]).toEqual([2, 0]);
  });

  it('holds no more of what was read than its bound, headers included, and gives what somebody still has', async () => {
    let reads = 0;
    const position = { partition, offset: 0n, epoch: 0 };
    const shown = { display: { title: 'long', body: null, url: null }, content: null, trace: null };
    const { pack } = create(() => {
      reads += 1;
      const times = { createdAtMs: 0, expiresAtMs: null, fetchedAtMs: 0 };
      const names = { id: 'n' as NotificationId, dedupeKey: 'n', type: 'message', audience: everyone };
      return { kind: 'event', envelope: { position, ...names, ...times, ...shown, bytes: 100_000 } };
    }, 500_000);
    const first = pack.entryAt(0);
    const refs = Array.from({ length: 9 }, (_, n) => new WeakRef(pack.entryAt(n + 1) ?? {}));
    expect(reads).toBe(10);
    expect(await stillHeld(refs)).toBeLessThanOrEqual(2);
    expect(pack.entryAt(0)).toBe(first);
    expect(pack.entryAt(1)?.kind).toBe('event');
    expect(reads).toBe(11);
  });

  it('takes a record for nothing whose reading throws, and says that something is wrong', () => {
    let reads = 0;
    const { pack, counts } = create(() => {
      reads += 1;
      throw new Error('a bug');
    });
    expect([pack.entryAt(0), pack.entryAt(0)]).toEqual([null, null]);
    expect([reads, counts.actorFailures]).toEqual([1, 1]);
  });
});
