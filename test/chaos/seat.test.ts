import { describe, expect, it } from 'vitest';
import type { Happening } from './history.ts';
import { clientOf, haveAllBeenHere, libraryPauseMs, Notebook, type Seat } from './seat.ts';

const result = (cursor: string): unknown => ({
  data: { notificationReceived: { cursor, isLive: true, gap: null, edge: null } },
});

const open = () => {
  const written: Happening[] = [];
  const seat: Seat = {
    ...{ user: 'ada', topics: [], style: 'zero-code', isHasty: false, port: 0 },
    scribe: (happening) => written.push(happening),
    token: async () => '',
  };
  const notebook = new Notebook(seat);
  return { notebook, client: clientOf(notebook, async () => {}), written };
};

describe('a client of the campaign', () => {
  it('is here once its subscription has brought something, and until its connection ends', () => {
    const { notebook, client } = open();
    expect(client.isHere).toBe(false);
    notebook.take(result('c1'));
    expect(client.isHere).toBe(true);
    notebook.closed(1006, '');
    expect(client.isHere).toBe(false);
    notebook.take(result('c2'));
    expect(client.isHere).toBe(true);
  });

  it('is not here when its operation is refused', () => {
    const { notebook, client } = open();
    notebook.take({ errors: [{ message: 'no' }] });
    expect(client.isHere).toBe(false);
  });

  it('has been here where it was at one look or another, be it away again by now', () => {
    const [one, other] = [open(), open()];
    const haveAll = haveAllBeenHere([one.client, other.client]);
    one.notebook.take(result('c1'));
    expect(haveAll()).toBe(false);
    one.notebook.closed(1006, '');
    other.notebook.take(result('c1'));
    expect(haveAll()).toBe(true);
  });

  it('writes down how its connection ended', () => {
    const { notebook, written } = open();
    notebook.closed(1012, 'restarting');
    expect(written.at(-1)).toEqual({ kind: 'closed', code: 1012, reason: 'restarting' });
  });

  it('waits longer with each attempt in vain, as its library does, but not for ever', () => {
    const longest = [0, 1, 2, 3, 4, 50].map((retries) => Math.floor((libraryPauseMs(retries) - 300) / 1_000));
    for (const [n, seconds] of [1, 2, 4, 8, 8, 8].entries()) {
      expect(longest[n]).toBeGreaterThanOrEqual(seconds);
      expect(longest[n]).toBeLessThan(seconds + 3);
    }
  });
});
