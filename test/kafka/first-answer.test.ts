import { describe, expect, it } from 'vitest';
import { firstAnswer } from '../../src/kafka/first-answer.ts';

const never = new Promise<never>(() => {});
const patient = () => never;

describe('the first answer of several brokers', () => {
  it('is the first one’s, and the others are not asked', async () => {
    const asked: string[] = [];
    const attempt = (name: string) => async () => {
      asked.push(name);
      return name;
    };
    expect(await firstAnswer([attempt('a'), attempt('b')], patient)).toBe('a');
    expect(asked).toEqual(['a']);
  });

  it('comes from the next one when one fails', async () => {
    const answer = firstAnswer([() => Promise.reject(new Error('down')), async () => 'b'], patient);
    expect(await answer).toBe('b');
  });

  it('comes from the next one when one is silent', async () => {
    expect(await firstAnswer([() => never, async () => 'b'], async () => {})).toBe('b');
  });

  it('may still come from one that was silent at first', async () => {
    const late = Promise.withResolvers<string>();
    const answer = firstAnswer([() => late.promise, () => Promise.reject(new Error('down'))], async () => {});
    late.resolve('a');
    expect(await answer).toBe('a');
  });

  it('is an error with every cause when all fail', async () => {
    const fail = (name: string) => () => Promise.reject(new Error(name));
    await expect(firstAnswer([fail('a'), fail('b')], patient)).rejects.toMatchObject({
      errors: [{ message: 'a' }, { message: 'b' }],
    });
  });
});
