import { type Command, exitCodes, UsageError } from './command.ts';
import { secondsOf, signGrant } from './credentials.ts';

/** `carillon token`: prints a token for development and tests, and nothing else. */
export const tokenCommand: Command = {
  name: 'token',
  summary: 'print a token for a user, signed with CARILLON_JWT_SECRET or the dev secret',
  usage: '--user <id>',
  positionals: { min: 0, max: 0 },
  flags: {
    user: { type: 'string', value: '<id>', help: 'whom the token is for' },
    scope: { type: 'string', multiple: true, value: '<scope>', help: 'a scope; may be repeated' },
    topic: {
      type: 'string',
      multiple: true,
      value: '<glob>',
      help: 'a topic or glob they may follow; may be repeated',
    },
    expires: { type: 'string', value: '<duration>', help: 'how long it is good for: 30s, 15m, 24h, 7d (default 1h)' },
  },
  examples: [
    ['npx carillon token --user ada', 'a token to receive with'],
    ['npx carillon token --user ada --topic "orders.**"', 'one that may follow topics too'],
    ['npx carillon token --user billing --scope notifications:publish', 'one for a service that publishes'],
  ],
  async run(given, terminal) {
    const user = given.text('user');
    if (user === undefined || user === '')
      throw new UsageError('carillon token needs --user <id>: carillon token --user ada');
    const expiresInSeconds = secondsOf('expires', given.text('expires') ?? '1h');
    const grant = { user, scopes: given.texts('scope'), topics: given.texts('topic'), expiresInSeconds };
    terminal.print(await signGrant(grant, terminal));
    return exitCodes.ok;
  },
};
