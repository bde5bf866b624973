/** The front door of this room; the ports that transports use are in session.ts and publishing.ts. */
export { Admission, type Applicant } from './admission.ts';
export { type Core, type CoreDeps, type CoreSnapshot, createCore } from './core.ts';
export { type CoreOptions, defaultCoreOptions } from './options.ts';
export { createPolicyGuard, type PolicyGuard } from './policy-guard.ts';
export type { DrainOptions } from './sessions.ts';
export type { CoreStats } from './stats.ts';
