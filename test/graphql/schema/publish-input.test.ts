import { getNamedType, getVariableValues, type OperationDefinitionNode, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { shippedSchema } from './sdl-folder.ts';

const { schema, publishInput, content } = shippedSchema();

const document = parse('query ($content: NotificationContentInput!) { viewer { userId } }');
const definition = document.definitions[0] as OperationDefinitionNode;

/** Coerced as graphql-js hands it to the resolver; its complaints as text. */
const coerce = (input: unknown): Record<string, unknown> | string => {
  const { coerced, errors } = getVariableValues(schema, definition.variableDefinitions ?? [], { content: input });
  return coerced === undefined
    ? (errors?.map((error) => error.message).join('\n') ?? '')
    : (coerced['content'] as Record<string, unknown>);
};

const publish = (input: unknown) => {
  const coerced = coerce(input);
  return typeof coerced === 'string' ? coerced : publishInput(coerced);
};

describe('publishInput', () => {
  it('gives type, own fields and display of the one event that was set', () => {
    const orderShipped = {
      orderNumber: 'A-1',
      itemCount: 2,
      expectedAt: '2026-03-01T10:00:00+01:00',
      parcels: [{ trackingNumber: 'T1' }],
    };
    expect(publish({ orderShipped })).toEqual({
      ok: true,
      type: 'com.acme.order.shipped',
      value: orderShipped,
      display: { title: 'Order A-1 shipped', body: '2 items are on their way', url: '/orders/A-1' },
    });
  });

  it('gives a value that is JSON and reads back from the log as the same display', () => {
    const incidentAlert = {
      ...{ incidentId: 7, severity: 'MAJOR', service: 'checkout', summary: 'slow', startedAt: '2026-03-01T10:00:00Z' },
      ...{ regions: [], failedRequests: '9007199254740993', errorRatio: 0.5 },
    };
    const result = publish({ incidentAlert });
    if (typeof result === 'string' || !result.ok) throw new Error(JSON.stringify(result));
    const value = JSON.parse(JSON.stringify(result.value));
    expect(value).toEqual({ ...incidentAlert, incidentId: '7' });
    expect(content.read(result.type, value)).toMatchObject({ ok: true, display: result.display });
  });

  it('names the field at fault, as a path below input', () => {
    expect(publishInput({ orderShipped: { orderNumber: 'A', itemCount: 1, parcels: [{}] } })).toEqual({
      ok: false,
      field: ['content', 'orderShipped', 'parcels', '0', 'trackingNumber'],
      message: 'content.orderShipped.parcels.0.trackingNumber is missing',
    });
  });

  it('wants exactly one event type, also where nobody coerced before', () => {
    const two = { message: { title: 'a' }, orderShipped: null };
    expect(publishInput(two)).toMatchObject({ ok: true, type: 'message' });
    for (const input of [
      {},
      { message: null },
      { nope: {} },
      { __proto__: null, message: { title: 'a' }, orderShipped: {} },
    ]) {
      expect(publishInput(input)).toMatchObject({ ok: false, field: ['content'] });
    }
  });
});

describe('C55: numbers in a mutation', () => {
  const alert = (more: Record<string, unknown>) => ({
    incidentAlert: {
      ...{
        incidentId: 'i',
        severity: 'MINOR',
        service: 's',
        summary: 's',
        startedAt: '2026-03-01T10:00:00Z',
        regions: [],
      },
      ...more,
    },
  });
  const order = (itemCount: unknown) => ({ orderShipped: { orderNumber: 'A', itemCount, parcels: [] } });

  it('are refused where they do not fit, before anything is written', () => {
    expect(publish(order(2147483648))).toMatch(/Int cannot represent non 32-bit signed integer value/);
    expect(publish(alert({ failedRequests: 9007199254740992 }))).toMatch(/BigInt cannot be .*digits: send text/);
    expect(publish(alert({ failedRequests: '9223372036854775808' }))).toMatch(/beyond 64 bits/);
    expect(publish(alert({ startedAt: '2026-02-30T10:00:00Z' }))).toMatch(/DateTime cannot be "2026-02-30T10:00:00Z"/);
  });

  it('keep every digit as text, in variables and in literals', () => {
    expect(publish(alert({ failedRequests: '9007199254740993' }))).toMatchObject({
      value: { failedRequests: '9007199254740993' },
    });
    const type = getNamedType(schema.getType('BigInt'));
    if (type === undefined || !('parseLiteral' in type)) throw new Error('no scalar');
    expect(type.parseLiteral({ kind: 'IntValue', value: '9007199254740993' } as never, undefined)).toBe(
      '9007199254740993',
    );
    expect(() => type.parseLiteral({ kind: 'FloatValue', value: '1e19' } as never, undefined)).toThrow(
      /BigInt cannot be/,
    );
  });
});
