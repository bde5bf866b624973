import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Duplex } from 'node:stream';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { frameHead, textFrame } from '../../src/graphql/frame-head.ts';
import { FrameTemplate } from '../../src/graphql/shared-frames.ts';
import { SocketWriter } from '../../src/graphql/socket-writer.ts';
import { SocketWrites } from '../../src/graphql/socket-writes.ts';
import { toWire, type WireText } from '../../src/graphql/wire-text.ts';
import type { Counts } from '../../src/telemetry/facade.ts';

/** A writer on one end of a real connection, and ws, which judges every frame, on the other. */
type Line = {
  readonly writer: SocketWriter;
  readonly peer: WebSocket;
  readonly socket: Duplex;
  /** What has come, in order: texts, pings and the close. */
  readonly heard: string[];
  readonly counts: Counts;
  drained: number;
};

let server: Server;
const writes = new SocketWrites();
beforeEach(async () => {
  server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const openLine = async (): Promise<Line> => {
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  const accepted = new Promise<{ ws: WebSocket; socket: Duplex }>((resolve) => {
    server.once('upgrade', (request, socket, head) =>
      sockets.handleUpgrade(request, socket, head, (ws) => resolve({ ws, socket })),
    );
  });
  const peer = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, { perMessageDeflate: false });
  const heard: string[] = [];
  peer.on('message', (data) => heard.push(String(data)));
  peer.on('ping', (data) => heard.push(`ping ${data}`));
  peer.on('close', (code, reason) => heard.push(`close ${code} ${reason}`));
  const { ws, socket } = await accepted;
  if (peer.readyState !== peer.OPEN) await new Promise((resolve) => peer.once('open', resolve));
  const counts = { framesOut: 0, bytesOut: 0 } as Counts;
  const line = { peer, socket, heard, counts, drained: 0 };
  const owner = {
    drained() {
      line.drained += 1;
    },
  };
  return Object.assign(line, { writer: new SocketWriter(owner, { ws, socket, writes, counts }) });
};

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await tick();
};

/** How often `socket` is written to while `task` and the rest of its tick run. */
const writesDuring = async (socket: Duplex, task: () => void): Promise<number> => {
  const { write } = socket;
  let count = 0;
  socket.write = ((...args: Parameters<typeof write>) => {
    count += 1;
    return write.apply(socket, args);
  }) as typeof write;
  task();
  await tick();
  socket.write = write;
  return count;
};

type Step = { readonly kind: 'text' | 'ping' | 'frames' | 'tick'; readonly text: string };

/** Two frames for everybody: the text behind a beginning of three letters, and the beginning alone. */
const templateOf = (text: string): FrameTemplate => {
  const wire = toWire(text);
  const parts = [frameHead(textFrame, wire.length + 3), wire + frameHead(textFrame, 3), ''] as WireText[];
  return new FrameTemplate(parts, 3, wire.length + 6);
};

const carryOut: Readonly<Record<Step['kind'], (writer: SocketWriter, text: string) => void | Promise<void>>> = {
  text: (writer, text) => writer.write(toWire(text)),
  ping: (writer, text) => writer.pingPeer(text),
  frames: (writer, text) => writer.writeFrames(templateOf(text), toWire('own')),
  tick,
};

describe('a socket writer', () => {
  it('makes frames that the peer reads as what they were, whatever their length and letters', async () => {
    const { writer, heard } = await openLine();
    const lengths = [0, 1, 125, 126, 127, 65_535, 65_536, 70_000, 200_000];
    const texts = [
      ...lengths.map((length) => 'x'.repeat(length)),
      'é',
      '日本語 🎐',
      '\u2028\u0000"',
      '𝄞'.repeat(40_000),
    ];
    for (const text of texts) writer.write(toWire(text));
    await until(() => heard.length === texts.length);
    expect(heard).toEqual(texts);
  });

  it('keeps the order of frames, pings and the close, over any number of ticks', async () => {
    const step = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 300 }).map((text): Step => ({ kind: 'text', text })),
      fc.nat().map((counter): Step => ({ kind: 'ping', text: `${counter}` })),
      fc.string({ unit: 'grapheme', maxLength: 300 }).map((text): Step => ({ kind: 'frames', text })),
      fc.constant<Step>({ kind: 'tick', text: '' }),
    );
    const heardOf: Readonly<Record<Step['kind'], (text: string) => readonly string[]>> = {
      text: (text) => [text],
      ping: (text) => [`ping ${text}`],
      frames: (text) => [`own${text}`, 'own'],
      tick: () => [],
    };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const { writer, heard } = await openLine();
        for (const each of steps) await carryOut[each.kind](writer, each.text);
        const sent = steps.flatMap(({ kind, text }) => heardOf[kind](text));
        writer.close({ code: 1012, reason: 'over' });
        writer.write(toWire('too late'));
        await until(() => heard.at(-1)?.startsWith('close') === true);
        expect(heard).toEqual([...sent, 'close 1012 over']);
      }),
      { numRuns: 40, seed: 7 },
    );
  });

  it('writes once per tick, and what is written in the tick is counted', async () => {
    const { writer, socket, heard, counts } = await openLine();
    const burst = (): void => {
      for (let n = 0; n < 8; n++) writer.write(toWire(`event ${n}`));
      writer.pingPeer('1');
    };
    expect(await writesDuring(socket, burst)).toBe(1);
    expect(await writesDuring(socket, () => writer.write(toWire('é')))).toBe(1);
    expect(await writesDuring(socket, () => {})).toBe(0);
    await until(() => heard.length === 10);
    expect([counts.framesOut, counts.bytesOut]).toEqual([9, 8 * 7 + 2]);
  });

  it('writes what many share in one write with what comes behind it, and counts it', async () => {
    const { writer, socket, heard, counts } = await openLine();
    const template = templateOf('é');
    const several = (): void => {
      writer.writeFrames(template, toWire('one'));
      writer.writeFrames(template, toWire('two'));
      writer.pingPeer('1');
    };
    expect(await writesDuring(socket, several)).toBe(1);
    expect(await writesDuring(socket, () => writer.writeFrames(template, toWire('six')))).toBe(1);
    const long = templateOf('x'.repeat(70_000));
    writer.writeFrames(long, toWire('big'));
    expect(await writesDuring(socket, () => {})).toBe(0);
    await until(() => heard.length === 9);
    expect(heard.slice(0, 7)).toEqual(['oneé', 'one', 'twoé', 'two', 'ping 1', 'sixé', 'six']);
    expect([counts.framesOut, counts.bytesOut]).toEqual([8, 3 * 8 + 70_006]);
  });

  it('leaves what a slow socket still has to send as it was, whoever else gets the same', async () => {
    const slow = await openLine();
    const lines = [await openLine(), slow, await openLine()];
    slow.peer.pause();
    const template = templateOf('z'.repeat(30_000));
    let rounds = 0;
    for (; slow.writer.bufferedBytes < 200_000; rounds++) {
      for (const [n, { writer }] of lines.entries()) writer.writeFrames(template, toWire(`${n}${rounds % 10}:`));
      await tick();
    }
    slow.peer.resume();
    await until(() => lines.every(({ heard }) => heard.length === 2 * rounds));
    for (const [n, { heard }] of lines.entries()) {
      const beginnings = Array.from({ length: rounds }, (_, k) => `${n}${k % 10}:`);
      expect(heard.map((text) => text.slice(0, 3))).toEqual(beginnings.flatMap((each) => [each, each]));
    }
  });

  it('does not let more than 64 KiB wait for the end of a tick', async () => {
    const { writer, socket } = await openLine();
    const much = (): void => {
      for (let n = 0; n < 20; n++) writer.write(toWire('x'.repeat(10_000)));
    };
    expect(await writesDuring(socket, much)).toBe(3);
  });

  it('flushes in the order in which sockets came, a few dozen at a time, without waiting for the end of the turn', async () => {
    const order: number[] = [];
    const queue = new SocketWrites();
    for (let n = 0; n < 33; n++) queue.add({ flush: () => void order.push(n) });
    expect(order).toEqual(Array.from({ length: 32 }, (_, n) => n));
    await tick();
    expect(order).toHaveLength(33);
  });

  it('says when something is written, and not where it never was', async () => {
    const { writer } = await openLine();
    const told: string[] = [];
    writer.write(toWire('one'));
    writer.afterFlush(() => told.push('one'));
    writer.write(toWire('two'));
    writer.afterFlush(() => told.push('two'));
    expect(told).toEqual([]);
    await tick();
    expect(told).toEqual(['one', 'two']);
    writer.write(toWire('x'.repeat(70_000)));
    writer.afterFlush(() => told.push('long, written at once'));
    expect(told).toEqual(['one', 'two', 'long, written at once']);
    writer.write(toWire('three'));
    writer.afterFlush(() => told.push('three'));
    writer.terminate();
    writer.afterFlush(() => told.push('nothing'));
    await tick();
    expect(told).toHaveLength(3);
  });

  it('tells when the kernel has taken what it had refused, which others do not hinder', async () => {
    const line = await openLine();
    const other = await openLine();
    line.peer.pause();
    const sent: string[] = [];
    for (let n = 0; line.writer.bufferedBytes === 0; n++) {
      for (const half of ['a', 'b']) {
        const text = `${n} ${half} ${half.repeat(20_000)}`;
        sent.push(text);
        line.writer.write(toWire(text));
      }
      await tick();
    }
    for (let n = 0; n < 4; n++) {
      for (const text of ['c'.repeat(25_000), 'd'.repeat(25_000)]) other.writer.write(toWire(text));
      await tick();
    }
    expect([line.drained, line.writer.bufferedBytes > 0]).toEqual([0, true]);
    line.peer.resume();
    await until(() => line.heard.length === sent.length && line.drained > 0);
    expect(line.heard).toEqual(sent);
    expect([line.drained, line.writer.bufferedBytes]).toEqual([1, 0]);
    await until(() => other.heard.length === 8);
  });

  it('tells it of what was written meanwhile too', async () => {
    const taken: (() => void)[] = [];
    /** A kernel that takes what it was given when the test says so, all that waits at once, as a TCP socket does. */
    const socket = new Duplex({
      decodeStrings: false,
      read() {},
      write: (_chunk, _encoding, done) => void taken.push(done),
      writev: (_chunks, done) => void taken.push(done),
    });
    const told: number[] = [];
    const owner = { drained: () => void told.push(socket.writableLength) };
    const counts = { framesOut: 0, bytesOut: 0 } as Counts;
    const writer = new SocketWriter(owner, { ws: {} as WebSocket, socket, writes, counts });
    writer.write(toWire('one'));
    await tick();
    taken.shift()?.();
    await tick();
    // What the first was waited for with is on its way.
    writer.write(toWire('two'));
    await tick();
    while (taken.length > 0) {
      taken.shift()?.();
      await tick();
    }
    expect(told.at(-1)).toBe(0);
    expect(writer.bufferedBytes).toBe(0);
  });
});
