import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Rig, startRig } from '../../bench/fanout/rig.ts';
import { whyNoCompiler } from '../../bench/native/compile.ts';

/** The benchmark itself, small: it runs, and it notices what it is there to notice. */

const reason = await whyNoCompiler();
if (reason !== null) console.warn(`benchmark tests are skipped: ${reason}`);

const sockets = 40;
const shape = { ticks: 2, intervalMs: 20 };

/** One event for everybody, with the sequence number that each recipient is told. */
const everyones = (sequence: number) => ({ sequence, bytes: 52, target: 'everyone' }) as const;

describe.skipIf(reason !== null)('fan-out benchmark', () => {
  const rigs: Rig[] = [];
  let carillon: Rig;
  let stock: Rig;

  beforeAll(async () => {
    carillon = await startRig('carillon', { sockets, settings: { loop: true } });
    rigs.push(carillon);
    stock = await startRig('stock', { sockets });
    rigs.push(stock);
    for (const rig of rigs) await rig.open(sockets);
  });

  afterAll(async () => {
    for (const rig of rigs) await rig.stop();
  });

  it('publishes on the product and finds every event at every client, unchanged', async () => {
    const { deliveries, cpuUs, lastMs } = await carillon.round(shape);
    expect(deliveries).toBe(2 * sockets);
    expect(cpuUs).toBeGreaterThan(0);
    expect(Math.min(...lastMs)).toBeGreaterThan(0);
  });

  it('writes the same frames on the same sockets by the C loop, and the product goes on after them', async () => {
    const sample = await carillon.client.sample();
    const { cpuUs } = await carillon.loop(shape);
    const written = await carillon.client.sample();
    expect(cpuUs).toBeGreaterThan(0);
    expect(written).not.toBe(sample);
    expect(written.replace(/\d{8}/g, '')).toBe(sample.replace(/\d{8}/g, ''));
    expect((await carillon.round(shape)).deliveries).toBe(2 * sockets);
  });

  it('takes bursts of eight from either', async () => {
    expect((await carillon.round({ ...shape, burst: 8 })).deliveries).toBe(16 * sockets);
    await expect(carillon.loop({ ...shape, burst: 8 })).resolves.toBeDefined();
  });

  it('publishes on the stock stack and finds every event at every client', async () => {
    const { deliveries, cpuUs } = await stock.round({ ...shape, burst: 8 });
    expect(deliveries).toBe(16 * sockets);
    expect(cpuUs).toBeGreaterThan(0);
  });

  describe('with an event that', () => {
    let rig: Rig;
    beforeAll(async () => {
      rig = await startRig('carillon', { sockets: 2, patienceMs: 2_000 });
      rigs.push(rig);
      await rig.open(2);
      await rig.send([[everyones(1)]], { intervalMs: 20, deliveries: 2 });
    });

    it('is missing fails', async () => {
      const round = rig.send([[everyones(3)]], { intervalMs: 20, deliveries: 2 });
      await expect(round).rejects.toThrow('carillon did not deliver what was published: 2 lost');
    });

    it('comes again fails', async () => {
      const round = rig.send([[everyones(3)]], { intervalMs: 20, deliveries: 2 });
      await expect(round).rejects.toThrow('2 twice');
    });

    it('does not come to everybody fails', async () => {
      const round = rig.send([[{ ...everyones(1), target: { user: 0 }, sequence: 4 }]], {
        intervalMs: 20,
        deliveries: 2,
      });
      await expect(round).rejects.toThrow('1 of 2 delivered');
    });

    it('has another body than was published fails', async () => {
      const ticks = [[everyones(5)], [{ ...everyones(6), bytes: 60 }]];
      await expect(rig.send(ticks, { intervalMs: 20, deliveries: 4 })).rejects.toThrow('2 bad');
    });
  });
});
