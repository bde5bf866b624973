import { afterEach, describe, expect, it } from 'vitest';
import { connectRaw } from '../graphql/raw-client.ts';
import { runCli } from '../support/cli.ts';
import { follow } from '../support/follower.ts';
import { type GatewayProcess, scratchFolder, startGateway, testSecret } from '../support/gateway.ts';
import { kafkaForTests, uniqueTopic } from '../support/kafka.ts';
import { createTopics } from '../support/kafka-producer.ts';
import { messageTo, publish } from '../support/publish.ts';
import { testToken } from '../support/token.ts';

const kafka = await kafkaForTests();
const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task();
});

/** Nobody's revocation is to reach another test: the control topic is everybody's. */
const user = uniqueTopic('ada');

const start = async (env: Record<string, string>): Promise<GatewayProcess> => {
  const gateway = await startGateway(env);
  cleanUp.push(() => gateway.end());
  return gateway;
};

const revoke = ({ httpUrl }: GatewayProcess, ...flags: string[]) =>
  runCli(['revoke', ...flags], { CARILLON_URL: httpUrl, CARILLON_JWT_SECRET: testSecret });

/** The code that a connection with `token` is closed with; null where it is acknowledged. */
const refusal = async ({ wsUrl }: GatewayProcess, token: string): Promise<number | null> => {
  const client = await connectRaw(wsUrl);
  client.send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
  const first = await client.next().catch(() => null);
  client.ws.close();
  const { code } = await client.closed;
  return first?.type === 'connection_ack' ? null : code;
};

describe('a revocation on the embedded log', () => {
  it('closes the live socket with 4403, refuses the token from then on, after a restart too, and lets a newer one in', async () => {
    const folder = await scratchFolder();
    cleanUp.push(() => folder.remove());
    const env = { CARILLON_DATA_DIR: folder.path };
    const first = await start(env);
    const [leaked, good] = [await testToken(user, { tokenId: 'leaked' }), await testToken(user, { tokenId: 'good' })];
    const [gone, stays] = [await follow(first.wsUrl, { token: leaked }), await follow(first.wsUrl, { token: good })];
    cleanUp.push(
      () => gone.close(),
      () => stays.close(),
    );
    expect(await revoke(first, '--token-id', 'leaked')).toMatchObject({ code: 0, stderr: '' });
    await gone.until(({ closes }) => closes.length > 0);
    expect([gone.closes, stays.closes]).toEqual([[4403], []]);
    expect(await refusal(first, leaked)).toBe(4403);
    const service = await testToken('service', { scopes: ['notifications:publish'] });
    await publish(first.httpUrl, { token: service, input: messageTo(user, 'after') });
    await stays.until(({ events }) => events.length === 1);
    expect(gone.events).toEqual([]);
    await first.end('SIGTERM');
    const second = await start(env);
    expect(await refusal(second, leaked)).toBe(4403);
    expect(await refusal(second, good)).toBeNull();
  });

  it('is for who has the admin scope, and says what is wrong with it', async () => {
    const folder = await scratchFolder();
    cleanUp.push(() => folder.remove());
    const gateway = await start({ CARILLON_DATA_DIR: folder.path });
    const token = await testToken('service', { scopes: ['notifications:publish'] });
    expect(await revoke(gateway, '--user', user, '--token', token)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('FORBIDDEN: revoking tokens needs the scope notifications:admin'),
    });
    expect(await revoke(gateway, '--user', user, '--before', '2999-01-01T00:00:00Z')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('issuedBefore lies ahead'),
    });
    expect(await revoke(gateway, '--user', user, '--before', 'yesterday')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is not an RFC 3339 date-time'),
    });
    expect((await revoke(gateway)).code).toBe(64);
    expect((await revoke(gateway, '--user', user, '--session', 's')).code).toBe(64);
  });
});

describe.skipIf(kafka === null)('a revocation on Kafka', () => {
  it('made at one node closes the sockets of another', async () => {
    const brokers = kafka?.brokers ?? [];
    const topic = uniqueTopic('revocation');
    await createTopics(brokers, [
      { topic, partitions: 2 },
      { topic: `${topic}.dlq`, partitions: 1 },
    ]);
    const env = {
      CARILLON_LOG: 'kafka',
      CARILLON_KAFKA_BROKERS: brokers.join(','),
      CARILLON_KAFKA_TOPICS: topic,
    };
    const [here, there] = await Promise.all([start(env), start(env)]);
    const token = await testToken(user, { sessionId: topic });
    const follower = await follow(there.wsUrl, { token });
    cleanUp.push(() => follower.close());
    expect(await revoke(here, '--session', topic)).toMatchObject({ code: 0, stderr: '' });
    await follower.until(({ closes }) => closes.length > 0);
    expect(follower.closes).toEqual([4403]);
    expect(await refusal(there, token)).toBe(4403);
    expect(await refusal(here, token)).toBe(4403);
  });
});
