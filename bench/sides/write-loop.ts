import { subscribe } from 'node:diagnostics_channel';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { setTimeout as rest } from 'node:timers/promises';
import { compile } from '../native/compile.ts';
import { operationIdOf } from './operation-id.ts';
import { bodyOf, cpuUs, nowUs, titleOf, untilTick } from './serve.ts';
import type { EventSpec, LoopMarks, LoopOrder } from './side.ts';

/** The C loop (`native/write-loop.c`) in a server's process, on the sockets that the server has accepted. */

type Addon = {
  send(descriptors: Int32Array, ids: Buffer, frames: Buffer, holes: Int32Array): number;
};

export type WriteLoop = { run(order: LoopOrder): Promise<LoopMarks> };

type Handled = Socket & { readonly _handle: { readonly fd: number } | null };

const keyOf = (address: number, port: number): string => `${address}:${port}`;

/** A server's text frame. */
const frameOf = (payload: Buffer): Buffer => {
  const { length } = payload;
  if (length < 126) return Buffer.concat([Buffer.from([0x81, length]), payload]);
  if (length < 65_536) return Buffer.concat([Buffer.from([0x81, 126, length >> 8, length & 255]), payload]);
  const head = Buffer.alloc(10);
  head.writeUInt16BE(0x817f);
  head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, payload]);
};

/** What the server itself sent, with another event in it. */
const payloadOf = (sample: string, event: EventSpec): Buffer =>
  Buffer.from(
    sample
      .replace(/"title":"[^"]*"/, `"title":"${titleOf(event)}"`)
      .replace(/"body":"[^"]*"/, `"body":"${bodyOf(event)}"`),
  );

/** All frames of a tick in one buffer, and where the operation ids go. */
const burstOf = (sample: string, events: readonly EventSpec[]): { frames: Buffer; holes: Int32Array } => {
  const frames = events.map((event) => frameOf(payloadOf(sample, event)));
  const id = Buffer.from(operationIdOf(0));
  let at = 0;
  const holes = frames.map((frame) => {
    const hole = at + frame.indexOf(id);
    at += frame.length;
    return hole;
  });
  return { frames: Buffer.concat(frames), holes: Int32Array.from(holes) };
};

/** To be called before the server accepts anything. */
export const createWriteLoop = async (): Promise<WriteLoop> => {
  const addon = createRequire(import.meta.url)(await compile('addon', 'write-loop.c')) as Addon;
  const descriptors = new Map<string, number>();
  subscribe('net.server.socket', (message) => {
    const { socket } = message as { socket: Handled };
    const address = Number(socket.remoteAddress?.split('.').at(-1));
    descriptors.set(keyOf(address, socket.remotePort ?? 0), socket._handle?.fd ?? -1);
  });
  return {
    async run({ sample, ports, ticks, intervalMs }) {
      const found = ports.map(([address, port]) => descriptors.get(keyOf(address, port)) ?? -1);
      if (found.includes(-1)) throw new Error('the C loop does not know every socket');
      const sockets = Int32Array.from(found);
      const ids = Buffer.from(ports.map((_, n) => operationIdOf(n)).join(''));
      const bursts = ticks.map((events) => burstOf(sample, events));
      const marks: { atUs: number; cpuUs: number }[] = [];
      const startUs = nowUs();
      for (const [n, { frames, holes }] of bursts.entries()) {
        await untilTick(startUs, n, intervalMs);
        const [atUs, before] = [nowUs(), cpuUs()];
        const written = addon.send(sockets, ids, frames, holes);
        marks.push({ atUs, cpuUs: cpuUs() - before });
        if (written !== sockets.length) throw new Error(`the C loop wrote to ${written} of ${sockets.length} sockets`);
      }
      await rest(intervalMs);
      return { ticks: marks };
    },
  };
};
