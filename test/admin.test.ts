import { afterEach, describe, expect, it } from 'vitest';
import { type AdminOptions, startAdmin } from '../src/admin.ts';

const cleanUp: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const task of cleanUp.splice(0)) await task();
});

const options = (given: Partial<AdminOptions> = {}): AdminOptions => ({
  host: '127.0.0.1',
  port: 0,
  readiness: () => ({ notReady: null, degraded: null }),
  metrics: async () => 'carillon_x 1\n',
  snapshot: () => ({ sessions: {} }),
  ...given,
});

const start = async (given: Partial<AdminOptions> = {}): Promise<string> => {
  const admin = await startAdmin(options(given));
  cleanUp.push(() => admin.close());
  return admin.url;
};

const get = async (url: string): Promise<{ status: number; body: string }> => {
  const response = await fetch(url);
  return { status: response.status, body: await response.text() };
};

describe('the admin port', () => {
  it('is live at once, and not ready with the reason', async () => {
    const url = await start({ readiness: () => ({ notReady: 'waiting for the log (kafka)', degraded: null }) });
    expect((await get(`${url}/livez`)).status).toBe(200);
    expect(await get(`${url}/readyz`)).toEqual({
      status: 503,
      body: '{"status":"not_ready","reason":"waiting for the log (kafka)"}\n',
    });
  });

  it('stays ready when degraded, and says what is', async () => {
    const url = await start({
      readiness: async () => ({ notReady: null, degraded: 'the log has not answered for 12 s' }),
    });
    const { status, body } = await get(`${url}/readyz`);
    expect(status).toBe(200);
    expect(JSON.parse(body)).toEqual({ status: 'degraded', reason: 'the log has not answered for 12 s' });
  });

  it('shows metrics and the machines by state, and says what else there is', async () => {
    const url = await start();
    expect((await get(`${url}/metrics`)).body).toBe('carillon_x 1\n');
    expect(JSON.parse((await get(`${url}/snapshot`)).body)).toEqual({ sessions: {} });
    expect((await get(`${url}/nothing`)).body).toContain('/readyz');
    expect((await fetch(`${url}/livez`, { method: 'POST' })).status).toBe(405);
  });

  it('waits for what has to be asked for elsewhere', async () => {
    const url = await start({ snapshot: async () => ({ workers: [] }) });
    expect(JSON.parse((await get(`${url}/snapshot`)).body)).toEqual({ workers: [] });
  });

  it('names the variable of a port that is taken', async () => {
    const url = await start();
    const port = Number(new URL(url).port);
    await expect(startAdmin(options({ port }))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(`CARILLON_ADMIN_PORT 127.0.0.1:${port} cannot be listened on`),
    });
  });
});
