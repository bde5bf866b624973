import { nowUs } from '../sides/serve.ts';
import { type RawTail, startRawTail, type TailOrder } from './raw-tail.ts';

/** The raw tail in a process of its own, so that nothing else delays it. Notes when each event came, by the number that its body begins with. */

/** `[event, microseconds]`, in order of arrival. */
export type RawArrivals = readonly (readonly [event: number, atUs: number])[];

const arrivals: [number, number][] = [];
let tail: RawTail | null = null;

const start = async (order: TailOrder): Promise<void> => {
  tail = await startRawTail(order, (value) => {
    arrivals.push([Number(/"body":"(\d{8})/.exec(value.toString())?.[1]), nowUs()]);
  });
  process.send?.('following');
};

const stop = async (): Promise<void> => {
  await tail?.stop();
  process.send?.(arrivals, () => process.exit());
};

process.on('message', (message: TailOrder | 'stop') => void (message === 'stop' ? stop() : start(message)));
