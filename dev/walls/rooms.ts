/**
 * The plan of the house: which room a file is in, what a room may import, and what to do instead. Paths are relative to the
 * project, with `/`.
 */

/** A room: its files, and what they may import besides each other. */
export type Room = {
  readonly name: string;
  /** Whether a file belongs to it. The first room that says yes has it. */
  readonly has: RegExp;
  /** Files of other rooms that it may import, beside the vocabulary. */
  readonly may: RegExp | null;
  /** The rest of the message "… may not import …". */
  readonly instead: string;
};

const frontDoors = 'src/(?:log|kafka|actors|graphql|graphql/schema|identity|telemetry|config)/index\\.ts';
const joinedByGateway = new RegExp(
  `^(?:${frontDoors}|src/config\\.ts|src/actors/(?:session|publishing)\\.ts|src/log/event-log\\.ts)$`,
);

/** The rooms, most particular first. */
export const rooms: readonly Room[] = [
  {
    name: 'main',
    has: /^src\/main\.ts$/,
    may: /^src\/(?:gateway|config|telemetry\/index|workers\/index)\.ts$/,
    instead: 'main reads the process and starts the gateway; join parts in src/gateway.ts',
  },
  {
    name: 'workers',
    has: /^src\/workers\//,
    may: /^src\/(?:gateway|admin|config|gateway\/held-port)\.ts$/,
    instead: 'a worker is a whole gateway: what is about one node belongs behind src/gateway.ts',
  },
  {
    name: 'gateway',
    has: /^src\/(?:gateway(?:\.ts$|\/)|admin\.ts$|console\.ts$)/,
    may: joinedByGateway,
    instead: 'the gateway joins rooms by their front door: export it from that room’s index.ts',
  },
  {
    name: 'config',
    has: /^src\/config(?:\.ts$|\/)/,
    may: null,
    instead: 'config knows errors only: declare the shape here, the gateway hands it to the room',
  },
  {
    name: 'log',
    has: /^src\/log\//,
    may: null,
    instead: 'the log knows the vocabulary only: declare a port in src/log/ and let the gateway pass it in',
  },
  {
    name: 'kafka',
    has: /^src\/kafka\//,
    may: /^src\/log\/(?:index|event-log|record-codec)\.ts$/,
    instead: 'kafka implements the log’s port: declare what it needs as an option, or export it from src/log/index.ts',
  },
  {
    name: 'actors',
    has: /^src\/actors\//,
    may: /^src\/log\/event-log\.ts$/,
    instead:
      'actors know the vocabulary and the log’s port: declare a port in src/actors/ and let the gateway pass it in',
  },
  {
    name: 'graphql',
    has: /^src\/graphql\//,
    may: /^src\/(?:actors\/(?:index|session|publishing)|log\/(?:index|record-codec))\.ts$/,
    instead:
      'graphql knows the front door of the actors: export it from src/actors/index.ts, or pass it in by the gateway',
  },
  {
    name: 'identity',
    has: /^src\/identity\//,
    may: null,
    instead: 'identity turns tokens into viewers and knows the vocabulary only: pass what it needs as an option',
  },
  {
    name: 'telemetry',
    has: /^src\/telemetry\/(?!facade\.ts$|logger\.ts$)/,
    may: null,
    instead: 'telemetry knows the vocabulary only: the room that measures calls the facade, not the other way',
  },
  {
    name: 'cli',
    has: /^src\/cli\//,
    may: new RegExp(`${joinedByGateway.source}|^src/gateway\\.ts$|^client/`),
    instead: 'the command line uses front doors: export it from that room’s index.ts',
  },
  {
    name: 'client',
    has: /^client\//,
    may: null,
    instead: 'the client runs in browsers and knows nothing of the server',
  },
  {
    name: 'vocabulary',
    has: /^src\/(?:[^/]+\.ts$|telemetry\/(?:facade|logger)\.ts$)/,
    may: null,
    instead: 'the vocabulary imports nothing but itself: move the type here, or the function into a room',
  },
];

/** Rooms that may not even use the vocabulary. */
export const strangers: ReadonlySet<string> = new Set(['client']);

/** Where a package may be imported, and what to do elsewhere. */
export type PackageRule = { readonly packages: RegExp; readonly in: RegExp; readonly instead: string };

/** Packages by home. A package that no rule knows has no home yet, which is an error in `src/` and `client/`. */
export const packageRules: readonly PackageRule[] = [
  {
    packages: /^kafkajs$/,
    in: /^src\/kafka\//,
    instead: 'use the EventLog port (src/log/event-log.ts)',
  },
  {
    packages: /^graphql-ws(?:\/|$)/,
    in: /^(?:src\/(?:graphql|cli)|client)\//,
    instead: 'use the session protocol’s front door (src/graphql/index.ts)',
  },
  {
    packages: /^(?:graphql|ws|graphql-yoga|@graphql-yoga\/.+|@graphql-typed-document-node\/core)(?:\/|$)/,
    in: /^src\/graphql\//,
    instead: 'hand a payload to src/graphql/ and let it render',
  },
  {
    packages: /^xstate$/,
    in: /^src\/actors\/(?:[\w-]+\/)*(?:[\w-]+\.machine|[\w-]*runner[\w-]*)\.ts$/,
    instead: 'send an event to the machine’s runner; outside asks hasTag or a projected flag',
  },
  {
    packages: /^node:sqlite$/,
    in: /^src\/log\/embedded[\w-]*(?:\.ts$|\/)/,
    instead: 'use the EventLog port (src/log/event-log.ts)',
  },
  {
    packages: /^@opentelemetry\//,
    in: /^src\/telemetry\//,
    instead: 'use the facade (src/telemetry/facade.ts)',
  },
  {
    packages: /^jose$/,
    in: /^src\/identity\//,
    instead: 'use src/identity/index.ts',
  },
  { packages: /^node:/, in: /^src\//, instead: 'the client runs in browsers: use what both have' },
];

/** File names that say nothing about what is inside. */
export const emptyNames: RegExp = /^(?:utils?|helpers?|common|types|managers?|handlers?|services?|base|misc|shared)$/;

/** The most lines a file may have; tests, which are tables for the most part, may have more. */
export const maxLines = (path: string): number => (path.startsWith('test/') ? 600 : 400);
