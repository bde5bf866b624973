import { describe, expect, it } from 'vitest';
import { createTokenSource } from '../../src/kafka/oauth-token.ts';
import { createSimulatedClock } from '../support/simulated-clock.ts';

const client = { tokenUrl: 'https://login.test/token', clientId: 'car:illon', clientSecret: 's&cret', scope: 'kafka' };

/** A token server that numbers its tokens, until it is told to answer otherwise. */
const tokenServer = () => {
  const requests: RequestInit[] = [];
  const server = {
    requests,
    answer: (): Response | Promise<Response> =>
      Response.json({ access_token: `token-${requests.length}`, expires_in: 100 }),
    fetch: async (_url: string, init: RequestInit): Promise<Response> => {
      requests.push(init);
      return server.answer();
    },
  };
  return server;
};

describe('the OAuth token', () => {
  it('is asked for by client credentials, once for callers at the same time, and again after four fifths of its life', async () => {
    const [clock, server] = [createSimulatedClock(), tokenServer()];
    const token = createTokenSource(client, { clock, fetch: server.fetch });
    expect(await Promise.all([token(), token()])).toEqual(['token-1', 'token-1']);
    clock.advance(79_000);
    expect(await token()).toBe('token-1');
    clock.advance(2_000);
    expect(await token()).toBe('token-2');
    expect(server.requests).toHaveLength(2);
    expect(server.requests[0]).toMatchObject({
      method: 'POST',
      body: 'grant_type=client_credentials&scope=kafka',
      headers: { authorization: `Basic ${Buffer.from('car%3Aillon:s%26cret').toString('base64')}` },
    });
  });

  it('is kept for a minute where the server does not say how long it lives', async () => {
    const [clock, server] = [createSimulatedClock(), tokenServer()];
    server.answer = () => Response.json({ access_token: `token-${server.requests.length}` });
    const token = createTokenSource({ ...client, scope: null }, { clock, fetch: server.fetch });
    expect(await token()).toBe('token-1');
    clock.advance(60_000);
    expect(await token()).toBe('token-2');
    expect(server.requests[0]?.body).toBe('grant_type=client_credentials');
  });

  it.each([
    ['refuses', () => new Response('s&cret', { status: 401 }), 'refuses the client credentials (HTTP 401)'],
    ['sends no JSON', () => new Response('<html>s&cret'), 'answered with something that is not JSON'],
    ['sends no token', () => Response.json({ access_token: '' }), 'answered without access_token'],
    ['does not answer', () => Promise.reject(new Error('ECONNREFUSED')), 'does not answer'],
  ])(
    'is an error where the server %s, without a secret in it, and the next call asks again',
    async (...[, answer, why]) => {
      const server = tokenServer();
      const token = createTokenSource(client, { clock: createSimulatedClock(), fetch: server.fetch });
      const good = server.answer;
      server.answer = answer;
      const failed = await token().catch((error: Error) => error.message);
      expect(failed).toContain(`kafka's oauth token server https://login.test ${why}`);
      expect(failed).not.toContain('s&cret');
      server.answer = good;
      expect(await token()).toBe('token-2');
    },
  );
});
