import {
  type GraphQLInterfaceType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  isUnionType,
} from 'graphql';
import type { Choices } from '../random.ts';

/** Subscriptions of everything that a schema has: fragments, aliases, merged fields, directives with literals and variables. */

export type RandomDocument = { readonly text: string; readonly variables: Readonly<Record<string, unknown>> };

class DocumentWriter {
  readonly #schema: GraphQLSchema;
  readonly #random: Choices;
  readonly #fragments: string[] = [];
  readonly #declared: string[] = ['$after: Cursor'];
  readonly #variables: Record<string, unknown> = { after: 'a' };
  #budget = 120;

  constructor(schema: GraphQLSchema, random: Choices) {
    this.#schema = schema;
    this.#random = random;
  }

  document(): RandomDocument {
    const payload = this.#schema.getType('NotificationReceivedPayload') as GraphQLObjectType;
    const alias = this.#random.int(4) === 3 ? 'n: ' : '';
    // The way to content is taken in most documents, whatever else there is.
    const way = ['', '', 'isLive edge { node { content { __typename } } }'][this.#random.int(3)] ?? '';
    const content = this.#random.int(4) === 0 ? '' : `edge { cursor node { content ${this.#content()} } }`;
    const field = `${alias}notificationReceived(after: $after) { ${way} ${content} ${this.#selections(payload, 5)} }`;
    const root = this.#random.int(4) === 3 ? this.#spread('Subscription', field) : field;
    const text = `subscription (${this.#declared.join(', ')}) { ${root} }\n${this.#fragments.join('\n')}`;
    return { text, variables: this.#variables };
  }

  #content(): string {
    const type = this.#schema.getType('NotificationContent') as GraphQLNamedType;
    return `{ ${this.#selections(type, 4)} ${this.#selections(type, 4)} }`;
  }

  #spread(typeName: string, body: string): string {
    if (this.#random.int(2) === 0)
      return `... on ${typeName}${this.#isRoot(typeName) ? '' : this.#directive()} { ${body} }`;
    const name = `F${this.#fragments.length}`;
    this.#fragments.push(`fragment ${name} on ${typeName} { ${body} }`);
    return `...${name}${this.#isRoot(typeName) ? '' : this.#directive()}`;
  }

  #isRoot(typeName: string): boolean {
    return typeName === 'Subscription';
  }

  #directive(): string {
    const kind = this.#random.int(20);
    if (kind < 17) return '';
    const one = (name: string): string => ` @${name}(if: ${this.#boolean()})`;
    if (kind === 17) return one('skip');
    return kind === 18 ? one('include') : `${one('include')}${one('skip')}`;
  }

  #boolean(): string {
    const kind = this.#random.int(4);
    if (kind < 2) return kind === 0 ? 'false' : 'true';
    const name = `b${this.#declared.length}`;
    const hasDefault = kind === 3;
    this.#declared.push(`$${name}: Boolean${hasDefault ? ` = ${this.#random.int(2) === 1}` : '!'}`);
    if (!hasDefault || this.#random.int(2) === 0) this.#variables[name] = this.#random.int(2) === 1;
    return `$${name}`;
  }

  #selections(type: GraphQLNamedType, depth: number): string {
    const parts: string[] = [];
    const count = 2 + this.#random.int(5);
    for (let n = 0; n < count && this.#budget > 0; n++) {
      this.#budget -= 1;
      const part = this.#selection(type, depth);
      if (part !== null) parts.push(part);
    }
    return parts.length === 0 ? '__typename' : parts.join(' ');
  }

  #selection(type: GraphQLNamedType, depth: number): string | null {
    const kind = this.#random.int(10);
    if (kind === 9) return `${this.#random.pick(['', 't: ', '__proto__: '])}__typename${this.#directive()}`;
    if (kind > 7 || isUnionType(type)) return depth > 0 ? this.#fragment(type, depth) : '__typename';
    return isObjectType(type) || isInterfaceType(type) ? this.#field(type, depth) : null;
  }

  #fragment(type: GraphQLNamedType, depth: number): string {
    if (isObjectType(type) && this.#random.int(2) === 1)
      return `...${this.#directive()} { ${this.#selections(type, depth - 1)} }`;
    const others = Object.values(this.#schema.getTypeMap()).filter((other) => this.#overlap(type, other));
    const on = this.#random.pick(others);
    return this.#spread(on.name, this.#selections(on, depth - 1));
  }

  #possible(type: GraphQLNamedType): readonly GraphQLObjectType[] {
    if (isObjectType(type)) return [type];
    return isAbstractType(type) ? this.#schema.getPossibleTypes(type) : [];
  }

  #overlap(type: GraphQLNamedType, other: GraphQLNamedType): boolean {
    const possible = this.#possible(other);
    return this.#possible(type).some((each) => possible.includes(each));
  }

  #field(type: GraphQLObjectType | GraphQLInterfaceType, depth: number): string | null {
    const field = this.#random.pick(Object.values(type.getFields()));
    const inner = getNamedType(field.type);
    if (isCompositeType(inner) && depth <= 0) return null;
    const takes = field.args.length === 0 ? '' : this.#arguments();
    // Under the same name, arguments must be alike.
    const alias = takes !== '' ? `a${this.#declared.length}${this.#budget}: ` : this.#alias(field.name);
    const below = isCompositeType(inner) ? ` { ${this.#selections(inner, depth - 1)} }` : '';
    return `${alias}${field.name}${takes}${this.#directive()}${below}`;
  }

  #alias(name: string): string {
    return ['', '', '', `x_${name}: `, `_${name}: `][this.#random.int(5)] ?? '';
  }

  #arguments(): string {
    const kind = this.#random.int(4);
    return kind === 3 ? `(flag: ${this.#boolean()})` : this.#random.pick(['', '(n: 2)', '(n: null)']);
  }
}

/** One document; validation decides whether it is of use. */
export const randomDocument = (schema: GraphQLSchema, random: Choices): RandomDocument =>
  new DocumentWriter(schema, random).document();
