import { describe, expect, it } from 'vitest';
import { judge } from '../../src/kafka/positions.ts';

describe('the verdict on a position', () => {
  const bounds = { start: 10n, end: 20n };
  const epochEnd = (epoch: number, offset: bigint) => ({ index: 0, error: 0, epoch, offset });

  const cutAt = (next: bigint, epoch: number) => ({ cutAt: { next, epoch } });

  it.each([
    { title: 'below the start', next: 9n, epoch: -1, end: undefined, verdict: 'expired' },
    { title: 'at the start', next: 10n, epoch: -1, end: undefined, verdict: 'valid' },
    { title: 'at the end', next: 20n, epoch: -1, end: undefined, verdict: 'valid' },
    { title: 'beyond the end, of no known epoch', next: 21n, epoch: -1, end: undefined, verdict: 'ahead' },
    { title: 'unseen by readers, within the epoch', next: 21n, epoch: 3, end: epochEnd(3, 25n), verdict: 'valid' },
    { title: 'beyond the end of its epoch', next: 18n, epoch: 3, end: epochEnd(3, 15n), verdict: cutAt(15n, 3) },
    {
      title: 'of an epoch that the leader never had',
      next: 12n,
      epoch: 4,
      end: epochEnd(3, 15n),
      verdict: cutAt(12n, 3),
    },
    { title: 'of an epoch that the leader forgot', next: 12n, epoch: 1, end: epochEnd(-1, -1n), verdict: 'valid' },
    { title: 'of a forgotten epoch, beyond the end', next: 21n, epoch: 1, end: epochEnd(-1, -1n), verdict: 'ahead' },
  ])('$title', ({ next, epoch, end, verdict }) => {
    expect(judge({ next, epoch }, bounds, end)).toEqual(verdict);
  });
});
