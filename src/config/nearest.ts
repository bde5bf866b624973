/** How many single-character edits turn `a` into `b`. */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
};

/** The most that a typing mistake may differ; farther names would only mislead. */
const maxEdits = 6;

/** The candidate that `given` most likely was meant to be; null when none is near. */
export const nearest = <Name extends string>(given: string, candidates: readonly Name[]): Name | null => {
  let best: { name: Name | null; edits: number } = { name: null, edits: Math.min(maxEdits, given.length / 2) };
  for (const name of candidates) {
    const edits = distance(given.slice(0, 100), name);
    if (edits < best.edits) best = { name, edits };
  }
  return best.name;
};
