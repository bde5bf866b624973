import {
  type ConstDirectiveNode,
  type DefinitionNode,
  type EnumTypeDefinitionNode,
  type FieldDefinitionNode,
  Kind,
  type ObjectTypeDefinitionNode,
  type TypeNode,
} from 'graphql';
import type { SdlProblems } from './read-sdl.ts';
import { isSafeUrl, parseTemplate, renderText, type Template } from './template.ts';

/**
 * The deployer's vocabulary: object types and enums of the events folder, checked before anything is derived from them.
 */

/** One `type … @event(…)`. */
export type EventType = {
  /** `ce_type`. */
  readonly type: string;
  /** Name of the object type. */
  readonly typename: string;
  /** Key in the publish input. */
  readonly key: string;
  readonly title: Template;
  readonly body: Template | null;
  readonly url: Template | null;
  readonly node: ObjectTypeDefinitionNode;
};

export type Vocabulary = {
  readonly events: readonly EventType[];
  readonly objects: readonly ObjectTypeDefinitionNode[];
  readonly enums: readonly EnumTypeDefinitionNode[];
};

const scalarNames: ReadonlySet<string> = new Set(['String', 'Int', 'Float', 'Boolean', 'ID', 'DateTime', 'BigInt']);

/** `OrderShipped` -> `orderShipped`, `URLAlert` -> `urlAlert`, `Order_Shipped` -> `orderShipped`. */
export const lowerCamel = (typename: string): string =>
  typename
    .replace(/_+([A-Za-z0-9])/g, (_match, letter: string) => letter.toUpperCase())
    .replace(/^[A-Z]+(?![a-z])|^[A-Z]/, (start) => start.toLowerCase());

const namedType = (type: TypeNode): string => (type.kind === Kind.NAMED_TYPE ? type.name.value : namedType(type.type));

const kindNames: Readonly<Record<string, string>> = {
  [Kind.UNION_TYPE_DEFINITION]: 'unions',
  [Kind.INTERFACE_TYPE_DEFINITION]: 'interfaces',
  [Kind.INPUT_OBJECT_TYPE_DEFINITION]: 'inputs (they are derived)',
  [Kind.SCALAR_TYPE_DEFINITION]: 'scalars of your own',
  [Kind.DIRECTIVE_DEFINITION]: 'directives',
};

class VocabularyReader {
  readonly objects: ObjectTypeDefinitionNode[] = [];
  readonly enums: EnumTypeDefinitionNode[] = [];
  readonly #problems: SdlProblems;

  constructor(definitions: readonly DefinitionNode[], problems: SdlProblems) {
    this.#problems = problems;
    for (const definition of definitions) this.#sort(definition);
  }

  #sort(definition: DefinitionNode): void {
    if (definition.kind === Kind.OBJECT_TYPE_DEFINITION) this.objects.push(definition);
    else if (definition.kind === Kind.ENUM_TYPE_DEFINITION) this.enums.push(definition);
    else {
      const what = kindNames[definition.kind] ?? 'extensions and operations';
      this.#problems.add(definition.loc, `event files hold object types and enums; ${what} cannot be there`);
    }
  }

  checkFields(): void {
    const known = new Set([...this.objects, ...this.enums].map((each) => each.name.value));
    for (const object of this.objects) {
      if ((object.interfaces?.length ?? 0) > 0) {
        this.#problems.add(object.loc, `${object.name.value} implements an interface: events cannot`);
      }
      for (const field of object.fields ?? []) this.#checkField(object, field, known);
    }
  }

  #checkField(object: ObjectTypeDefinitionNode, field: FieldDefinitionNode, known: ReadonlySet<string>): void {
    const name = `${object.name.value}.${field.name.value}`;
    if ((field.arguments?.length ?? 0) > 0)
      this.#problems.add(field.loc, `${name} has arguments: event fields have none`);
    const type = namedType(field.type);
    if (scalarNames.has(type) || known.has(type)) return;
    const allowed = [...scalarNames].join(', ');
    this.#problems.add(
      field.loc,
      `${name} is of type ${type}: use ${allowed} or an object type or enum of the events folder`,
    );
  }

  events(): EventType[] {
    const events: EventType[] = [];
    for (const node of this.objects) {
      const directive = node.directives?.find((each) => each.name.value === 'event');
      const event = directive === undefined ? null : this.#event(node, directive);
      if (event !== null) events.push(event);
    }
    return events;
  }

  #event(node: ObjectTypeDefinitionNode, directive: ConstDirectiveNode): EventType | null {
    const typename = node.name.value;
    const text = (name: string): string | null => {
      const value = directive.arguments?.find((each) => each.name.value === name)?.value;
      return value?.kind === Kind.STRING ? value.value : null;
    };
    const type = text('type');
    if (type === null || type.trim() === '') {
      this.#problems.add(directive.loc, `${typename} has no event type: give @event(type: "…") one`);
      return null;
    }
    const [title, body, url] = (['title', 'body', 'url'] as const).map((name) =>
      this.#template(node, name, text(name)),
    );
    if (title === null || title === undefined) return null;
    this.#checkUrl(node, url ?? null);
    return { type, typename, key: lowerCamel(typename), title, body: body ?? null, url: url ?? null, node };
  }

  #template(node: ObjectTypeDefinitionNode, name: 'title' | 'body' | 'url', text: string | null): Template | null {
    if (text === null) {
      if (name === 'title')
        this.#problems.add(node.loc, `${node.name.value} has no title: give @event(title: "…") one`);
      return null;
    }
    const template = parseTemplate(text);
    if (template === null) {
      this.#problems.add(node.loc, `the ${name} of ${node.name.value} has a brace that is not part of a {field}`);
      return null;
    }
    for (const field of template.fields)
      this.#checkTemplateField(node, field, name !== 'title' && template.soleField !== null);
    return template;
  }

  #checkTemplateField(node: ObjectTypeDefinitionNode, name: string, mayBeNull: boolean): void {
    const where = `{${name}} in a template of ${node.name.value}`;
    const field = node.fields?.find((each) => each.name.value === name);
    if (field === undefined) {
      this.#problems.add(node.loc, `${where} names no field of it`);
      return;
    }
    const isNullable = field.type.kind !== Kind.NON_NULL_TYPE;
    const inner = field.type.kind === Kind.NON_NULL_TYPE ? field.type.type : field.type;
    const isLeaf =
      inner.kind === Kind.NAMED_TYPE && !this.objects.some((object) => object.name.value === inner.name.value);
    if (!isLeaf) this.#problems.add(field.loc, `${where} is a list or an object: only scalars and enums can be shown`);
    else if (isNullable && !mayBeNull)
      this.#problems.add(field.loc, `${where} may be null: only non-null fields can be shown`);
  }

  /** A link that is wrong whatever the values are is wrong now. */
  #checkUrl(node: ObjectTypeDefinitionNode, url: Template | null): void {
    if (url === null || url.soleField !== null) return;
    const sample = renderText(url, Object.fromEntries(url.fields.map((name) => [name, 'x'])));
    if (sample !== null && sample !== '' && isSafeUrl(sample)) return;
    this.#problems.add(
      node.loc,
      `the url of ${node.name.value} is neither a path nor an https address: "/…" or "https://…"`,
    );
  }
}

const reportTwins = (events: readonly EventType[], of: 'type' | 'key', problems: SdlProblems): void => {
  const first = new Map<string, EventType>();
  for (const event of events) {
    const twin = first.get(event[of]);
    if (twin === undefined) first.set(event[of], event);
    else {
      const what = of === 'type' ? 'event type' : 'publish key';
      problems.add(
        event.node.loc,
        `${event.typename} and ${twin.typename} share the ${what} "${event[of]}": rename one`,
      );
    }
  }
};

/** Reads and checks the vocabulary; whatever is wrong is noted in `problems` with file and line. */
export const readVocabulary = (definitions: readonly DefinitionNode[], problems: SdlProblems): Vocabulary => {
  const reader = new VocabularyReader(definitions, problems);
  reader.checkFields();
  const events = reader.events();
  if (events.length === 0) problems.add(undefined, 'no type of the events folder has @event: add one');
  reportTwins(events, 'type', problems);
  reportTwins(events, 'key', problems);
  return { events, objects: reader.objects, enums: reader.enums };
};
