import * as parse from './parse.ts';
import type { Rows, VariableName } from './settings.ts';

/** The fewest bytes of a shared JWT secret (RFC 7518 §3.2). */
const minSecretBytes = 32;

/** Who callers are. */
export const identityVariables: Rows<
  Extract<VariableName, `CARILLON_JW${string}` | 'CARILLON_POLICY' | 'CARILLON_REVOCATION_HOURS'>
> = {
  CARILLON_JWT_SECRET: {
    group: 'Identity',
    description: 'Shared secret of HS256 tokens, at least 32 bytes.',
    default: null,
    whenUnset: 'no such tokens; without `CARILLON_JWKS_URL` too, dev mode',
    example: 'at-least-32-bytes-that-nobody-can-guess',
    isSecret: true,
    parse: parse.longSecret(minSecretBytes),
  },
  CARILLON_JWKS_URL: {
    group: 'Identity',
    description: "The issuer's public keys; https, or http on loopback.",
    default: null,
    whenUnset: 'no such tokens; without `CARILLON_JWT_SECRET` too, dev mode',
    example: 'https://login.example.com/.well-known/jwks.json',
    parse: parse.secureUrl,
  },
  CARILLON_JWT_ISSUER: {
    group: 'Identity',
    description: 'What `iss` must be, exactly.',
    default: null,
    whenUnset: 'any or none',
    example: 'https://login.example.com/',
    parse: parse.text,
  },
  CARILLON_JWT_AUDIENCE: {
    group: 'Identity',
    description: 'What `aud` must be or hold, exactly.',
    default: null,
    whenUnset: 'any or none',
    example: 'carillon',
    parse: parse.text,
  },
  CARILLON_JWT_USER_CLAIM: {
    group: 'Identity',
    description: 'Claim that holds the user id: a name, or a path joined by `.`.',
    default: 'sub',
    example: 'sub',
    parse: parse.text,
  },
  CARILLON_JWT_SCOPE_CLAIM: {
    group: 'Identity',
    description: 'Claim that holds the scopes, as array or space-separated text.',
    default: 'scope',
    example: 'scope',
    parse: parse.text,
  },
  CARILLON_JWT_TOPICS_CLAIM: {
    group: 'Identity',
    description:
      'Claim that holds the topics a user may follow: names and globs, `*` for one segment, `**` for the rest.',
    default: 'topics',
    example: 'topics',
    parse: parse.text,
  },
  CARILLON_REVOCATION_HOURS: {
    group: 'Identity',
    description: 'How long a revocation of tokens is kept: at least as long as any token lives.',
    default: '720',
    example: '24',
    parse: parse.positive,
  },
  CARILLON_POLICY: {
    group: 'Identity',
    description:
      'ES module that narrows what tokens allow: who may follow a topic, who may receive an event (`docs/policy.md`).',
    default: null,
    whenUnset: 'tokens alone decide',
    example: '/etc/carillon/policy.js',
    parse: parse.text,
  },
};
