import {
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  isAbstractType,
  isEnumType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import type { Payload } from '../../../src/actors/session.ts';
import type { Audience, Envelope, EventContent, GapReason, TopicName, UserId } from '../../../src/event.ts';
import { envelope } from '../../graphql/hand-driven-sessions.ts';
import { oddities } from '../../graphql/odd-values.ts';
import type { Choices } from '../random.ts';

/** Payloads whose content fits the schema, but for what does not on purpose. */

const texts = ['', 'text', '"\\\n', '\u2028é🔔', '\ud800x', '{}', '__proto__', '</script>', '\u0000'];
const times = ['2026-03-01T12:00:00Z', '2026-03-01T12:00:00.25+01:00'];

class PayloadWriter {
  readonly #schema: GraphQLSchema;
  readonly #random: Choices;
  /** How many values may be odd. Most payloads have none. */
  #odd: number;

  constructor(schema: GraphQLSchema, random: Choices) {
    this.#schema = schema;
    this.#random = random;
    this.#odd = random.pick([0, 0, 1, 3]);
  }

  envelope(): Envelope {
    const random = this.#random;
    const audience = random.pick<Audience>([
      { kind: 'everyone' },
      { kind: 'user', userId: 'ada' as UserId },
      { kind: 'topic', topic: 'orders.é' as TopicName },
    ]);
    const content =
      random.int(8) === 7 ? null : this.#value(this.#schema.getType('NotificationContent') as GraphQLOutputType, 4);
    const display = { title: random.pick(texts), body: random.pick([null, ...texts]), url: null };
    const expiresAtMs = random.pick([null, 0]);
    return {
      ...envelope(random.int(9)),
      type: random.pick(texts),
      audience,
      display,
      expiresAtMs,
      content: content as EventContent,
    };
  }

  #value(type: GraphQLOutputType, depth: number): unknown {
    if (this.#odd > 0 && this.#random.int(8) === 7) {
      this.#odd -= 1;
      return this.#random.pick(oddities).make();
    }
    if (isNonNullType(type)) return this.#present(type.ofType, depth);
    return this.#random.int(5) === 4 ? null : this.#present(type, depth);
  }

  #present(type: GraphQLOutputType, depth: number): unknown {
    if (isListType(type)) {
      const length = depth <= 0 ? 0 : this.#random.int(3);
      return Array.from({ length }, () => this.#value(type.ofType, depth - 1));
    }
    if (isAbstractType(type)) return this.#present(this.#random.pick(this.#schema.getPossibleTypes(type)), depth);
    return isObjectType(type) ? this.#object(type, depth) : this.#leaf(type as GraphQLNamedType);
  }

  #object(type: GraphQLObjectType, depth: number): unknown {
    const content: Record<string, unknown> = { __typename: type.name };
    for (const field of Object.values(type.getFields())) {
      const isDeep = depth <= (isNonNullType(field.type) ? -4 : 0);
      content[field.name] = isDeep ? null : this.#value(field.type, depth - 1);
    }
    return content;
  }

  #leaf(type: GraphQLNamedType): unknown {
    const random = this.#random;
    if (isEnumType(type)) return random.pick(type.getValues()).name;
    switch (type.name) {
      case 'Int':
        return random.pick([0, -1, 2 ** 31 - 1]);
      case 'Float':
        return random.pick([0, -0, 0.1, 1e300, 1e-7, 2 ** 60]);
      case 'Boolean':
        return random.int(2) === 1;
      case 'DateTime':
        return random.pick(times);
      case 'BigInt':
        return random.pick(['9007199254740993', '-1']);
      case 'Any':
        return random.pick<unknown>(['x', 1, false, { a: [1, null] }, ['y']]);
      case 'Picky':
        return random.pick(['fine', 'fine', 'fine', 'number', 'object', 'none', 'bad']);
      default:
        return random.pick(texts);
    }
  }
}

const cursors = ['a', 'AQIDBA', '"\\', 'é🔔'];
const reasons: readonly GapReason[] = ['EXPIRED', 'LIMIT', 'INVALID_CURSOR', 'nonsense' as GapReason];

/** Payloads as sessions get them: shared ones, and ones that differ in the cursor alone. */
export const randomPayloads = (schema: GraphQLSchema, random: Choices): readonly Payload[] => {
  const envelopes = Array.from({ length: 1 + random.int(2) }, () => new PayloadWriter(schema, random).envelope());
  const shared = envelopes.map(
    (each): Payload => ({ kind: 'event', envelope: each, cursor: random.pick(cursors), isLive: true }),
  );
  return Array.from({ length: 3 + random.int(6) }, (): Payload => {
    const own = { cursor: random.pick(cursors), isLive: random.int(2) === 1 };
    switch (random.int(6)) {
      case 0:
        return random.pick(shared);
      case 1:
        return { kind: 'checkpoint', ...own };
      case 2: {
        const sinceMs = random.pick([null, 0, 1e12]);
        return { kind: 'gap', reason: random.pick(reasons), sinceMs, untilMs: random.pick([null, 5]), ...own };
      }
      default:
        return { kind: 'event', envelope: random.pick(envelopes), ...own };
    }
  });
};
