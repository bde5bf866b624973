import { afterEach, describe, expect, it } from 'vitest';
import { signToken } from '../../src/identity/index.ts';
import { follow } from '../support/follower.ts';
import { type GatewayProcess, scratchFolder, startGateway, testSecret } from '../support/gateway.ts';
import { messageTo, publish } from '../support/publish.ts';

const rounds = 3;
const publishers = 16;
const acknowledgedBeforeKill = 200;

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task();
});

const token = (user: string): Promise<string> =>
  signToken(testSecret, { user, scopes: ['notifications:publish'], topics: [], expiresInSeconds: 600 });

/** Publishes until the gateway is gone; kills it as soon as enough is acknowledged, while the rest is in flight. */
const publishUntilKilled = async (gateway: GatewayProcess, label: string): Promise<Set<string>> => {
  const acknowledged = new Set<string>();
  const bearer = await token('service');
  let isKilled = false;
  const one = async (worker: number): Promise<void> => {
    for (let n = 0; !isKilled; n++) {
      const answer = await publish(gateway.httpUrl, {
        token: bearer,
        input: messageTo('ada', `${label}-${worker}-${n}`),
      });
      const id = answer.data?.publishNotification.notificationId;
      if (id !== undefined && id !== null) acknowledged.add(id);
      if (acknowledged.size >= acknowledgedBeforeKill && !isKilled) {
        isKilled = true;
        gateway.process.kill('SIGKILL');
      }
    }
  };
  await Promise.allSettled(Array.from({ length: publishers }, (_, worker) => one(worker)));
  return acknowledged;
};

describe('kill -9 of a gateway on the embedded log', () => {
  it('loses no event that a publisher was told of, and a client that resumes gets each once', async () => {
    const folder = await scratchFolder();
    cleanUp.push(() => folder.remove());
    const ada = await token('ada');
    const acknowledged = new Set<string>();
    let cursor: string | null = null;
    for (let round = 0; round < rounds; round++) {
      const gateway = await startGateway({ CARILLON_DATA_DIR: folder.path });
      cleanUp.push(() => gateway.end('SIGKILL'));
      if (cursor === null) {
        const first = await follow(gateway.wsUrl, { token: ada });
        cursor = first.cursor;
        await first.close();
      }
      for (const id of await publishUntilKilled(gateway, `r${round}`)) acknowledged.add(id);
      expect(await gateway.end('SIGKILL')).toBeNull();
    }
    const gateway = await startGateway({ CARILLON_DATA_DIR: folder.path });
    cleanUp.push(() => gateway.end());
    const returned = await follow(gateway.wsUrl, { token: ada, after: cursor });
    const missing = new Set(acknowledged);
    let looked = 0;
    await returned.until(({ events }) => {
      for (; looked < events.length; looked++) missing.delete(events[looked]?.id ?? '');
      return missing.size === 0;
    });
    const ids = returned.events.map((event) => event.id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(returned.gaps).toEqual([]);
    expect(acknowledged.size).toBeGreaterThanOrEqual(rounds * acknowledgedBeforeKill);
    await returned.close();
  }, 180_000);
});
