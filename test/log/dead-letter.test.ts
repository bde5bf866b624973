import { describe, expect, it } from 'vitest';
import { type LogRecord, partitionId } from '../../src/event.ts';
import { readLetter, writeLetter } from '../../src/log/dead-letter.ts';

const place = { partition: partitionId('events', 1), offset: 7n, epoch: 0, timestampMs: 5 };
const unread: LogRecord = {
  ...place,
  key: Buffer.from('k'),
  value: Buffer.from('v'),
  headers: [['h', Buffer.from('1')]],
};
const address = { topic: 'events', fingerprint: '0123456789abcdef', partition: 1, offset: 7n };
const content = {
  address,
  reason: { code: 'not_json', detail: 'no JSON' },
  schemaDigest: 'd',
  record: unread,
} as const;

describe('a letter', () => {
  it('is read with its headers taken out once: a log may make them each time anew', () => {
    let taken = 0;
    const { key, value, headers } = writeLetter(content, 10_000);
    const record: LogRecord = {
      ...place,
      key,
      value,
      get headers() {
        taken += 1;
        return headers;
      },
    };
    expect(readLetter(record)).toMatchObject({
      ...address,
      code: 'not_json',
      key: unread.key,
      headers: unread.headers,
    });
    expect(taken).toBe(1);
  });
});
