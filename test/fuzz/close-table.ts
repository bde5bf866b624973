import { readFileSync } from 'node:fs';

/** The close codes that docs/protocol.md names, and 1006: cut, or reset by whoever was quicker. */
export const allowedCloses: ReadonlySet<number> = new Set([
  1006,
  ...[...readFileSync('docs/protocol.md', 'utf8').matchAll(/^\| (\d{4}) \|/gm)].map(([, code]) => Number(code)),
]);
