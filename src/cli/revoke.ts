import { scopes } from '../viewer.ts';
import { type Command, exitCodes, UsageError } from './command.ts';
import { readTarget, signGrant } from './credentials.ts';
import { postGraphql, tellErrors } from './post-graphql.ts';

const document = `mutation Revoke($input: RevokeTokensInput!) {
  revokeTokens(input: $input) { issuedBefore }
}`;

type Data = { readonly revokeTokens: { readonly issuedBefore: string } };

/** By flag, the member of `TokenOwnerInput`. */
const owners = { user: 'userId', session: 'sessionId', 'token-id': 'tokenId' } as const;
const flagNames = Object.keys(owners) as (keyof typeof owners)[];

/** `carillon revoke`: makes tokens count no more, on every node; prints the time up to which they were issued. */
export const revokeCommand: Command = {
  name: 'revoke',
  summary: 'make tokens of a user, of a session or one token count no more',
  usage: '--user <id> | --session <sid> | --token-id <jti>',
  positionals: { min: 0, max: 0 },
  flags: {
    user: { type: 'string', value: '<id>', help: 'all tokens of a user' },
    session: { type: 'string', value: '<sid>', help: 'all tokens with this claim sid' },
    'token-id': { type: 'string', value: '<jti>', help: 'the token with this claim jti' },
    before: {
      type: 'string',
      value: '<time>',
      help: 'only those issued before this time, as 2026-01-31T12:00:00Z (default now)',
    },
    gateway: {
      type: 'string',
      value: '<url>',
      help: 'gateway (default CARILLON_URL, else http://localhost:4000/graphql)',
    },
    token: {
      type: 'string',
      value: '<token>',
      help: 'token to send, with the scope notifications:admin (default CARILLON_TOKEN, else one is signed)',
    },
  },
  examples: [
    ['npx carillon revoke --user ada', 'sign Ada out everywhere, now'],
    ['npx carillon revoke --token-id 0b1f7c', 'one token that leaked'],
  ],
  async run(given, terminal) {
    const [flag, ...more] = flagNames.filter((name) => given.has(name));
    if (flag === undefined || more.length > 0)
      throw new UsageError('carillon revoke needs one of --user, --session, --token-id: carillon revoke --user ada');
    const target = readTarget({ gateway: given.text('gateway'), token: given.text('token') }, terminal);
    const grant = { user: 'carillon-cli', scopes: [scopes.admin], topics: [], expiresInSeconds: 300 };
    const token = target.token ?? (await signGrant(grant, terminal));
    const input = { of: { [owners[flag]]: given.text(flag) }, issuedBefore: given.text('before') };
    const answer = await postGraphql<Data>({ ...target, token }, { query: document, variables: { input } });
    tellErrors(answer, terminal);
    if (!answer.data) return exitCodes.failed;
    terminal.print(answer.data.revokeTokens.issuedBefore);
    return exitCodes.ok;
  },
};
