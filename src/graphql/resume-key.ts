import { createHash } from 'node:crypto';
import type { StreamFilter } from '../actors/session.ts';
import type { Viewer } from '../viewer.ts';
import type { RenderPlan } from './render-plan.ts';

/** What makes an operation the same when its client comes back: all that it is but for the position. */
export type OperationIdentity = {
  readonly text: string;
  /** Name of the operation in the document. */
  readonly operation: string | null;
  readonly plan: RenderPlan;
  readonly filter: StreamFilter;
};

/** Clients that keep their ids across reconnects make UUIDs; `1` is everybody's. */
const uuid = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;

/**
 * The key by which an operation is recognised on any node; null where its id is no UUID. A hash: it goes into the control topic, and neither user nor
 * document are to be read there.
 */
export const resumeKeyOf = (operationId: string, viewer: Viewer, identity: OperationIdentity): string | null => {
  if (!uuid.test(operationId)) return null;
  const { text, operation, plan, filter } = identity;
  const { viewer: own, everyone, topics, types } = filter;
  const parts = [
    viewer.issuer,
    viewer.userId,
    operationId.toLowerCase(),
    text,
    operation,
    plan.variables,
    [own, everyone, [...topics].sort(), types === null ? null : [...types].sort()],
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
};
