import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { Envelope, TopicName } from '../event.ts';
import type { Policy } from '../policy.ts';
import type { Telemetry } from '../telemetry/facade.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Viewer } from '../viewer.ts';

/**
 * A deployer's policy, made safe to call: what throws, hangs or answers with something else denies, for that subscribe or that delivery alone,
 * and is counted.
 */
export type PolicyGuard = {
  /** Null where the policy does not look at deliveries, so that they cost nothing. Never throws. */
  readonly canReceive: ((viewer: Viewer, envelope: Envelope) => boolean) | null;
  /** Null where the policy does not look at topics. Resolves with null once all are allowed, else with the refusal; never rejects. */
  readonly checkTopics: ((viewer: Viewer, topics: readonly TopicName[]) => Promise<GatewayError | null>) | null;
};

export type PolicyGuardDeps = {
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly logger: Logger;
};

const answerMs = 2_000; // 2 s

type Verdict = 'allowed' | 'denied' | 'failed';

/** Allows everything, at no cost. */
export const noPolicy: PolicyGuard = { canReceive: null, checkTopics: null };

/** Creates the guard around `policy`. */
export const createPolicyGuard = (policy: Policy, { clock, telemetry, logger }: PolicyGuardDeps): PolicyGuard => {
  const { canFollow, canReceive } = policy;

  const failed = (name: keyof Policy, what: unknown): 'failed' => {
    telemetry.count('policyModule', `${name}_failed`);
    logger.error(`the policy module's ${name} failed: access is denied`, { error: String(what) });
    return 'failed';
  };

  const judge = (name: keyof Policy, answer: unknown): Verdict => {
    if (answer === true) return 'allowed';
    if (answer !== false) return failed(name, `it answered with ${typeof answer}, not true or false`);
    telemetry.count('policyModule', `${name}_denied`);
    return 'denied';
  };

  const mayReceive = (ask: NonNullable<Policy['canReceive']>, viewer: Viewer, envelope: Envelope): boolean => {
    try {
      const answer: unknown = ask(viewer, envelope);
      // Nobody else waits for it, and an unhandled rejection would end the process.
      if (answer instanceof Promise) answer.catch(() => {});
      return judge('canReceive', answer) === 'allowed';
    } catch (thrown) {
      failed('canReceive', thrown);
      return false;
    }
  };

  const mayFollow = (ask: NonNullable<Policy['canFollow']>, viewer: Viewer, topic: TopicName): Promise<Verdict> =>
    new Promise((resolve) => {
      let isSettled = false;
      const settle = (verdict: () => Verdict): void => {
        if (isSettled) return;
        isSettled = true;
        timer.cancel();
        resolve(verdict());
      };
      const timer = clock.after(answerMs, () => settle(() => failed('canFollow', `no answer within ${answerMs} ms`)));
      new Promise((answer) => answer(ask(viewer, topic))).then(
        (answer) => settle(() => judge('canFollow', answer)),
        (thrown) => settle(() => failed('canFollow', thrown)),
      );
    });

  const refusalOf = (topic: TopicName, verdict: Verdict): GatewayError | null => {
    if (verdict === 'allowed') return null;
    if (verdict === 'denied') {
      return new GatewayError('TOPIC_FORBIDDEN', `the policy does not allow topic ${topic}: leave it out`);
    }
    return new GatewayError('OVERLOADED', `the policy could not decide on topic ${topic}: try again`, {
      retryAfterMs: 1_000,
    });
  };

  const checkAll = async (
    ask: NonNullable<Policy['canFollow']>,
    viewer: Viewer,
    topics: readonly TopicName[],
  ): Promise<GatewayError | null> => {
    const verdicts = await Promise.all(topics.map((topic) => mayFollow(ask, viewer, topic)));
    for (const [index, topic] of topics.entries()) {
      const refusal = refusalOf(topic, verdicts[index] ?? 'failed');
      if (refusal !== null) return refusal;
    }
    return null;
  };

  return {
    canReceive: canReceive === undefined ? null : (viewer, envelope) => mayReceive(canReceive, viewer, envelope),
    checkTopics: canFollow === undefined ? null : (viewer, topics) => checkAll(canFollow, viewer, topics),
  };
};
