import { afterEach, describe, expect, it } from 'vitest';
import { collect, createNotificationClient, notificationReceived } from '../../examples/urql/notifications.ts';
import { closePeers, startPeer } from '../support/scripted-peer.ts';

afterEach(closePeers);

const event = (id: string, operation: string): string => {
  const edge = { node: { id, title: id, body: null, url: null } };
  const step = { cursor: id, gap: null, edge };
  return JSON.stringify({ id: operation, type: 'next', payload: { data: { notificationReceived: step } } });
};

describe('the urql example', () => {
  it('collects every notification of one tick once, and reconnects with the cursor it got last', async () => {
    const after: unknown[] = [];
    const url = await startPeer([
      (socket, id, variables) => {
        after.push(variables['after']);
        for (const name of ['one', 'two', 'two']) socket.send(event(name, id));
        socket.close(1012, 'Restarting: reconnect');
      },
      (socket, id, variables) => {
        after.push(variables['after']);
        socket.send(event('three', id));
      },
    ]);
    const urls = { wsUrl: url.replace(/^http/, 'ws'), httpUrl: url };
    const client = createNotificationClient(urls, () => Promise.resolve('t'));
    let shown = collect(undefined, { notificationReceived: { cursor: 'zero', gap: null, edge: null } });
    await new Promise<void>((resolve) => {
      const running = client.subscription(notificationReceived, { after: null }).subscribe(({ data }) => {
        if (data) shown = collect(shown, data);
        if (shown.length < 3) return;
        running.unsubscribe();
        resolve();
      });
    });
    expect(shown.map(({ id }) => id)).toEqual(['three', 'two', 'one']);
    expect(after).toEqual([null, 'two']);
  });
});
