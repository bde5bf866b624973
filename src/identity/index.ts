/** Identity: tokens in, viewers out. Knows no transport; who may follow or publish what is judged elsewhere from the viewer. */
export { devSecret } from './dev-secret.ts';
export { defaultClaims, type IdentityOptions } from './options.ts';
export { createRevocations, type RevocationStore, type Revocations } from './revocations.ts';
export { signToken } from './sign-token.ts';
export { createVerifier, type TokenVerifier } from './verifier.ts';
