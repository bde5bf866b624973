import { GatewayError } from '../errors.ts';
import { mayFollow, type Viewer } from '../viewer.ts';
import type { Operations } from './operations.ts';
import type { SubscribeRequest } from './session.ts';

/** Why a session takes no subscription, or one must end. */

/** The session as a subscribe meets it. */
export type Asked = {
  /** Null: not active. */
  readonly viewer: Viewer | null;
  /** Operations that run. */
  readonly running: Operations;
  readonly maxRunning: number;
};

/** What is wrong with a request; null where nothing is. */
export const refusalOf = (request: SubscribeRequest, { viewer, running, maxRunning }: Asked): GatewayError | null => {
  if (viewer === null) return new GatewayError('DRAINING', 'the session takes no new operations: connect again');
  if (running.size >= maxRunning) {
    const message = `the session has ${maxRunning} subscriptions already: end one, or open another socket`;
    return new GatewayError('OVERLOADED', message);
  }
  if (running.find(request.operationId) !== undefined)
    return new GatewayError('BAD_USER_INPUT', 'the operation id is in use: choose another');
  const denied = request.filter.topics.find((topic) => !mayFollow(viewer, topic));
  return denied === undefined ? null : topicForbidden(denied);
};

/** A topic that the token does not allow, or no more. */
export const topicForbidden = (topic: string): GatewayError =>
  new GatewayError('TOPIC_FORBIDDEN', `the token does not allow topic "${topic}": ask for it in the topics claim`);

/** Another socket of the same client has the operation now. */
export const takenOver = (): GatewayError =>
  new GatewayError('OVERLOADED', 'the operation goes on over a newer connection of the same client');
