import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddresseeKeys, type AudienceKey } from '../../src/actors/audience-filter.ts';
import { type BlockStore, Blocks, type KeptBlock } from '../../src/actors/blocks.ts';
import { partitionId } from '../../src/event.ts';
import { topic, userId } from './node.ts';

const partition = partitionId(topic, 0);
const size = 4;

/** Remembers in memory, as another process would find it. */
const memoryStore = (): BlockStore & { readonly kept: Map<number, KeptBlock> } => {
  const kept = new Map<number, KeptBlock>();
  return {
    kept,
    load: async () => [...kept.values()],
    add: (_, block) => void kept.set(block.index, block),
    cut(_, first) {
      for (const index of kept.keys()) if (index >= first) kept.delete(index);
    },
  };
};

const create = (more: { maxBytes?: number; store?: BlockStore } = {}): Blocks =>
  new Blocks({ size, maxBytes: 1e6, store: null, fingerprintOf: () => 'f', ...more });

const keysOf = (name: string): readonly AudienceKey[] =>
  new AddresseeKeys({ userId: userId(name), topics: [], takesEveryone: false }).all;

/** Tells `blocks` of a record for `name`, or for nobody. */
const read = (blocks: Blocks, at: { offset: number; name?: string; epoch?: number; isDuplicate?: boolean }): void => {
  const { offset, name, epoch = 0, isDuplicate = false } = at;
  const position = { partition, offset: BigInt(offset), epoch };
  const audience = { kind: 'user', userId: userId(name ?? 'nobody') } as const;
  blocks.note(position, { audience: name === undefined ? null : audience, isDuplicate });
  blocks.advance(partition, { next: position.offset + 1n, epoch });
};

const leap = (blocks: Blocks, offset: number, name: string): number | null => {
  const found = blocks.leap(partition, BigInt(offset), keysOf(name));
  return found === null ? null : Number(found.position.next);
};

const step = fc.oneof(
  { weight: 20, arbitrary: fc.record({ do: fc.constant('read' as const), by: fc.nat(2), who: fc.nat(3) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom('pass' as const, 'cut', 'begin'), by: fc.nat(11), who: fc.nat(3) }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

/** What the log holds, beside what the blocks were told of it. */
class Model {
  readonly #blocks = create();
  readonly #log = new Map<number, string>();
  /** Offsets that nobody has told the blocks of. */
  readonly #unread = new Set<number>();
  #next: number;

  constructor(from: number) {
    this.#next = 0;
    this.#begin(from);
  }

  play(each: Step): void {
    if (each.do === 'read') this.#read(this.#next + each.by, `u${each.who}`);
    else if (each.do === 'begin') this.#begin(this.#next + each.by);
    else if (each.do === 'cut') this.#cut(Math.max(0, this.#next - each.by));
    else {
      this.#next += each.by;
      this.#blocks.advance(partition, { next: BigInt(this.#next), epoch: 0 });
    }
  }

  #read(offset: number, name: string): void {
    this.#log.set(offset, name);
    read(this.#blocks, { offset, name });
    this.#next = offset + 1;
  }

  #begin(next: number): void {
    for (let offset = this.#next; offset < next; offset++) this.#unread.add(offset);
    this.#next = next;
    this.#blocks.begin(partition, BigInt(next));
  }

  #cut(next: number): void {
    for (const gone of [...this.#log.keys(), ...this.#unread]) {
      if (gone < next) continue;
      this.#log.delete(gone);
      this.#unread.delete(gone);
    }
    this.#next = next;
    this.#blocks.truncate(partition, BigInt(next));
    this.#blocks.begin(partition, BigInt(next));
  }

  check(): void {
    for (let offset = 0; offset < this.#next; offset++) {
      for (const name of ['u0', 'u1', 'u2', 'u3']) {
        const to = leap(this.#blocks, offset, name) ?? offset;
        const between = Array.from({ length: to - offset }, (_, n) => offset + n);
        expect(between.filter((at) => this.#log.get(at) === name || this.#unread.has(at))).toEqual([]);
        expect(to).toBeLessThanOrEqual(this.#next);
      }
    }
  }
}

describe('blocks of a partition', () => {
  it('leap over what is known to hold nothing for somebody, up to what is not known', () => {
    const blocks = create();
    blocks.begin(partition, 0n);
    for (let offset = 0; offset < 18; offset++) read(blocks, { offset, name: offset === 9 ? 'ada' : 'bob' });
    expect(leap(blocks, 1, 'ada')).toBe(8);
    expect(leap(blocks, 8, 'ada')).toBe(null);
    expect(leap(blocks, 12, 'ada')).toBe(16);
    expect(leap(blocks, 0, 'bob')).toBe(null);
    expect(leap(blocks, 16, 'ada')).toBe(null);
  });

  it('never leap over something that is for somebody, wherever reading began, jumped or was cut', () => {
    fc.assert(
      fc.property(fc.nat(9), fc.array(step, { maxLength: 60 }), (from, steps) => {
        const model = new Model(from);
        for (const each of steps) model.play(each);
        model.check();
      }),
    );
  });

  it('know their duplicates, so that nobody need read what comes before', () => {
    const blocks = create();
    blocks.begin(partition, 0n);
    for (let offset = 0; offset < 8; offset++) read(blocks, { offset, isDuplicate: offset === 6 });
    expect([5, 6].map((offset) => blocks.isDuplicate(partition, BigInt(offset)))).toEqual([false, true]);
  });

  it('say the epoch of the record before their end, and are not leapt to where that may have been another', () => {
    const blocks = create();
    blocks.begin(partition, 0n);
    for (let offset = 0; offset < 8; offset++) read(blocks, { offset, epoch: offset < 4 ? 1 : 2 });
    for (const offset of [9, 13]) read(blocks, { offset, epoch: offset });
    blocks.advance(partition, { next: 17n, epoch: 13 });
    const epochs = [0, 4, 8, 12].map((offset) => {
      return blocks.leap(partition, BigInt(offset), keysOf('ada'))?.position.epoch;
    });
    expect(epochs).toEqual([13, 13, 13, 13]);
    blocks.truncate(partition, 12n);
    expect(blocks.isKnown(partition, 8n)).toBe(true);
    expect(blocks.leap(partition, 8n, keysOf('ada'))).toBe(null);
    expect(blocks.leap(partition, 0n, keysOf('ada'))).toEqual({ position: { next: 8n, epoch: 2 }, blocks: 2 });
    blocks.truncate(partition, 8n);
    expect(blocks.leap(partition, 4n, keysOf('ada'))?.position.epoch).toBe(2);
    blocks.truncate(partition, 4n);
    expect(blocks.leap(partition, 0n, keysOf('ada'))?.position.epoch).toBe(1);
  });

  it('take no more memory than they may: the oldest go', () => {
    const blocks = create({ maxBytes: 10_000 });
    blocks.begin(partition, 0n);
    for (let offset = 0; offset < 4_000; offset++) read(blocks, { offset });
    expect(blocks.isFull).toBe(false);
    expect(blocks.isKnown(partition, 0n)).toBe(false);
    expect(blocks.knownTo(partition, 3_900n)).toBe(4_000n);
  });

  it('are found again by the next process, but for those that are void', async () => {
    const store = memoryStore();
    const before = create({ store });
    before.begin(partition, 0n);
    for (let offset = 0; offset < 16; offset++) read(before, { offset, name: offset === 6 ? 'ada' : 'bob' });
    before.truncate(partition, 13n);
    const after = create({ store });
    for (const block of await after.load(partition)) after.adopt(partition, block, true);
    expect(leap(after, 0, 'ada')).toBe(4);
    expect(leap(after, 8, 'ada')).toBe(12);
    expect([...store.kept.keys()]).toEqual([0, 1, 2]);
  });
});
