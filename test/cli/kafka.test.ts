import { describe, expect, it } from 'vitest';
import { freePorts } from '../../dev/kafka/ports.ts';
import { runCli } from '../support/cli.ts';
import { type Spoken, speak } from '../support/fake-terminal.ts';
import { kafkaForTests, uniqueTopic } from '../support/kafka.ts';
import { readTopic } from '../support/kafka-topic.ts';

const kafka = await kafkaForTests();

describe.skipIf(kafka === null)('the command line on Kafka', () => {
  const brokers = kafka?.brokers ?? [];
  const topic = uniqueTopic('cli');
  const env = { CARILLON_KAFKA_BROKERS: brokers.join(','), CARILLON_KAFKA_TOPICS: topic };
  const run = (...args: string[]): Promise<Spoken> => speak(args, { env });

  it('finds topics missing, creates them once, and prints the rights that a gateway needs', async () => {
    const plan = await run('topics', 'plan', '--partitions', '3', '--principal', 'User:gw');
    expect(plan.code).toBe(0);
    expect(plan.printed.filter((line) => line.startsWith(`missing  ${topic}`))).toEqual([
      expect.stringContaining('partitions=3 replication-factor=1'),
      expect.stringContaining(`${topic}.dlq`),
    ]);
    expect(plan.printed.filter((line) => line.includes('--allow-principal User:gw'))).toHaveLength(3);
    expect((await run('doctor')).code).toBe(1);

    expect((await run('topics', 'apply', '--partitions', '3')).printed[0]).toMatch(`created  ${topic}  partitions=3`);
    const again = await run('topics', 'apply', '--partitions', '4');
    expect(again.printed).toContain(`present  ${topic}`);
    expect(again.printed).toContain(`differs  ${topic}  partitions is 3, planned 4 (left as it is)`);
    const json = JSON.parse((await run('topics', 'plan', '--json')).printed.join('')) as { missing: unknown[] };
    expect(json.missing).toEqual([]);
  });

  it('finds nothing wrong with the cluster then', async () => {
    const { code, printed } = await run('doctor');
    expect(code).toBe(0);
    expect(printed).toContain(`ok       topic ${topic}: exists, with 3 partitions`);
  });

  it('publishes straight into Kafka, as a CloudEvents record', async () => {
    const { code, printed } = await run('publish', '--kafka', '--user', 'ada', '--title', 'Past the gateway');
    expect(code).toBe(0);
    expect(printed).toHaveLength(1);
    const [record] = await readTopic(brokers, topic);
    expect(record?.key?.toString()).toBe('ada');
    expect(JSON.parse(String(record?.value))).toMatchObject({ title: 'Past the gateway' });
    expect(String(record?.headers?.['ce_type'])).toBe('message');
  });

  it('tells that the topic is missing, and how to make it, instead of publishing', async () => {
    const elsewhere = { ...env, CARILLON_KAFKA_TOPICS: uniqueTopic('absent') };
    const spoken = await speak(['publish', '--kafka', '--user', 'ada', '--title', 'x'], { env: elsewhere });
    expect(spoken).toMatchObject({ code: 1, printed: [] });
    expect(spoken.said.join()).toContain('does not exist: carillon topics apply');
  });
});

describe('the command line without a Kafka', () => {
  it.each(['topics plan', 'topics apply', 'doctor', 'publish --kafka --everyone --title x'])(
    'exits 78 where no broker is named: %s',
    async (line) => {
      const { code, said } = await speak(line.split(' '));
      expect(code).toBe(78);
      expect(said.join()).toContain('CARILLON_KAFKA_BROKERS is not set: set host:port[,host:port]');
    },
  );

  it('exits 1 within its patience where nobody answers, in a process of its own too', { timeout: 40_000 }, async () => {
    const [port = 0] = await freePorts(1);
    const env = { CARILLON_KAFKA_BROKERS: `127.0.0.1:${port}` };
    const [published, planned, examined] = await Promise.all([
      runCli(['publish', '--kafka', '--user', 'ada', '--title', 'x'], env),
      runCli(['topics', 'plan'], env),
      runCli(['doctor'], env),
    ]);
    const unanswered = 'carillon: the log did not answer within 10 s: npx carillon doctor says why';
    expect(published).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(unanswered) });
    expect(planned).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('ECONNREFUSED') });
    expect(examined).toMatchObject({ code: 1, stdout: expect.stringContaining('ECONNREFUSED') });
  });
});
