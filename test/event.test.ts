import { describe, expect, it } from 'vitest';
import { isTopicName, isUserId, notificationId } from '../src/event.ts';

describe('a user id', () => {
  it('is 1 to 128 bytes of well-formed text', () => {
    for (const id of ['a', '__proto__', ' ', '\n', 'é'.repeat(64), '🔔'.repeat(32)])
      expect(isUserId(id), id).toBe(true);
    for (const id of ['', 'a'.repeat(129), 'é'.repeat(65), '\ud800']) expect(isUserId(id), id).toBe(false);
  });
});

describe('a topic name', () => {
  it('has segments that are not empty, of anything but white space, control characters and the wildcard', () => {
    for (const name of ['a', 'orders.eu.42', 'org/7:x', 'größe', 'a'.repeat(256)])
      expect(isTopicName(name), name).toBe(true);
    for (const name of [
      '',
      '.',
      'a.',
      '.a',
      'a..b',
      'a b',
      'a\tb',
      'a\u00a0b',
      'a\u0085',
      'a.*',
      '**',
      'a'.repeat(257),
      '\udc00',
    ]) {
      expect(isTopicName(name), JSON.stringify(name)).toBe(false);
    }
  });
});

describe('a notification id', () => {
  it('is opaque, of 43 characters, and differs where source or id does', () => {
    const id = notificationId('/shop', 'e-1');
    expect(id).toMatch(/^[\w-]{43}$/);
    expect(notificationId('/shop', 'e-1')).toBe(id);
    expect(new Set([id, notificationId('/shop', 'e-2'), notificationId('/shope', '-1')]).size).toBe(3);
  });
});
