import type { Policy } from '../src/policy.ts';

/**
 * A policy that asks a service who belongs to which project, and mutes what somebody has muted. Start with CARILLON_POLICY=examples/policy.ts;
 * in a folder of your own leave the types out, or keep a copy of src/policy.ts beside it.
 */

const membership = process.env['MEMBERSHIP_URL'] ?? 'http://localhost:8080';

/** Filled from wherever it is kept; `canReceive` may look at nothing that has to be waited for. */
const muted = new Map<string, ReadonlySet<string>>();

/** `projects.42` and all below it: its members only. Everything else is left to the token. */
export const canFollow: Policy['canFollow'] = async (viewer, topic) => {
  const [kind, project] = topic.split('.');
  if (kind !== 'projects') return true;
  const response = await fetch(`${membership}/projects/${project}/members/${encodeURIComponent(viewer.userId)}`);
  return response.status === 200;
};

/** Events of types that the viewer has muted are not delivered. */
export const canReceive: Policy['canReceive'] = (viewer, envelope) =>
  muted.get(viewer.userId)?.has(envelope.type) !== true;
