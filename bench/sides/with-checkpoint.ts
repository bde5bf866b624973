import { checkpoint } from './stock-source.ts';

/** A library's iterator as a stream, with a checkpoint before it as the product has it; `read` takes the payload out of what the library yields. */
export const withCheckpoint = <Yielded>(
  inner: AsyncIterator<Yielded>,
  read: (yielded: Yielded) => unknown,
): AsyncIterableIterator<unknown> => {
  let isFirst = true;
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      if (isFirst) {
        isFirst = false;
        return { value: checkpoint, done: false };
      }
      const { value, done } = await inner.next();
      return done === true ? { value, done } : { value: read(value), done: false };
    },
    async return() {
      await inner.return?.();
      return { value: undefined, done: true };
    },
  };
};
