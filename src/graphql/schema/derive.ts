import {
  type DefinitionNode,
  type FieldDefinitionNode,
  type InputObjectTypeDefinitionNode,
  type InputValueDefinitionNode,
  Kind,
  type NamedTypeNode,
  type NameNode,
  type ObjectTypeDefinitionNode,
  type StringValueNode,
  type TypeNode,
} from 'graphql';
import type { Vocabulary } from './event-types.ts';

/** What the vocabulary adds to the schema: the content union and the publish inputs. Places in files are kept, so that problems name them. */

const name = (value: string): NameNode => ({ kind: Kind.NAME, value });
const named = (value: string): NamedTypeNode => ({ kind: Kind.NAMED_TYPE, name: name(value) });
const text = (value: string): StringValueNode => ({ kind: Kind.STRING, value });

/** Name of the input that stands for an object type. */
export const inputName = (typename: string): string => `${typename}Input`;

const inputType = (type: TypeNode, objects: ReadonlySet<string>): TypeNode => {
  if (type.kind === Kind.NAMED_TYPE) {
    return objects.has(type.name.value) ? { ...type, name: name(inputName(type.name.value)) } : type;
  }
  if (type.kind === Kind.LIST_TYPE) return { ...type, type: inputType(type.type, objects) };
  return { ...type, type: inputType(type.type, objects) as Exclude<TypeNode, { kind: Kind.NON_NULL_TYPE }> };
};

const inputField = (field: FieldDefinitionNode, objects: ReadonlySet<string>): InputValueDefinitionNode => ({
  kind: Kind.INPUT_VALUE_DEFINITION,
  ...(field.description === undefined ? {} : { description: field.description }),
  ...(field.loc === undefined ? {} : { loc: field.loc }),
  name: field.name,
  type: inputType(field.type, objects),
});

const inputOf = (object: ObjectTypeDefinitionNode, objects: ReadonlySet<string>): InputObjectTypeDefinitionNode => ({
  kind: Kind.INPUT_OBJECT_TYPE_DEFINITION,
  ...(object.description === undefined ? {} : { description: object.description }),
  ...(object.loc === undefined ? {} : { loc: object.loc }),
  name: name(inputName(object.name.value)),
  fields: (object.fields ?? []).map((field) => inputField(field, objects)),
});

/** The derived definitions: `NotificationContent`, `NotificationContentInput` and one input per object type. */
export const deriveDefinitions = ({ events, objects }: Vocabulary): readonly DefinitionNode[] => {
  const objectNames = new Set(objects.map((object) => object.name.value));
  const union: DefinitionNode = {
    kind: Kind.UNION_TYPE_DEFINITION,
    description: text('Every event type.'),
    name: name('NotificationContent'),
    types: events.map((event) => named(event.typename)),
  };
  const input: DefinitionNode = {
    kind: Kind.INPUT_OBJECT_TYPE_DEFINITION,
    description: text('Exactly one event type and its fields.'),
    name: name('NotificationContentInput'),
    directives: [{ kind: Kind.DIRECTIVE, name: name('oneOf') }],
    fields: events.map((event) => ({
      kind: Kind.INPUT_VALUE_DEFINITION,
      description: text(`Publishes \`${event.type}\`.`),
      name: name(event.key),
      type: named(inputName(event.typename)),
    })),
  };
  return [union, input, ...objects.map((object) => inputOf(object, objectNames))];
};
