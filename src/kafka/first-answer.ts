/**
 * Starts attempts one after another, the next one when the last one failed or `patience` is over, and resolves with the first
 * success. Rejects with an AggregateError of all causes when every attempt failed.
 */
export const firstAnswer = async <Answer>(
  attempts: readonly (() => Promise<Answer>)[],
  patience: () => Promise<void>,
): Promise<Answer> => {
  const started: Promise<Answer>[] = [];
  for (const attempt of attempts) {
    const answer = Promise.resolve().then(attempt);
    started.push(answer);
    const hasAnswered = await Promise.race([
      Promise.any(started).then(
        () => true,
        () => false,
      ),
      // One that failed makes room for the next at once; those before it may still answer.
      answer.then(
        () => true,
        () => false,
      ),
      patience().then(() => false),
    ]);
    if (hasAnswered) break;
  }
  return Promise.any(started);
};
