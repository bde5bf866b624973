import { registerHooks } from 'node:module';
import type { MemoryStore } from '../../test/support/memory-log.ts';

/**
 * The gateway as it is, but on a log in memory: where its composition root asks for the log's front door it gets `memory-log-door.ts`, in which
 * the embedded store is the tests' memory log. So everything else is joined by src/gateway.ts itself.
 */

const root = new URL('../../src/gateway.ts', import.meta.url).href;
const door = new URL('./memory-log-door.ts', import.meta.url).href;

/** To be called before src/gateway.ts is loaded. The store exists once a gateway was started. */
export const useMemoryLog = (): (() => Promise<MemoryStore>) => {
  registerHooks({
    resolve(specifier, context, next) {
      if (context.parentURL === root && specifier === './log/index.ts') return { url: door, shortCircuit: true };
      return next(specifier, context);
    },
  });
  return async () => {
    const { openedStore } = await import('./memory-log-door.ts');
    return openedStore();
  };
};
