import type { Audience, DecodeRecord } from '../../src/event.ts';

/** Reads each record as one for `audience` that cannot be read, which is an entry too. */
export const readAs =
  (audience: Audience): DecodeRecord =>
  ({ timestampMs }) => ({
    ...{ kind: 'unreadable', audience, dedupeKey: '', createdAtMs: timestampMs, isDeadLetter: true },
    reason: { code: 'invalid_content', detail: 'a test' },
  });
