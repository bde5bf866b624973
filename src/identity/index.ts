/** Identity: tokens in, viewers out. Knows no transport; who may follow or publish what is judged elsewhere from the viewer. */
export { devSecret } from './dev-secret.ts';
export { defaultClaims, type IdentityOptions } from './options.ts';
export { minSecretBytes, signToken, type TokenClaims } from './sign-token.ts';
export { createVerifier, type TokenVerifier, type Verification, type VerifierDeps } from './verifier.ts';
