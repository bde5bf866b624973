import { type GraphQLSchema, isObjectType } from 'graphql';
import type { Display, EventContent } from '../../event.ts';
import { type Reader, ReaderCompiler, Unfit } from './content-reader.ts';
import type { EventType } from './event-types.ts';
import { compileUrl, type RenderUrl, renderText, type Template } from './template.ts';

/** Content of one event, read and shown. `refusedUrl` says that the link leads elsewhere and was left out. */
export type EventReading = {
  readonly content: EventContent;
  readonly display: Display;
  readonly isUrlRefused: boolean;
};

/** Reads events of one type; compiled. */
export type EventReader = {
  readonly event: EventType;
  /** Coerces `value` and renders its templates. Never throws. */
  read(value: unknown): EventReading | Unfit;
};

const noUrl: RenderUrl = () => ({ url: null, isRefused: false });

const textRenderer = (template: Template | null): ((content: EventContent) => string | null) =>
  template === null ? () => null : (content) => renderText(template, content);

const compileEvent = (event: EventType, read: Reader): EventReader => {
  const title = textRenderer(event.title);
  const body = textRenderer(event.body);
  const url = event.url === null ? noUrl : compileUrl(event.url);
  return {
    event,
    read(value) {
      const content = read(value);
      if (content instanceof Unfit) return content;
      const fields = content as EventContent;
      const link = url(fields);
      const display = { title: title(fields) ?? '', body: body(fields), url: link.url };
      return { content: fields, display, isUrlRefused: link.isRefused };
    },
  };
};

/** Compiles the readers of all event types. */
export const compileEvents = (schema: GraphQLSchema, events: readonly EventType[]): readonly EventReader[] => {
  const compiler = new ReaderCompiler();
  return events.map((event) => {
    const type = schema.getType(event.typename);
    if (!isObjectType(type)) throw new Error(`${event.typename} is not in the schema that was built from it`);
    return compileEvent(event, compiler.object(type));
  });
};

/** What the record codec asks for; structurally the log's ContentCodec port. */
export type ContentCodec = {
  read(
    type: string,
    value: Readonly<Record<string, unknown>>,
  ):
    | { readonly ok: true; readonly content: EventContent; readonly display: Display }
    | { readonly ok: false; readonly code: 'unknown_type' | 'invalid_content'; readonly detail: string };
};

/** Reads records by their `ce_type`. A link that leads elsewhere is null here: the producer cannot be told. */
export const createContentCodec = (readers: readonly EventReader[]): ContentCodec => {
  const byType: ReadonlyMap<string, EventReader> = new Map(readers.map((reader) => [reader.event.type, reader]));
  return {
    read(type, value) {
      const reader = byType.get(type);
      if (reader === undefined) return { ok: false, code: 'unknown_type', detail: 'the type is not in the schema' };
      const reading = reader.read(value);
      if (reading instanceof Unfit) {
        const detail = `${[reader.event.typename, ...reading.path].join('.')} ${reading.message}`;
        return { ok: false, code: 'invalid_content', detail };
      }
      return { ok: true, content: reading.content, display: reading.display };
    },
  };
};
