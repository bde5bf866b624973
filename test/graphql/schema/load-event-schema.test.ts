import { readFileSync } from 'node:fs';
import { buildSchema, getNamedType, isInputObjectType, isUnionType, parse, validateSchema, visit } from 'graphql';
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../src/errors.ts';
import { loadEventSchema } from '../../../src/graphql/schema/index.ts';
import { refusalOf, schemaWith, shippedSchema } from './sdl-folder.ts';

const event = (fields: string, directive = 'type: "t", title: "x"'): string =>
  `type Thing @event(${directive}) { ${fields} }`;

describe('the shipped schema', () => {
  const loaded = shippedSchema();

  it('is valid GraphQL, and so is what it prints', () => {
    expect(validateSchema(loaded.schema)).toEqual([]);
    expect(validateSchema(buildSchema(loaded.sdl))).toEqual([]);
  });

  it('is what docs/schema.graphql says: otherwise run npm run codegen, read the difference and commit it', () => {
    const snapshot = readFileSync('docs/schema.graphql', 'utf8');
    expect(loaded.compareWithSnapshot(snapshot)).toEqual([]);
    expect(snapshot, 'docs/schema.graphql is stale: run npm run codegen and commit it').toBe(loaded.sdl);
  });

  it('describes every type, field, argument and enum value for client authors', () => {
    const nameless = new Set(['Query', 'Mutation', 'Subscription', 'DHL', 'FEDEX', 'UPS']);
    const bare: string[] = [];
    visit(parse(loaded.sdl), {
      enter(node) {
        if (!('description' in node) || !('name' in node) || node.name === undefined) return;
        if (node.description === undefined && !nameless.has(node.name.value)) bare.push(node.name.value);
      },
    });
    expect(bare).toEqual([]);
  });

  it('derives union members and @oneOf publish keys from the event types', () => {
    const union = loaded.schema.getType('NotificationContent');
    const input = loaded.schema.getType('NotificationContentInput');
    if (!isUnionType(union) || !isInputObjectType(input)) throw new Error('not derived');
    expect(union.getTypes().map((type) => type.name)).toEqual([
      'CommentMention',
      'IncidentAlert',
      'Message',
      'OrderShipped',
    ]);
    expect(input.isOneOf).toBe(true);
    expect(Object.keys(input.getFields())).toEqual(['commentMention', 'incidentAlert', 'message', 'orderShipped']);
  });

  it('has one digest however often it is read', () => {
    expect(shippedSchema().digest).toBe(loaded.digest);
    expect(loaded.digest).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('derived inputs', () => {
  it('nest, keep nullability, lists and enums, and take their names from the types', () => {
    const { schema } = schemaWith(`
      type Thing @event(type: "t", title: "x") { parts: [Part!]! kind: Kind other: Thing }
      type Part { id: ID! }
      enum Kind { A B }
    `);
    const input = schema.getType('ThingInput');
    if (!isInputObjectType(input)) throw new Error('not derived');
    const types = Object.fromEntries(Object.values(input.getFields()).map((field) => [field.name, String(field.type)]));
    expect(types).toEqual({ parts: '[PartInput!]!', kind: 'Kind', other: 'ThingInput' });
    expect(getNamedType(schema.getType('PartInput'))?.name).toBe('PartInput');
  });

  it.each([
    ['OrderShipped', 'orderShipped'],
    ['URLAlert', 'urlAlert'],
    ['Order_Shipped', 'orderShipped'],
    ['X', 'x'],
    ['A1', 'a1'],
    ['SMS', 'sms'],
  ])('give %s the key %s', (typename, key) => {
    const { events } = schemaWith(`type ${typename} @event(type: "t", title: "x") { id: ID! }`);
    expect(events).toEqual([{ type: 't', typename, key }]);
  });
});

describe('SDL that cannot be used', () => {
  it.each<[string, string, RegExp]>([
    ['an argument', event('id(a: Int): ID!'), /events\.graphql:1: Thing\.id has arguments/],
    ['a field of a base type', event('v: Viewer'), /events\.graphql:1: Thing\.v is of type Viewer/],
    ['a field of an unknown type', event('v: Nope'), /events\.graphql:1: Thing\.v is of type Nope/],
    ['a cursor field', event('v: Cursor'), /Thing\.v is of type Cursor/],
    ['a union', `${event('id: ID')}\nunion U = Thing`, /events\.graphql:2: .*unions cannot be there/],
    ['an interface', `${event('id: ID')}\ninterface I { id: ID }`, /events\.graphql:2: .*interfaces cannot be there/],
    ['a scalar', `${event('id: ID')}\nscalar S`, /events\.graphql:2: .*scalars of your own/],
    ['an input', `${event('id: ID')}\ninput I { a: Int = 5 }`, /events\.graphql:2: .*inputs/],
    ['an extension', `${event('id: ID')}\nextend type Query { a: Int }`, /events\.graphql:2: .*extensions/],
    [
      'a type that implements',
      `type Thing implements I @event(type: "t", title: "x") { id: ID }`,
      /implements an interface/,
    ],
    ['no event at all', 'type Thing { id: ID }', /has @event: add one/],
    ['an empty event type', event('id: ID', 'type: " ", title: "x"'), /Thing has no event type/],
    ['a number as event type', event('id: ID', 'type: 5, title: "x"'), /Thing has no event type/],
    ['a missing title', event('id: ID', 'type: "t"'), /Thing has no title/],
    ['a template of an unknown field', event('id: ID!', 'type: "t", title: "{no}"'), /\{no\} .* names no field/],
    ['a title that may be null', event('id: ID', 'type: "t", title: "{id}"'), /\{id\} .* may be null/],
    ['a body with a nullable among text', event('id: ID', 'type: "t", title: "x", body: "a {id}"'), /may be null/],
    ['a list in a template', event('ids: [ID!]!', 'type: "t", title: "{ids}"'), /list or an object/],
    ['an object in a template', event('me: Thing!', 'type: "t", title: "{me}"'), /list or an object/],
    ['a stray brace', event('id: ID!', 'type: "t", title: "{id"'), /brace that is not part of a \{field\}/],
    [
      'a script as url',
      event('id: ID!', 'type: "t", title: "x", url: "javascript:{id}"'),
      /neither a path nor an https/,
    ],
    ['http as url', event('id: ID!', 'type: "t", title: "x", url: "http://h/{id}"'), /neither a path nor an https/],
    ['another host as url', event('id: ID!', 'type: "t", title: "x", url: "//h/{id}"'), /neither a path nor an https/],
    [
      'two types of one event type',
      `${event('id: ID')}\ntype Other @event(type: "t", title: "x") { id: ID }`,
      /events\.graphql:2: Other and Thing share the event type "t"/,
    ],
    [
      'two types of one key',
      `${event('id: ID')}\ntype thing @event(type: "u", title: "x") { id: ID }`,
      /thing and Thing share the publish key "thing"/,
    ],
    ['a type that the gateway has', event('id: ID').replace('Thing', 'Viewer'), /only one type named "Viewer"/],
    [
      'a type whose input the gateway has',
      event('id: ID').replace('Thing', 'Audience'),
      /only one type named "AudienceInput"/,
    ],
    ['a name that GraphQL keeps', event('__id: ID'), /events\.graphql:1: Name "__id" must not begin/],
    ['non-null types that need one another', event('other: Thing!'), /non-null/],
    ['a type without fields', `${event('id: ID')}\ntype Empty`, /events\.graphql:2: .*Empty must define/],
    ['a syntax error', `${event('id: ID')}\ntype {`, /events\.graphql:2: Syntax Error/],
    ['a directive that does not exist', `${event('id: ID @nope')}`, /Unknown directive "@nope"/],
  ])('is refused for %s, with the place where it is known', (_what, sdl, expected) => {
    expect(refusalOf(sdl)).toMatch(expected);
  });

  it('is told with all of its problems at once', () => {
    const refusal = refusalOf(`${event('id(a: Int): ID, v: Viewer')}\nunion U = Thing`);
    expect(refusal.split('\n')).toHaveLength(4);
  });

  it('is CONFIG_INVALID, also where a folder is missing or empty', () => {
    const missing = () => loadEventSchema({ schemaDir: 'schema', eventsDir: 'no/such/folder' });
    expect(missing).toThrow(GatewayError);
    expect(missing).toThrow(/no\/such\/folder cannot be read .* set CARILLON_EVENTS_DIR/);
    expect(() => loadEventSchema({ schemaDir: 'schema', eventsDir: 'docs/adr' })).toThrow(/no \.graphql file/);
  });
});

describe('compareWithSnapshot', () => {
  const before = `
    type Thing @event(type: "t", title: "x") { id: ID! note: String part: Part }
    type Part { name: String }
    enum Kind { A B }
    type Other @event(type: "o", title: "x") { kind: Kind }
  `;
  const compare = (change: (sdl: string) => string): readonly string[] =>
    schemaWith(change(before)).compareWithSnapshot(schemaWith(before).sdl);

  it('says nothing of what only adds', () => {
    expect(compare((sdl) => sdl.replace('note: String', 'note: String more: Int'))).toEqual([]);
    expect(compare((sdl) => sdl.replace('A B', 'A B C'))).toEqual([]);
    expect(compare((sdl) => `${sdl} type New @event(type: "n", title: "x") { id: ID! }`)).toEqual([]);
  });

  it('names a non-null field that records in the log cannot have', () => {
    expect(compare((sdl) => sdl.replace('note: String', 'note: String more: Int!'))).toEqual([
      'Thing.more is new and non-null: records without it cannot be read; make it nullable',
    ]);
    expect(compare((sdl) => sdl.replace('{ name: String }', '{ name: String more: Int! }'))).toEqual([
      'Part.more is new and non-null: records without it cannot be read; make it nullable',
    ]);
    expect(compare((sdl) => sdl.replace('note: String', 'note: String!'))).toEqual([
      'Thing.note was nullable and is non-null now: records without it cannot be read; make it nullable',
    ]);
  });

  it('names an event type that was given another name', () => {
    expect(compare((sdl) => sdl.replace('"t"', '"t2"'))).toEqual([
      'Thing was the event type "t": records of it in the log are of no known type now',
    ]);
  });

  it('names what breaks clients: a field that is gone, one that may be null now', () => {
    expect(compare((sdl) => sdl.replace('note: String', ''))).toContain('Thing.note was removed.');
    expect(compare((sdl) => sdl.replace('id: ID!', 'id: ID'))).toContain('Thing.id changed type from ID! to ID.');
    expect(compare((sdl) => sdl.replace('A B', 'A'))).toContain('B was removed from enum type Kind.');
  });

  it('says so of a snapshot that is no SDL', () => {
    expect(shippedSchema().compareWithSnapshot('{')).toEqual(['the snapshot of the schema is no SDL: write it anew']);
  });
});
