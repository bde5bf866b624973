import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { measureCompression } from '../../bench/compression/compression.ts';
import { measureMemory } from '../../bench/compression/memory.ts';
import { startOffered } from '../../bench/compression/sides.ts';
import { openWitnesses, type Witnesses } from '../../bench/compression/witnesses.ts';
import type { Rig } from '../../bench/fanout/rig.ts';
import { whyNoCompiler } from '../../bench/native/compile.ts';

/** The benchmark of compression, small: it runs, and it notices what it is there to notice. */

const reason = await whyNoCompiler();
if (reason !== null) console.warn(`benchmark tests are skipped: ${reason}`);

const bytes = 2_000;
const everyones = (sequence: number, of: number = bytes) => ({ sequence, bytes: of, target: 'everyone' }) as const;

describe.skipIf(reason !== null)('compression benchmark', () => {
  it('finds every event at every client of each side, and in fewer bytes where they are compressed', async () => {
    const figures = await measureCompression({ sockets: 20, rounds: 1, sizes: [60, bytes], ticks: 2 });
    const seen = [...figures].map(([size, sides]) =>
      [...sides].map(([side, { deflatedShare, wireBytes }]) => {
        const isSmaller = (wireBytes[0] ?? Number.NaN) < 0.8 * (sides.get('off')?.wireBytes[0] ?? Number.NaN);
        return [`${side} ${size}`, deflatedShare, isSmaller];
      }),
    );
    expect(seen.flat()).toEqual([
      ['off 60', 0, false],
      ['on 60', 0, false],
      ['stockOn 60', 1, true],
      [`off ${bytes}`, 0, false],
      [`on ${bytes}`, 1, true],
      [`stockOn ${bytes}`, 1, true],
    ]);
  });

  it('reports the memory of connections before and after they were sent something', async () => {
    const { kib } = await measureMemory(['on'], 40);
    expect(kib.get('on')).toEqual({ offered: expect.any(Number), sent: expect.any(Number) });
  });

  describe.each(['on', 'off'] as const)(
    'with clients that offer it to a gateway that has it %s and an event that',
    (side) => {
      let rig: Rig;
      let witnesses: Witnesses;
      beforeAll(async () => {
        rig = await startOffered(side, { sockets: 2, patienceMs: 2_000 });
        await rig.open(2);
        witnesses = await openWitnesses(rig.side, { count: 1, sequence: 0 });
        witnesses.expect(bytes);
        await rig.send([[everyones(1)]], { intervalMs: 20, deliveries: 2 });
        await witnesses.caughtUp(1, 2_000);
      });
      afterAll(async () => {
        witnesses.stop();
        await rig.stop();
      });

      it('does not come to everybody fails', async () => {
        const round = rig.send([[{ ...everyones(2), target: { user: 0 } }]], { intervalMs: 20, deliveries: 2 });
        await expect(round).rejects.toThrow('1 of 2 delivered');
        await expect(witnesses.caughtUp(2, 50)).rejects.toThrow('a witness did not get event 2, stands at 1');
      });
    },
  );

  describe('a witness', () => {
    let rig: Rig;
    beforeEach(async () => {
      rig = await startOffered('on', { sockets: 1 });
      await rig.open(1);
    });
    afterEach(() => rig.stop());

    /** What a witness says who expects bodies of `bytes`, when events of `sent` bytes go out that have these numbers of sequence. */
    const told = async (sequences: readonly number[], sent: number = bytes): Promise<void> => {
      const witnesses = await openWitnesses(rig.side, { count: 1, sequence: 0 });
      witnesses.expect(bytes);
      const ticks = sequences.map((sequence) => [everyones(sequence, sent)]);
      await rig.send(ticks, { intervalMs: 20, deliveries: sequences.length }).catch(() => {});
      await witnesses.caughtUp(sequences.at(-1) ?? 0, 2_000).finally(() => witnesses.stop());
    };

    it('is content with all that was published', async () => {
      await expect(told([1, 2, 3])).resolves.toBeUndefined();
    });

    it('fails where an event comes again', async () => {
      // Behind it a third: who has the first only might be asked before the second is there.
      await expect(told([1, 1, 2])).rejects.toThrow('a witness got event 00000001 after 1');
    });

    it('fails where one is missing', async () => {
      await expect(told([2])).rejects.toThrow('a witness got event 00000002 after 0');
    });

    it('fails where one has another body', async () => {
      await expect(told([1], bytes + 1)).rejects.toThrow('a witness got another body of event 00000001');
    });
  });
});
