/** Random input from a seed, so that what went wrong once goes wrong again: `CARILLON_TEST_SEED` takes the seed that a failure printed. */
export type Random = {
  /** 0 (inclusive) to 1 (exclusive). */
  next(): number;
  /** 0 to `below` - 1. */
  int(below: number): number;
  /** True once in `times`. */
  once(times: number): boolean;
  pick<Item>(items: readonly Item[]): Item;
  bytes(length: number): Buffer;
  /** `length` characters: letters mostly, and what makes trouble. */
  text(length: number): string;
};

/** What most generators need. */
export type Choices = Pick<Random, 'int' | 'pick'>;

/** mulberry32. */
export const createRandom = (seed: number): Random => {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const int = (below: number): number => Math.floor(next() * below);
  const pick = <Item>(items: readonly Item[]): Item => items[int(items.length)] as Item;
  const odd = ['"', '\\', '{', '}', '[', ']', '\0', '\n', 'é', '🔔', '\ud800', '\u2028', '$', '@', '.', '/', '%', ' '];
  return {
    next,
    int,
    pick,
    once: (times) => int(times) === 0,
    bytes: (length) => Buffer.from(Array.from({ length }, () => int(256))),
    text: (length) =>
      Array.from({ length }, () => (int(8) === 0 ? pick(odd) : String.fromCharCode(97 + int(26)))).join(''),
  };
};

/** Cuts, doubles, swaps or replaces a few places of a text. */
export const mutate = (text: string, random: Random): string => {
  let result = text;
  for (let n = 1 + random.int(3); n > 0; n--) {
    const at = random.int(result.length + 1);
    const to = Math.min(result.length, at + random.int(12));
    const replacements = [
      '',
      result.slice(at, to).repeat(2),
      random.text(random.int(6)),
      result.slice(0, random.int(9)),
    ];
    result = result.slice(0, at) + random.pick(replacements) + result.slice(to);
  }
  return result;
};

const anyJson = (random: Random, depth: number): unknown => {
  const leaves = [null, true, 0, -1, 1e308, 2 ** 53, '', 'x', '__proto__', random.text(random.int(9))];
  if (depth === 0 || random.int(3) > 0) return random.pick(leaves);
  const items = Array.from({ length: random.int(4) }, () => anyJson(random, depth - 1));
  return random.once(2)
    ? items
    : Object.fromEntries(items.map((item, n) => [random.pick(['id', 'type', 'payload', `k${n}`]), item]));
};

/** Any JSON value of a few levels. */
export const json = (random: Random): unknown => anyJson(random, 3);

/** What `npm test` does of each kind; `npm run fuzz` does ten times as much. */
export const scale: number = Number(process.env['CARILLON_TEST_SCALE'] ?? 1);

/** The seed of this run. Printed, so that it can be given again. */
export const seedOf = (name: string): number => {
  const seed = Number(process.env['CARILLON_TEST_SEED'] ?? Date.now() % 1_000_000_007);
  console.log(`fuzz ${name}: CARILLON_TEST_SEED=${seed}`);
  return seed;
};
