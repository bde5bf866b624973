import { describe, expect, it } from 'vitest';
import { describeStep } from '../../src/cli/step-line.ts';

const node = {
  id: '1',
  type: 'message',
  createdAt: '2026-03-01T12:00:00.250Z',
  audience: 'USER',
  topic: null,
  title: 'Hello',
  body: null,
  url: null,
} as const;

const step = (more: object, isLive = true) => ({
  cursor: 'c',
  isLive,
  gap: null,
  edge: { node: { ...node, ...more } },
});

describe('a line of tail', () => {
  it('shows time, texts, type and audience', () => {
    const line = describeStep(step({ body: 'World', url: '/a' }), false);
    expect(line).toBe('12:00:00.250  Hello  World  /a  message to you');
    expect(describeStep(step({ audience: 'TOPIC', topic: 'news' }, false), false)).toContain('to topic news, replayed');
  });

  it('lets no text steer the terminal', () => {
    expect(describeStep(step({ title: 'a\u001b[2Jb\nc', body: 'x\u009b1m' }), false)).not.toMatch(/[\p{Cc}]/u);
  });

  it('says what a gap asks for, and nothing for a checkpoint', () => {
    const gap = { reason: 'EXPIRED', since: null, until: null };
    expect(describeStep({ cursor: 'c', isLive: true, gap, edge: null }, false)).toBe('gap EXPIRED: refetch your state');
    expect(describeStep({ cursor: 'c', isLive: true, gap: null, edge: null }, false)).toBeNull();
  });
});
