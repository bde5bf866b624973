import { createHash } from 'node:crypto';
import {
  buildASTSchema,
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  print,
  validateSchema,
} from 'graphql';
import { type AsyncApiOptions, asyncApiOf } from './async-api.ts';
import { type ContentCodec, compileEvents, createContentCodec } from './content-codec.ts';
import { deriveDefinitions } from './derive.ts';
import { readVocabulary } from './event-types.ts';
import { jsonSchemaOf } from './json-schema.ts';
import { createPublishInput, type ReadPublishInput } from './publish-input.ts';
import { readDefinitions, SdlProblems } from './read-sdl.ts';
import { implementScalars } from './scalars.ts';
import { compareSchemas } from './snapshot.ts';

/**
 * From SDL files to everything that is derived from them. One SDL file per event is the whole contract: union member, publish input, reading of
 * records, JSON Schema, AsyncAPI.
 */

export type { AsyncApiOptions } from './async-api.ts';
export type { ContentCodec } from './content-codec.ts';
export type { PublishInputResult, ReadPublishInput } from './publish-input.ts';

/** One event type, for listings. */
export type EventTypeSummary = { readonly type: string; readonly typename: string; readonly key: string };

/** A JSON document. */
export type JsonObject = Readonly<Record<string, unknown>>;

export type EventSchema = {
  /** Executable, without resolvers: fields are read off the source by name. */
  readonly schema: GraphQLSchema;
  readonly events: readonly EventTypeSummary[];
  readonly content: ContentCodec;
  readonly publishInput: ReadPublishInput;
  /** The whole schema with derived types and applied directives. Deterministic. */
  readonly sdl: string;
  /** SHA-256 of `sdl`, 64 hex digits: two nodes with the same one read every record alike. */
  readonly digest: string;
  /** JSON Schema 2020-12 of each event type's record value, by event type. */
  jsonSchemas(): ReadonlyMap<string, JsonObject>;
  /** AsyncAPI 3.0 of the log topic and of the subscription. */
  asyncApi(options: AsyncApiOptions): JsonObject;
  /** What breaks for records and clients since `snapshotSdl` (an earlier `sdl`), one sentence each; empty when nothing does. */
  compareWithSnapshot(snapshotSdl: string): readonly string[];
};

export type EventSchemaOptions = {
  /** Folder of the gateway's own SDL. */
  readonly schemaDir: string;
  /** Folder of the deployer's event types. */
  readonly eventsDir: string;
};

const build = (document: DocumentNode, problems: SdlProblems): GraphQLSchema => {
  try {
    const schema = buildASTSchema(document);
    for (const error of validateSchema(schema)) problems.addError(error);
    problems.throwIfAny();
    implementScalars(schema);
    return schema;
  } catch (cause) {
    // graphql-js throws plain errors for SDL that contradicts itself (two types of one name).
    if (cause instanceof GraphQLError) problems.addError(cause);
    else if (cause instanceof Error && cause.constructor === Error) problems.add(undefined, cause.message);
    else throw cause;
    problems.throwIfAny();
    throw cause;
  }
};

/**
 * Reads and checks the SDL. Throws CONFIG_INVALID that lists every problem with file and line.
 */
export const loadEventSchema = ({ schemaDir, eventsDir }: EventSchemaOptions): EventSchema => {
  const problems = new SdlProblems();
  const own = readDefinitions(schemaDir, problems);
  const added = readDefinitions(eventsDir, problems);
  const vocabulary = readVocabulary(added, problems);
  problems.throwIfAny();
  const document: DocumentNode = {
    kind: Kind.DOCUMENT,
    definitions: [...own, ...added, ...deriveDefinitions(vocabulary)],
  };
  const schema = build(document, problems);
  const readers = compileEvents(schema, vocabulary.events);
  const sdl = `${print(document)}\n`;
  return {
    schema,
    events: vocabulary.events.map(({ type, typename, key }) => ({ type, typename, key })),
    content: createContentCodec(readers),
    publishInput: createPublishInput(readers),
    sdl,
    digest: createHash('sha256').update(sdl).digest('hex'),
    jsonSchemas: () => new Map(vocabulary.events.map((event) => [event.type, jsonSchemaOf(schema, event)])),
    asyncApi: (options) => asyncApiOf(schema, vocabulary.events, options),
    compareWithSnapshot: (snapshotSdl) => compareSchemas(snapshotSdl, sdl),
  };
};
