import { describe, expect, it } from 'vitest';
import { speak } from '../support/fake-terminal.ts';

describe('carillon schema', () => {
  it('prints the whole schema as SDL', async () => {
    const { printed } = await speak(['schema', 'sdl']);
    expect(printed.join()).toContain('type Subscription');
    expect(printed.join()).toContain('union NotificationContent');
  });

  it('prints JSON Schema of every event type, or of one', async () => {
    const all = JSON.parse((await speak(['schema', 'json'])).printed.join()) as Record<string, unknown>;
    expect(Object.keys(all)).toContain('com.acme.order.shipped');
    const one: unknown = JSON.parse((await speak(['schema', 'json', 'message'])).printed.join());
    expect(one).toEqual(all['message']);
  });

  it('prints AsyncAPI for the topic that mutations write to', async () => {
    const env = { CARILLON_KAFKA_TOPICS: 'orders,other' };
    const document = (await speak(['schema', 'asyncapi'], { env })).printed.join();
    expect(JSON.parse(document)).toMatchObject({ asyncapi: '3.0.0', channels: { records: { address: 'orders' } } });
  });
});
