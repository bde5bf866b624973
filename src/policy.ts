import type { Envelope, TopicName } from './event.ts';
import type { Viewer } from './viewer.ts';

/**
 * What a deployer's policy module (`CARILLON_POLICY`) may export, beyond what tokens say: each function is optional, and one that is not there
 * allows. A policy can only narrow what identity allows.
 */
export type Policy = {
  /**
   * Whether the viewer may follow `topic`, which its token allows; asked at subscribe and again when the session's token is refreshed. May be
   * asynchronous. Anything but true denies; a throw, a rejection and no answer within 2 s deny too.
   */
  readonly canFollow?: (viewer: Viewer, topic: TopicName) => boolean | Promise<boolean>;
  /**
   * Whether the viewer may receive an event that is addressed to it; asked at each delivery. Synchronous, over state that the module keeps.
   * Anything but true denies: a throw and a promise too. A denied event leaves no gap.
   */
  readonly canReceive?: (viewer: Viewer, envelope: Envelope) => boolean;
  /** The key of those who may share one rendering of an event; asked at subscribe. A throw refuses that subscribe. */
  readonly scope?: (viewer: Viewer) => string;
};

/** The names that a policy module may export. */
export const policyFunctions: readonly (keyof Policy)[] = ['canFollow', 'canReceive', 'scope'];
