import { afterEach, describe, expect, it } from 'vitest';
import { createNotificationClient, followNotifications } from '../../examples/apollo/notifications.ts';
import { closePeers, sendCheckpoint, startPeer } from '../support/scripted-peer.ts';

afterEach(closePeers);

const edge = (id: string) => ({ node: { id, title: id, body: null, url: null } });
const event = (id: string, operation: string): string =>
  JSON.stringify({
    id: operation,
    type: 'next',
    payload: { data: { notificationReceived: { cursor: id, isLive: true, gap: null, edge: edge(id) } } },
  });

describe('the Apollo example', () => {
  it('shows every notification of one tick, and reconnects with the cursor it got last', async () => {
    const after: unknown[] = [];
    let isDone = (): void => {};
    const done = new Promise<void>((resolve) => {
      isDone = resolve;
    });
    const url = await startPeer([
      (socket, id, variables) => {
        after.push(variables['after']);
        for (const name of ['one', 'two', 'three']) socket.send(event(name, id));
        socket.close(1012, 'Restarting: reconnect');
      },
      (socket, id, variables) => {
        after.push(variables['after']);
        sendCheckpoint(socket, id, 'four');
        socket.send(event('five', id));
      },
    ]);
    const shown: string[] = [];
    const client = createNotificationClient(url.replace(/^http/, 'ws'), () => Promise.resolve('t'));
    const stop = followNotifications(client, {
      show: ({ id }) => {
        shown.push(id);
        if (id === 'five') isDone();
      },
      refetch: () => {},
    });
    await done;
    stop();
    client.stop();
    expect(shown).toEqual(['one', 'two', 'three', 'five']);
    expect(after).toEqual([null, 'three']);
  });
});
