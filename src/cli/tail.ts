import { type Command, exitCodes, type Terminal, UsageError } from './command.ts';
import { readTarget, signGrant, type Target } from './credentials.ts';
import { followStream, type StreamStep } from './follow-stream.ts';
import { describeStep } from './step-line.ts';

const tokenFor = (
  target: Target,
  who: { user: string | undefined; topics: readonly string[] },
  terminal: Terminal,
): (() => Promise<string> | string) => {
  const { token } = target;
  if (token !== null) return () => token;
  const { user, topics } = who;
  if (user === undefined) throw new UsageError('carillon tail needs --user <id> to sign a token for, or --token');
  // Signed for each connection anew, so that a tail outlives its token.
  return () => signGrant({ user, scopes: [], topics, expiresInSeconds: 3_600 }, terminal);
};

const countOf = (text: string | undefined): number => {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1) throw new UsageError(`--count is ${text}: set a whole number from 1`);
  return count;
};

const jsonLine = ({ cursor, isLive, gap, edge }: StreamStep): string =>
  JSON.stringify({ cursor, isLive, gap, notification: edge?.node ?? null });

/** `carillon tail`: what a user receives, as it comes. */
export const tailCommand: Command = {
  name: 'tail',
  summary: 'subscribe as a user and print what comes; reconnects where it was',
  usage: '--user <id>',
  positionals: { min: 0, max: 0 },
  flags: {
    user: { type: 'string', value: '<id>', help: 'the user to be; needs the secret that the gateway has' },
    topic: { type: 'string', multiple: true, value: '<topic>', help: 'follow this topic too; may be repeated' },
    after: { type: 'string', value: '<cursor>', help: 'begin behind this cursor instead of now' },
    count: { type: 'string', value: '<n>', help: 'end after so many notifications' },
    json: { type: 'boolean', help: 'one JSON object per line, gaps and checkpoints too' },
    gateway: {
      type: 'string',
      value: '<url>',
      help: 'gateway (default CARILLON_URL, else http://localhost:4000/graphql)',
    },
    token: { type: 'string', value: '<token>', help: 'token to send instead (default CARILLON_TOKEN)' },
  },
  examples: [
    ['npx carillon tail --user ada', 'what ada receives'],
    ['npx carillon tail --user ada --topic orders.eu --json', 'and a topic, for programs'],
    ['npx carillon tail --user ada --after "$CURSOR" --count 10', 'the next ten after a cursor'],
  ],
  async run(given, terminal) {
    const target = readTarget({ gateway: given.text('gateway'), token: given.text('token') }, terminal);
    const topics = given.texts('topic');
    const isJson = given.has('json');
    let left = countOf(given.text('count'));
    const end = new AbortController();
    const show = (step: StreamStep): void => {
      const line = isJson ? jsonLine(step) : describeStep(step, terminal.hasColors);
      if (line !== null && left > 0) terminal.print(line);
      if (step.edge !== null && --left === 0) end.abort();
    };
    const cursor = await followStream(
      {
        url: target.url,
        token: tokenFor(target, { user: given.text('user'), topics }, terminal),
        topics,
        after: given.text('after') ?? null,
        signal: AbortSignal.any([terminal.signal, end.signal]),
      },
      { step: show, note: (text) => terminal.say(text) },
    );
    if (cursor !== null && !isJson) terminal.say(`to go on from here: --after ${cursor}`);
    return exitCodes.ok;
  },
};
