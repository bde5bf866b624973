import { afterEach, describe, expect, it } from 'vitest';
import { type FollowOptions, followStream, type StreamStep } from '../../src/cli/follow-stream.ts';
import { closePeers, sendCheckpoint, startPeer } from '../support/scripted-peer.ts';

afterEach(closePeers);

const follow = (url: string, more: Partial<FollowOptions> & { onStep?: (step: StreamStep) => void } = {}) => {
  const notes: string[] = [];
  const options = { url, token: () => 't', topics: [], after: null, signal: new AbortController().signal, ...more };
  const result = followStream(options, { step: more.onStep ?? (() => {}), note: (text) => void notes.push(text) });
  return { result, notes };
};

describe('followStream', () => {
  it('reconnects with the cursor it got last', async () => {
    const seen: unknown[] = [];
    const end = new AbortController();
    const url = await startPeer([
      (socket, id, { after }) => {
        seen.push(after);
        sendCheckpoint(socket, id, 'one');
        sendCheckpoint(socket, id, 'two');
        socket.close(1012, 'Restarting: reconnect');
      },
      (socket, id, { after }) => {
        seen.push(after);
        sendCheckpoint(socket, id, 'three');
      },
    ]);
    const { result, notes } = follow(url, {
      after: 'zero',
      signal: end.signal,
      onStep: ({ cursor }) => {
        if (cursor === 'three') end.abort();
      },
    });
    expect(await result).toBe('three');
    expect(seen).toEqual(['zero', 'two']);
    expect(notes).toContain('connection lost (1012 Restarting: reconnect), trying again');
  });

  it('ends with the reason when the token is refused', async () => {
    const url = await startPeer([], (socket) => socket.close(4403, 'Forbidden: the token has expired'));
    await expect(follow(url).result).rejects.toThrow('refused the token (Forbidden: the token has expired)');
  });

  it('ends with the code when the subscription is refused', async () => {
    const url = await startPeer([
      (socket, id) => {
        const error = { message: 'topic a is not allowed', extensions: { code: 'TOPIC_FORBIDDEN' } };
        socket.send(JSON.stringify({ id, type: 'error', payload: [error] }));
      },
    ]);
    await expect(follow(url).result).rejects.toThrow('TOPIC_FORBIDDEN: topic a is not allowed');
  });

  it('ends at once when it is asked to before it began', async () => {
    const url = await startPeer([]);
    expect(await follow(url, { signal: AbortSignal.abort() }).result).toBeNull();
  });
});
