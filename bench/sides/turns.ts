import type { Turns } from './side.ts';

/**
 * How long the turns of the event loop are in which something is done: a chain of immediates has one link per turn. It keeps the loop busy, so it runs
 * only in rounds of its own, and only for a while after each event.
 */

/** Shorter ones did nothing worth speaking of. */
const leastMs = 0.2;
/** For so long after an event. */
const watchedMs = 150;

const threadCpuMs = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
};

/** Looks on from each `begin` for a while. */
export const watchTurns = (): { begin(): void; end(): Turns } => {
  const wallMs: number[] = [];
  const cpuMs: number[] = [];
  let isOver = false;
  let run = 0;
  const link = (own: number, untilMs: number, last: { wall: number; cpu: number }): void => {
    const now = { wall: performance.now(), cpu: threadCpuMs() };
    if (now.wall - last.wall >= leastMs) {
      wallMs.push(now.wall - last.wall);
      cpuMs.push(now.cpu - last.cpu);
    }
    if (isOver || own !== run || now.wall > untilMs) return;
    setImmediate(() => link(own, untilMs, now));
  };
  return {
    begin() {
      run += 1;
      link(run, performance.now() + watchedMs, { wall: performance.now(), cpu: threadCpuMs() });
    },
    end() {
      isOver = true;
      return { wallMs, cpuMs };
    },
  };
};
