import { stripVTControlCharacters } from 'node:util';

/** How many tests did what. A file that could not be loaded counts as one failed test. */
export type Counts = { readonly passed: number; readonly failed: number; readonly skipped: number };

type Report = {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly { status: string; assertionResults: readonly { status: string }[] }[];
};

/** Counts what vitest's JSON report says; a report that is missing or cut off is one failure. */
export const countResults = (json: string): Counts => {
  let report: Report;
  try {
    report = JSON.parse(json) as Report;
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const brokenFiles = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((each) => each.status === 'failed'),
  ).length;
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + brokenFiles,
    skipped: report.numPendingTests + report.numTodoTests,
  };
};

/** The line by which a test file says why a group could not run (`kafka tests are skipped: …`), without colours; else null. */
export const skipReason = (line: string): string | null => {
  const match = /^([\w -]+ tests are skipped: .+)$/.exec(stripVTControlCharacters(line).trim());
  return match?.[1] ?? null;
};
