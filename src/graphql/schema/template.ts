/** `{field}` templates: what an event shows. Parsed once; rendering is concatenation. */

/** A literal, or the name of a field whose value stands there. */
export type TemplatePart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'field'; readonly name: string };

export type Template = {
  readonly parts: readonly TemplatePart[];
  /** Names of the fields, in order, repeats included. */
  readonly fields: readonly string[];
  /** The only field, where the template is nothing else; such a template passes its value on as it is. */
  readonly soleField: string | null;
};

const fieldName = /^[_A-Za-z][_0-9A-Za-z]*$/;

const partOf = (piece: string): TemplatePart | null => {
  if (!piece.startsWith('{')) return /[{}]/.test(piece) ? null : { kind: 'text', text: piece };
  const name = piece.slice(1, -1);
  return piece.endsWith('}') && fieldName.test(name) ? { kind: 'field', name } : null;
};

/** Parses a template; null where a brace is not part of a `{field}`. */
export const parseTemplate = (text: string): Template | null => {
  const parts: TemplatePart[] = [];
  for (const piece of text.split(/(\{[^{}]*\})/)) {
    if (piece === '') continue;
    const part = partOf(piece);
    if (part === null) return null;
    parts.push(part);
  }
  const fields = parts.flatMap((part) => (part.kind === 'field' ? [part.name] : []));
  const soleField = parts.length === 1 ? (fields[0] ?? null) : null;
  return { parts, fields, soleField };
};

/** A field's value as text. Lone surrogates become U+FFFD, which is what any encoder would make of them. */
const textOf = (value: unknown): string => (typeof value === 'string' ? value.toWellFormed() : String(value));

export type Fields = Readonly<Record<string, unknown>>;

/** Renders text; null only where the sole field is null. */
export const renderText = (template: Template, fields: Fields): string | null => {
  if (template.soleField !== null) {
    const value = fields[template.soleField];
    return value === null || value === undefined ? null : textOf(value);
  }
  let text = '';
  for (const part of template.parts) text += part.kind === 'text' ? part.text : textOf(fields[part.name]);
  return text;
};

const sentinel = 'https://carillon.invalid';

/** Whether a browser that follows `url` from a page of the site stays there or goes to an https address. */
export const isSafeUrl = (url: string): boolean => {
  const alone = URL.parse(url);
  if (alone !== null) return alone.protocol === 'https:';
  return URL.parse(url, sentinel)?.origin === sentinel;
};

/** A path whose first segment is literal stays on the site whatever the values are, since they are percent-encoded. */
const isSafeByForm = (template: Template): boolean => {
  const [first] = template.parts;
  return first?.kind === 'text' && /^\/[0-9A-Za-z]/.test(first.text);
};

/** `refused` where the link leads elsewhere; null where there is none. */
export type RenderUrl = (fields: Fields) => { readonly url: string | null; readonly isRefused: boolean };

/** Compiles a url template. */
export const compileUrl = (template: Template): RenderUrl => {
  const isSafe = isSafeByForm(template) ? () => true : isSafeUrl;
  const { soleField } = template;
  const render = (fields: Fields): string | null => {
    if (soleField !== null) return renderText(template, fields);
    let url = '';
    for (const part of template.parts) {
      url += part.kind === 'text' ? part.text : encodeURIComponent(textOf(fields[part.name]));
    }
    return url;
  };
  return (fields) => {
    const url = render(fields);
    if (url === null || url === '') return { url: null, isRefused: false };
    return isSafe(url) ? { url, isRefused: false } : { url: null, isRefused: true };
  };
};
