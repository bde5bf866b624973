import { randomUUID } from 'node:crypto';
import { Kafka } from 'kafkajs';

/** A service that writes an event straight into Kafka: CloudEvents 1.0, binary mode. Run it with Node 24: node examples/producers/kafkajs.ts */

const brokers = (process.env['KAFKA_BROKERS'] ?? 'localhost:9092').split(',');
const producer = new Kafka({ clientId: 'orders', brokers }).producer({ idempotent: true, maxInFlightRequests: 1 });

await producer.connect();
await producer.send({
  topic: 'notifications',
  acks: -1,
  messages: [
    {
      key: 'ada',
      value: JSON.stringify({ orderNumber: '1042', itemCount: 2, parcels: [{ trackingNumber: 'X1' }] }),
      headers: {
        'content-type': 'application/json',
        ce_specversion: '1.0',
        // The same id again is the same event: what a retry repeats is dropped.
        ce_id: randomUUID(),
        ce_source: '/orders',
        ce_type: 'com.acme.order.shipped',
        ce_time: new Date().toISOString(),
        ce_audience: 'user',
        ce_subject: 'ada',
      },
    },
  ],
});
await producer.disconnect();
