import { describe, expect, it } from 'vitest';
import type { UserId } from '../../src/event.ts';
import { createVerifiedTokens } from '../../src/identity/verified-tokens.ts';
import type { Viewer } from '../../src/viewer.ts';

const viewer = (userId: string, expiresAtMs = 1_000): Viewer => ({
  userId: userId as UserId,
  scopes: new Set(),
  topics: [],
  expiresAtMs,
  issuer: '',
  tokenId: null,
  sessionId: null,
  issuedAtMs: null,
});

describe('verified tokens', () => {
  it('are found until they expire', () => {
    const tokens = createVerifiedTokens(10);
    tokens.keep('a', viewer('ada'), tokens.generation);
    expect(tokens.find('a', 999)).toMatchObject({ userId: 'ada' });
    expect(tokens.find('b', 999)).toBeNull();
    expect(tokens.find('a', 1_000)).toBeNull();
    expect(tokens.size).toBe(0);
  });

  it('are bounded: the one unused for longest leaves', () => {
    const tokens = createVerifiedTokens(2);
    tokens.keep('a', viewer('a'), tokens.generation);
    tokens.keep('b', viewer('b'), tokens.generation);
    tokens.find('a', 0);
    tokens.keep('c', viewer('c'), tokens.generation);
    expect([tokens.find('a', 0)?.userId, tokens.find('b', 0), tokens.find('c', 0)?.userId]).toEqual(['a', null, 'c']);
    expect(tokens.size).toBe(2);
  });

  it('that were verified by keys of before are not kept', () => {
    const tokens = createVerifiedTokens(2);
    const { generation } = tokens;
    tokens.clear();
    tokens.keep('a', viewer('a'), generation);
    expect(tokens.size).toBe(0);
    tokens.keep('a', viewer('a'), tokens.generation);
    expect(tokens.find('a', 0)?.userId).toBe('a');
  });
});
