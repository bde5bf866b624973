import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/clock.ts';
import { type Decoded, type LogRecord, type NewEvent, notificationId, partitionId } from '../../src/event.ts';
import { type ContentCodec, createRecordCodec, type RecordCodec } from '../../src/log/record-codec.ts';

const now = Date.parse('2026-03-01T12:00:00Z');
const clock: Clock = { now: () => now, monotonic: () => 0, after: () => ({ cancel: () => undefined }) };

/** Knows two types; takes any value with a text `title`. */
const content: ContentCodec = {
  read(type, value) {
    if (type !== 'message' && type !== 'com.acme.order.shipped') {
      return { ok: false, code: 'unknown_type', detail: 'the type is not in the schema' };
    }
    if (typeof value['title'] !== 'string') return { ok: false, code: 'invalid_content', detail: 'title' };
    const display = { title: value['title'], body: null, url: null };
    return { ok: true, content: { __typename: 'Message', ...value }, display };
  },
};

const codec: RecordCodec = createRecordCodec({
  content,
  defaultType: 'message',
  clock,
  fingerprintOf: () => '00112233aabbccdd',
});

type Parts = {
  key?: string | Buffer | null;
  value?: string | Buffer | null;
  headers?: readonly (readonly [string, string | Buffer])[];
  offset?: bigint;
};

const bytesOf = (part: string | Buffer | null): Buffer | null => (part === null ? null : Buffer.from(part));

const record = ({ key = 'u-1', value = '{"title":"Hi"}', headers = [], offset = 7n }: Parts): LogRecord => ({
  partition: partitionId('notifications', 3),
  offset,
  epoch: 2,
  timestampMs: now - 1000,
  key: bytesOf(key),
  value: bytesOf(value),
  headers: headers.map(([name, text]) => [name, Buffer.from(text)] as const),
});

const decode = (parts: Parts): Decoded => codec.decode(record(parts));

const envelopeOf = (parts: Parts) => {
  const decoded = decode(parts);
  if (decoded.kind !== 'event') throw new Error(`expected an event, got ${JSON.stringify(decoded)}`);
  return decoded.envelope;
};

const reasonOf = (parts: Parts): string => {
  const decoded = decode(parts);
  return 'reason' in decoded ? `${decoded.kind} ${decoded.reason.code}` : decoded.kind;
};

const ce = (attributes: Record<string, string>): [string, string][] =>
  Object.entries({ specversion: '1.0', id: 'e-1', source: '/shop', ...attributes }).map(([name, text]) => [
    `ce_${name}`,
    text,
  ]);

const structured = (envelope: Record<string, unknown>, contentType = 'application/cloudevents+json'): Parts => ({
  value: JSON.stringify({ specversion: '1.0', id: 'e-1', source: '/shop', type: 'message', ...envelope }),
  headers: [['content-type', contentType]],
});

describe('a plain record', () => {
  it('is an event of the default type for the user that its key names', () => {
    const envelope = envelopeOf({ value: '{"title":"Hi"}' });
    expect(envelope.type).toBe('message');
    expect(envelope.audience).toEqual({ kind: 'user', userId: 'u-1' });
    expect(envelope.createdAtMs).toBe(now - 1000);
    expect(envelope.position).toEqual({ partition: 'notifications/3', offset: 7n, epoch: 2 });
    expect(envelope.bytes).toBe(3 + 14);
  });

  it('has an id of its place in the log, so that no two records share one', () => {
    const first = envelopeOf({ offset: 1n });
    expect(envelopeOf({ offset: 1n }).id).toBe(first.id);
    expect(envelopeOf({ offset: 2n }).id).not.toBe(first.id);
    expect(envelopeOf({ offset: 2n }).dedupeKey).not.toBe(first.dedupeKey);
  });

  it('takes a UTF-8 value with a byte order mark', () => {
    expect(envelopeOf({ value: '\uFEFF{"title":"Grüße"}' }).display.title).toBe('Grüße');
  });
});

describe('CloudEvents in binary mode', () => {
  it('gives id, type, times and audience from the headers', () => {
    const envelope = envelopeOf({
      key: 'any',
      headers: ce({
        type: 'com.acme.order.shipped',
        time: '2026-03-01T11:59:58.25+01:00',
        expirytime: '2026-03-02T00:00:00Z',
        audience: 'topic',
        subject: 'orders.eu.42',
      }),
    });
    expect(envelope.type).toBe('com.acme.order.shipped');
    expect(envelope.id).toBe(notificationId('/shop', 'e-1'));
    expect(envelope.createdAtMs).toBe(Date.parse('2026-03-01T10:59:58.250Z'));
    expect(envelope.expiresAtMs).toBe(Date.parse('2026-03-02T00:00:00Z'));
    expect(envelope.audience).toEqual({ kind: 'topic', topic: 'orders.eu.42' });
  });

  it('lets the subject win over the key for a user, and needs no key then', () => {
    expect(envelopeOf({ key: null, headers: ce({ subject: 'u-2' }) }).audience).toEqual({
      kind: 'user',
      userId: 'u-2',
    });
  });

  it('gives one id but different duplicate keys to one event for two users', () => {
    const one = envelopeOf({ headers: ce({ subject: 'u-1' }) });
    const two = envelopeOf({ headers: ce({ subject: 'u-2' }) });
    expect(one.id).toBe(two.id);
    expect(one.dedupeKey).not.toBe(two.dedupeKey);
  });

  it('tells events apart whose source and id differ only by where one ends', () => {
    const one = envelopeOf({ headers: ce({ source: '/a', id: 'b1' }) });
    const two = envelopeOf({ headers: ce({ source: '/ab', id: '1' }) });
    expect(one.id).not.toBe(two.id);
    expect(one.dedupeKey).not.toBe(two.dedupeKey);
  });

  it('reads the first of duplicate headers', () => {
    const headers: [string, string][] = [...ce({ subject: 'u-1' }), ['ce_subject', 'u-2']];
    expect(envelopeOf({ headers }).audience).toEqual({ kind: 'user', userId: 'u-1' });
  });

  it.each([
    ['ce_time', 'yesterday'],
    ['ce_time', '2026-02-30T00:00:00Z'],
    ['ce_expirytime', '1772366400'],
    ['ce_specversion', '0.3'],
    ['ce_type', Buffer.from([0xff, 0xfe])],
    ['ce_id', Buffer.from([0xc3, 0x28])],
  ])('is unreadable for its user when %s is %j', (name, value) => {
    expect(reasonOf({ headers: [[name, value]] })).toBe('unreadable invalid_attribute');
  });
});

describe('an event whose time cannot be read', () => {
  it('is dated by its record', () => {
    expect(decode({ headers: [['ce_time', 'yesterday']] })).toMatchObject({
      kind: 'unreadable',
      createdAtMs: now - 1000,
    });
  });
});

describe('CloudEvents in structured mode', () => {
  it.each([
    'application/cloudevents+json',
    'application/cloudevents+json; charset=utf-8',
    'Application/CloudEvents+JSON ;charset=UTF-8',
  ])('takes attributes and data from the envelope for %s', (contentType) => {
    const envelope = envelopeOf(
      structured(
        { audience: 'user', subject: 'u-9', time: '2026-03-01T11:00:00Z', data: { title: 'In' } },
        contentType,
      ),
    );
    expect(envelope.audience).toEqual({ kind: 'user', userId: 'u-9' });
    expect(envelope.display.title).toBe('In');
    expect(envelope.id).toBe(notificationId('/shop', 'e-1'));
    expect(envelope.createdAtMs).toBe(Date.parse('2026-03-01T11:00:00Z'));
  });

  it('reads data_base64 as JSON', () => {
    const data_base64 = Buffer.from('{"title":"B"}').toString('base64');
    expect(envelopeOf(structured({ data_base64 })).display.title).toBe('B');
  });

  it('is a dead letter when the envelope cannot be parsed, since the audience is in it', () => {
    const headers: [string, string][] = [['content-type', 'application/cloudevents+json']];
    expect(reasonOf({ value: 'not json', headers })).toBe('dead not_json');
    expect(reasonOf({ value: '[]', headers })).toBe('dead not_an_object');
    expect(reasonOf({ value: '['.repeat(20_000), headers })).toBe('dead too_deep');
    expect(reasonOf({ headers: [['content-type', 'application/cloudevents+avro']] })).toBe('dead audience_unreadable');
  });

  it('is unreadable for its user when the data is missing or an attribute is no text', () => {
    expect(reasonOf(structured({}))).toBe('unreadable not_an_object');
    expect(reasonOf(structured({ id: 5, data: { title: 'x' } }))).toBe('unreadable invalid_attribute');
    expect(reasonOf(structured({ subject: 5, data: { title: 'x' } }))).toBe('dead audience_unreadable');
  });
});

describe('the audience', () => {
  it.each<[string, Parts]>([
    ['a key of bytes that are not UTF-8', { key: Buffer.from([0xff]) }],
    ['an empty key', { key: '' }],
    ['a user id of 129 bytes', { key: `${'é'.repeat(64)}x` }],
    ['a subject that is not UTF-8', { headers: [['ce_subject', Buffer.from([0xff])]] }],
    ['a kind that does not exist', { headers: ce({ audience: 'group' }) }],
    ['a topic without a name', { headers: ce({ audience: 'topic' }) }],
    ['a topic name with an empty segment', { headers: ce({ audience: 'topic', subject: 'a..b' }) }],
    ['a topic name with a wildcard', { headers: ce({ audience: 'topic', subject: 'a.*' }) }],
    ['a topic name with a space', { headers: ce({ audience: 'topic', subject: 'a b' }) }],
  ])('cannot be read from %s: a dead letter', (_what, parts) => {
    expect(reasonOf(parts)).toBe('dead audience_unreadable');
  });

  it('is missing without key and subject', () => {
    expect(reasonOf({ key: null })).toBe('dead key_missing');
  });

  it('is judged before the content', () => {
    expect(reasonOf({ key: null, value: 'not json' })).toBe('dead key_missing');
  });

  it('may be a user id of 128 bytes, of any characters, and a replacement character that was really sent', () => {
    for (const key of ['é'.repeat(64), '__proto__', '\u0000', '\uFFFD']) {
      expect(envelopeOf({ key }).audience).toEqual({ kind: 'user', userId: key });
    }
  });

  it('is everyone whatever the key', () => {
    expect(envelopeOf({ key: null, headers: ce({ audience: 'everyone' }) }).audience).toEqual({ kind: 'everyone' });
  });
});

describe('C02: a bad value is set aside and never throws', () => {
  it.each([
    ['not json', 'unreadable not_json'],
    ['{"id":', 'unreadable not_json'],
    ['[]', 'unreadable not_an_object'],
    ['"str"', 'unreadable not_an_object'],
    ['42', 'unreadable not_an_object'],
    ['null', 'unreadable not_an_object'],
    ['', 'unreadable not_json'],
    ['{"userId":{"$ne":1}}', 'unreadable invalid_content'],
    ['{"__proto__":{"userId":"u-1"},"id":"x"}', 'unreadable invalid_content'],
    ['['.repeat(20_000), 'unreadable too_deep'],
    [`${'['.repeat(20_000)}${']'.repeat(20_000)}`, 'unreadable too_deep'],
    [`{"title":"x","a":${'{"a":'.repeat(64)}1${'}'.repeat(64)}}`, 'unreadable too_deep'],
    [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'unreadable not_json'],
    [`{"title":"${'x'.repeat(262_144)}"}`, 'unreadable too_large'],
  ])('%j', (value, expected) => {
    expect(reasonOf({ value })).toBe(expected);
  });

  it('reads brackets in strings as text, not as depth', () => {
    expect(envelopeOf({ value: JSON.stringify({ title: `\\"${'['.repeat(500)}` }) }).display.title).toHaveLength(502);
  });

  it('leaves Object.prototype as it is after a __proto__ key', () => {
    envelopeOf({ value: '{"title":"x","__proto__":{"polluted":true}}' });
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

describe('C15: a tombstone', () => {
  it('is skipped with a key, without one, and in any mode', () => {
    for (const key of ['u-1', null]) expect(decode({ key, value: null })).toEqual({ kind: 'skip', why: 'tombstone' });
    const headers: [string, string][] = [['content-type', 'application/cloudevents+json']];
    expect(decode({ value: null, headers })).toEqual({ kind: 'skip', why: 'tombstone' });
  });
});

describe('an expired event', () => {
  it('is skipped from the millisecond on in which it expires', () => {
    expect(decode({ headers: ce({ expirytime: '2026-03-01T12:00:00Z' }) })).toEqual({ kind: 'skip', why: 'expired' });
    expect(envelopeOf({ headers: ce({ expirytime: '2026-03-01T12:00:00.001Z' }) }).expiresAtMs).toBe(now + 1);
  });
});

describe('a record that is opened', () => {
  it('says whom it is for and its duplicate key, and reads its content only then', () => {
    let reads = 0;
    const { open, decode } = createRecordCodec({
      content: {
        read() {
          reads += 1;
          return { ok: false, code: 'invalid_content', detail: 'a test' };
        },
      },
      defaultType: 'message',
      clock,
      fingerprintOf: () => '0'.repeat(16),
    });
    const whole = record({ headers: ce({}) });
    const opened = open(whole);
    if (opened.kind !== 'addressed') throw new Error(opened.kind);
    expect(opened).toMatchObject({ audience: { kind: 'user', userId: 'u-1' } });
    expect(reads).toBe(0);
    const read = decode(whole);
    expect(read).toMatchObject({ kind: 'unreadable', dedupeKey: opened.dedupeKey, audience: opened.audience });
    expect(reads).toBe(1);
  });

  it('is judged as of when it was fetched, however much later it is read', () => {
    const expiring = record({ headers: ce({ expirytime: new Date(now + 1_000).toISOString() }) });
    const atMs = now + 60_000;
    const options = { content, defaultType: 'message', clock: { ...clock, now: () => atMs } };
    const late = createRecordCodec({ ...options, fingerprintOf: () => '' });
    expect([late.open(expiring).kind, late.decode(expiring).kind]).toEqual(['skip', 'skip']);
    expect(late.open(expiring, now).kind).toBe('addressed');
    expect(late.decode(expiring, now)).toMatchObject({ envelope: { fetchedAtMs: now } });
  });

  it('is not expired where something else of it cannot be read: its addressed are told', () => {
    const headers = ce({ expirytime: '2026-03-01T12:00:00Z', time: 'yesterday' });
    expect(reasonOf({ headers })).toBe('unreadable invalid_attribute');
  });
});

describe('an event of a type that is not in the schema', () => {
  it('is delivered without content when it carries a title', () => {
    const envelope = envelopeOf({ value: '{}', headers: ce({ type: 'new.type', title: 'Something new' }) });
    expect(envelope.content).toBeNull();
    expect(envelope.display).toEqual({ title: 'Something new', body: null, url: null });
  });

  it('is unreadable, and no dead letter, without a title: another node may know it', () => {
    const decoded = decode({ value: '{}', headers: ce({ type: 'new.type' }) });
    expect(decoded).toMatchObject({ kind: 'unreadable', isDeadLetter: false, reason: { code: 'unknown_type' } });
  });

  it('is a dead letter where the type is known and the content does not fit, title or not', () => {
    const decoded = decode({ value: '{}', headers: ce({ title: 'T' }) });
    expect(decoded).toMatchObject({ kind: 'unreadable', isDeadLetter: true, reason: { code: 'invalid_content' } });
  });
});

describe('C55: big numbers', () => {
  const idOf = (json: string): unknown => envelopeOf({ value: `{"title":"x","id":${json}}` }).content?.['id'];

  it('keep every digit of an integer beyond 2^53, as bigint', () => {
    expect(idOf('9007199254740993')).toBe(9007199254740993n);
    expect(idOf('-12345678901234567890')).toBe(-12345678901234567890n);
    expect(idOf('[12345678901234567890]')).toEqual([12345678901234567890n]);
  });

  it('stay numbers where a double holds them', () => {
    expect(idOf('9007199254740991')).toBe(9007199254740991);
    expect(idOf('0.1')).toBe(0.1);
    expect(idOf('0.12345678901234568')).toBe(0.12345678901234568);
    expect(idOf('1.7976931348623157e308')).toBe(Number.MAX_VALUE);
    expect(idOf('-0')).toBe(-0);
  });

  it('are no number at all where a double would change them', () => {
    expect(idOf('12345678901234567890.5')).toBeNaN();
    expect(idOf('1e400')).toBe(Number.POSITIVE_INFINITY);
  });

  it('leave digits in strings alone', () => {
    expect(idOf('"9007199254740993"')).toBe('9007199254740993');
  });
});

describe('C86: trace headers', () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const spanId = 'b7ad6b7169203331';
  const valid = `00-${traceId}-${spanId}-01`;
  const traceOf = (...headers: [string, string | Buffer][]) => envelopeOf({ headers }).trace;

  it('join a trace from text, from a slice of a larger buffer, and with white space at the end', () => {
    const slice = Buffer.from(`xx${valid}yy`).subarray(2, 57);
    for (const value of [valid, slice, `${valid}\n`, `${valid} \r\n\t`]) {
      expect(traceOf(['traceparent', value])).toMatchObject({ traceId, spanId, isSampled: true });
    }
  });

  it('say when the trace is not sampled', () => {
    expect(traceOf(['traceparent', `00-${traceId}-${spanId}-02`])?.isSampled).toBe(false);
  });

  it.each([
    ['55 bytes of 0xff', Buffer.alloc(55, 0xff)],
    ['nothing', ''],
    ['upper case', valid.toUpperCase()],
    ['white space before', ` ${valid}`],
    ['a zero trace id', `00-${'0'.repeat(32)}-${spanId}-01`],
    ['a zero span id', `00-${traceId}-${'0'.repeat(16)}-01`],
    ['version ff', `ff-${traceId}-${spanId}-01`],
    ['more in version 00', `${valid}-00`],
    ['one digit less', valid.slice(0, -1)],
    ['bytes as numbers', '48,48,45,48,97,102,55,54,53,49,57,49,54,99,100,52,51,100,100,56'],
  ])('are ignored: %s', (_what, value) => {
    expect(traceOf(['traceparent', value])).toBeNull();
  });

  it('of a later version are read as far as they are known', () => {
    expect(traceOf(['traceparent', `01-${traceId}-${spanId}-01-new`])?.traceId).toBe(traceId);
    expect(traceOf(['traceparent', `01-${traceId}-${spanId}-01x`])).toBeNull();
  });

  it('prefer traceparent over ce_traceparent, and take the latter where the former is no use', () => {
    const other = `00-${'1'.repeat(32)}-${spanId}-01`;
    expect(traceOf(['ce_traceparent', other], ['traceparent', valid])?.traceId).toBe(traceId);
    expect(traceOf(['ce_traceparent', other])?.traceId).toBe('1'.repeat(32));
    expect(traceOf(['ce_traceparent', other], ['traceparent', 'x'])?.traceId).toBe('1'.repeat(32));
  });

  it('bring tracestate along when it is printable ASCII', () => {
    expect(traceOf(['traceparent', valid], ['tracestate', 'a=1,b=2'])?.tracestate).toBe('a=1,b=2');
    expect(traceOf(['traceparent', valid], ['tracestate', 'a=\u00e9'])?.tracestate).toBeUndefined();
  });
});

describe('encode', () => {
  const event: NewEvent = {
    source: '/carillon/publish',
    ceId: 'n-1',
    type: 'message',
    audience: { kind: 'topic', topic: 'orders.eu' as never },
    createdAtMs: now,
    expiresAtMs: now + 60_000,
    title: 'Grüße',
    value: { title: 'Grüße' },
    traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    tracestate: 'a=1',
  };

  it('writes what decode reads back', () => {
    for (const audience of [event.audience, { kind: 'user', userId: 'u-1' as never }, { kind: 'everyone' }] as const) {
      const { key, value, headers } = codec.encode({ ...event, audience });
      const decoded = codec.decode({ ...record({}), key, value, headers });
      if (decoded.kind !== 'event') throw new Error(decoded.kind);
      expect(decoded.envelope).toMatchObject({
        id: notificationId('/carillon/publish', 'n-1'),
        type: 'message',
        audience,
        createdAtMs: now,
        expiresAtMs: now + 60_000,
        content: { title: 'Grüße' },
        trace: { traceId: 'a'.repeat(32), isSampled: true, tracestate: 'a=1' },
      });
    }
  });

  it('keys a record by its user or topic, and everything for everyone alike', () => {
    const keyOf = (audience: NewEvent['audience']) => codec.encode({ ...event, audience }).key?.toString();
    expect(keyOf({ kind: 'user', userId: 'u-1' as never })).toBe('u-1');
    expect(keyOf(event.audience)).toBe('orders.eu');
    expect(keyOf({ kind: 'everyone' })).toBe('everyone');
  });

  it('names the attributes in headers', () => {
    const headers = codec.encode(event).headers.map(([name, value]) => `${name}: ${value.toString()}`);
    expect(headers).toEqual([
      'content-type: application/json',
      'ce_specversion: 1.0',
      'ce_id: n-1',
      'ce_source: /carillon/publish',
      'ce_type: message',
      'ce_time: 2026-03-01T12:00:00.000Z',
      'ce_audience: topic',
      'ce_title: Grüße',
      'ce_subject: orders.eu',
      'ce_expirytime: 2026-03-01T12:01:00.000Z',
      `traceparent: 00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
      'tracestate: a=1',
    ]);
  });
});

describe('decode', () => {
  const bytes = fc.uint8Array({ maxLength: 80 }).map((array) => Buffer.from(array));
  const name = fc.constantFrom(
    ...['type', 'id', 'source', 'time', 'subject', 'audience', 'title', 'expirytime'].map((each) => `ce_${each}`),
    ...['content-type', 'traceparent', 'tracestate', 'other'],
  );
  const text = fc.constantFrom('user', 'topic', 'everyone', 'application/cloudevents+json', 'message', 'a.b', '1.0');
  const header = fc.tuple(
    name,
    fc.oneof(
      bytes,
      text.map((each) => Buffer.from(each)),
    ),
  );
  const value = fc.oneof(
    bytes,
    fc.json().map((each) => Buffer.from(each)),
  );

  it('gives a result for any bytes whatever, and the same one each time', () => {
    const records = fc.record({
      key: fc.option(bytes),
      value: fc.option(value),
      headers: fc.array(header, { maxLength: 8 }),
    });
    fc.assert(
      fc.property(records, (parts) => {
        const whole: LogRecord = { ...record({}), ...parts };
        const decoded = codec.decode(whole);
        expect(['event', 'unreadable', 'dead', 'skip']).toContain(decoded.kind);
        expect(codec.decode(whole)).toEqual(decoded);
      }),
      { numRuns: 2000 },
    );
  });
});
