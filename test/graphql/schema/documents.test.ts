import { describe, expect, it } from 'vitest';
import { schemaWith, shippedSchema } from './sdl-folder.ts';

type Json = Record<string, unknown>;

/** Every `$ref` below `node`, with what it points at in `root`. */
const referencesIn = (node: unknown, root: Json): [string, unknown][] => {
  if (typeof node !== 'object' || node === null) return [];
  const below = Object.values(node).flatMap((value) => referencesIn(value, root));
  const { $ref } = node as { $ref?: unknown };
  if (typeof $ref !== 'string') return below;
  let target: unknown = root;
  for (const step of $ref.replace('#/', '').split('/')) target = (target as Json | undefined)?.[step];
  return [[$ref, target], ...below];
};

describe('JSON Schema of an event', () => {
  const schemas = schemaWith(`
    "A thing."
    type Thing @event(type: "t", title: "x") { "Its id." id: ID!  kind: Kind  parts: [Part!]!  big: BigInt }
    type Part { name: String!  inner: Part }
    enum Kind { A B }
  `).jsonSchemas();
  const schema = schemas.get('t') as Json;

  it('says what a record of it may hold', () => {
    expect(schema).toEqual({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $id: 'urn:carillon:event:t',
      title: 'Thing',
      description: 'A thing.',
      type: 'object',
      properties: {
        id: { description: 'Its id.', type: ['string', 'integer'] },
        kind: { anyOf: [{ $ref: '#/$defs/Kind' }, { type: 'null' }] },
        parts: { type: 'array', items: { $ref: '#/$defs/Part' } },
        big: {
          anyOf: [{ anyOf: [{ type: 'string', pattern: '^-?[0-9]{1,19}$' }, { type: 'integer' }] }, { type: 'null' }],
        },
      },
      required: ['id', 'parts'],
      $defs: {
        Kind: { type: 'string', enum: ['A', 'B'] },
        Part: {
          type: 'object',
          properties: {
            name: { type: 'string' },
            inner: { anyOf: [{ $ref: '#/$defs/Part' }, { type: 'null' }] },
          },
          required: ['name'],
        },
      },
    });
  });

  it('is there for every shipped event, with references that lead somewhere', () => {
    const shipped = shippedSchema();
    const all = shipped.jsonSchemas();
    expect([...all.keys()]).toEqual(shipped.events.map((event) => event.type));
    for (const each of all.values()) {
      for (const [ref, target] of referencesIn(each, each)) expect(target, ref).toBeDefined();
    }
  });
});

describe('the AsyncAPI document', () => {
  const document = shippedSchema().asyncApi({ topic: 'notifications', version: '1.2.3' }) as Json;

  it('has the records that producers write and the payloads that subscribers get', () => {
    expect(document).toMatchObject({
      asyncapi: '3.0.0',
      info: { version: '1.2.3' },
      channels: { records: { address: 'notifications' }, subscription: { address: '/graphql' } },
      operations: {
        receiveRecords: { action: 'receive', channel: { $ref: '#/channels/records' } },
        sendNotifications: { action: 'send', channel: { $ref: '#/channels/subscription' } },
      },
    });
  });

  it('has one message per event type, with CloudEvents headers that name it', () => {
    expect(document['components']).toMatchObject({
      messages: {
        OrderShipped: {
          payload: { $ref: '#/components/schemas/OrderShipped' },
          headers: { properties: { ce_type: { const: 'com.acme.order.shipped' } } },
        },
      },
    });
  });

  it('has references that lead somewhere, and is plain JSON', () => {
    const references = referencesIn(document, document);
    expect(references.length).toBeGreaterThan(10);
    for (const [ref, target] of references) expect(target, ref).toBeDefined();
    expect(JSON.parse(JSON.stringify(document))).toEqual(document);
  });
});
