import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GatewayProcess, spawnGateway } from '../support/gateway.ts';
import { kafkaForTests, noKafka } from '../support/kafka.ts';
import { createTopics } from '../support/kafka-producer.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { messageTo, publish } from '../support/publish.ts';
import { testToken } from '../support/token.ts';
import { callerTrace, tracedTo } from '../support/traced-gateway.ts';

const kafka = await kafkaForTests({ nodes: 1 });
const topic = 'traced-outage';

describe.skipIf(kafka === null)('the trace of a publish while the broker is away', () => {
  const { brokers, nodes } = kafka ?? noKafka;
  let receiver: OtlpReceiver;
  let gateway: GatewayProcess;

  beforeAll(async () => {
    receiver = await startOtlpReceiver();
    await createTopics(brokers, [
      { topic, partitions: 1 },
      { topic: `${topic}.dlq`, partitions: 1 },
    ]);
    gateway = await spawnGateway({
      CARILLON_LOG: 'kafka',
      CARILLON_KAFKA_BROKERS: brokers.join(','),
      CARILLON_KAFKA_TOPICS: topic,
      CARILLON_DRAIN_SECONDS: '2',
      ...tracedTo(receiver.otlpUrl),
    }).ready;
  });
  afterAll(async () => {
    await gateway?.end();
    await receiver?.close();
    await kafka?.stop();
  });

  it('is an error with the code that the caller got', async () => {
    await nodes[0]?.kill('SIGKILL');
    const { traceId, traceparent } = callerTrace();
    const token = await testToken('service', { scopes: ['notifications:publish'] });
    const answer = await publish(gateway.httpUrl, { token, input: messageTo('ada', 'x'), headers: { traceparent } });
    expect(answer.errors?.[0]?.extensions?.['code']).toBe('LOG_UNAVAILABLE');
    await receiver.until(() => receiver.spans.some((span) => span.traceId === traceId && span.name === 'publish'));
    const failed = receiver.spans.find((span) => span.traceId === traceId && span.name === 'publish');
    expect(failed).toMatchObject({ isError: true, attributes: { 'error.type': 'LOG_UNAVAILABLE' } });
  });
});
