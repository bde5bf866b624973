import type { Display } from '../../event.ts';
import type { EventReader } from './content-codec.ts';
import { Unfit } from './content-reader.ts';

/** A published event's type, fields and display; or the field at fault, as a path below `input`. */
export type PublishInputResult =
  | {
      readonly ok: true;
      readonly type: string;
      readonly value: Readonly<Record<string, unknown>>;
      readonly display: Display;
    }
  | { readonly ok: false; readonly field: readonly string[]; readonly message: string };

/** Takes a coerced `NotificationContentInput`. Never throws. */
export type ReadPublishInput = (contentInput: Readonly<Record<string, unknown>>) => PublishInputResult;

const refusal = (path: readonly string[], message: string): PublishInputResult => ({
  ok: false,
  field: ['content', ...path],
  message: `${['content', ...path].join('.')} ${message}`,
});

const urlRefusal = ({ event }: EventReader): PublishInputResult => {
  const { soleField } = event.url ?? { soleField: null };
  const path = soleField === null ? [event.key] : [event.key, soleField];
  return refusal(path, 'makes a link that leaves the site: give a path ("/orders/1") or an https address');
};

/**
 * Makes the reader of publish inputs. What it gives as `value` is JSON of the event's own fields as they were sent; Kafka values are judged by the
 * same readers, so what is published here reads back everywhere.
 */
export const createPublishInput = (readers: readonly EventReader[]): ReadPublishInput => {
  const byKey: ReadonlyMap<string, EventReader> = new Map(readers.map((reader) => [reader.event.key, reader]));
  return (contentInput) => {
    const given = Object.keys(contentInput).filter(
      (key) => contentInput[key] !== undefined && contentInput[key] !== null,
    );
    const [key] = given;
    const reader = key === undefined ? undefined : byKey.get(key);
    if (key === undefined || reader === undefined || given.length !== 1) {
      return refusal([], `needs exactly one of ${[...byKey.keys()].join(', ')}`);
    }
    const value = contentInput[key] as Readonly<Record<string, unknown>>;
    const reading = reader.read(value);
    if (reading instanceof Unfit) return refusal([key, ...reading.path], reading.message);
    if (reading.isUrlRefused) return urlRefusal(reader);
    return { ok: true, type: reader.event.type, value, display: reading.display };
  };
};
