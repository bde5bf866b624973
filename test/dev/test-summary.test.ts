import { describe, expect, it } from 'vitest';
import { countResults, skipReason } from '../../dev/test-summary.ts';

const report = (testResults: unknown[], rest: Record<string, number> = {}): string =>
  JSON.stringify({
    numPassedTests: 3,
    numFailedTests: 0,
    numPendingTests: 2,
    numTodoTests: 1,
    ...rest,
    testResults,
  });

describe('countResults', () => {
  it('adds up passed, failed and skipped', () => {
    const failed = { status: 'failed', assertionResults: [{ status: 'failed' }] };
    expect(countResults(report([failed], { numFailedTests: 1 }))).toEqual({ passed: 3, failed: 1, skipped: 3 });
  });

  it('counts a file that could not be loaded as a failure', () => {
    expect(countResults(report([{ status: 'failed', assertionResults: [] }])).failed).toBe(1);
  });

  it('takes a missing report for a failure', () => {
    expect(countResults('')).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });
});

describe('skipReason', () => {
  it('finds the reason in coloured output', () => {
    expect(skipReason('\u001b[33mkafka tests are skipped: no Java\u001b[39m')).toBe('kafka tests are skipped: no Java');
  });

  it('ignores every other line', () => {
    expect(skipReason(' ✓ test/kafka/reader.test.ts (3 tests | 3 skipped)')).toBeNull();
  });
});
