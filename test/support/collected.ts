import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** How many of `refs` are still held by somebody, after full garbage collections in turns of their own. */
export const stillHeld = async (refs: readonly WeakRef<object>[]): Promise<number> => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  return refs.filter((ref) => ref.deref() !== undefined).length;
};
