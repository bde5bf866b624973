import type { ReadSpan } from './spans.ts';

/** A span with those it caused, in order of their start. */
export type SpanTree = { readonly span: ReadSpan; readonly children: readonly SpanTree[] };

/** The trees of a trace, in order of their start: one where it is whole, more where a parent is elsewhere or not yet there. */
export const spanTrees = (spans: readonly ReadSpan[]): readonly SpanTree[] => {
  const ids = new Set(spans.map((span) => span.spanId));
  const inOrder = [...spans].sort((a, b) => a.startMs - b.startMs);
  const grow = (span: ReadSpan): SpanTree => ({
    span,
    children: inOrder.filter((child) => child.parentSpanId === span.spanId).map(grow),
  });
  return inOrder.filter((span) => span.parentSpanId === null || !ids.has(span.parentSpanId)).map(grow);
};

/** `publish > process notifications > deliver`, one line per span, indented: what a test compares. */
export const outline = (trees: readonly SpanTree[], indent = ''): string =>
  trees.map(({ span, children }) => `${indent}${span.name}\n${outline(children, `${indent}  `)}`).join('');

const shown = [
  'carillon.mode',
  'carillon.ack',
  'carillon.recipients',
  'carillon.log_wait_ms',
  'carillon.outbox_wait_ms',
  'error.type',
];

const ms = (value: number): string => `${value.toFixed(value < 10 ? 2 : 1)} ms`;

const describe = (span: ReadSpan, rootStartMs: number): string => {
  const attributes = shown
    .filter((name) => name in span.attributes)
    .map((name) => `${name.replace('carillon.', '')}=${span.attributes[name]}`);
  const facts = [`+${ms(span.startMs - rootStartMs)}`, ms(span.endMs - span.startMs), span.service, ...attributes];
  return `${span.isError ? '✗ ' : ''}${span.name}  ${facts.join('  ')}`;
};

const events = (span: ReadSpan): string =>
  span.events.map(({ name, atMs }) => `${name} +${ms(atMs - span.startMs)}`).join(' · ');

const drawBelow = ({ span, children }: SpanTree, prefix: string, rootStartMs: number): readonly string[] => {
  const lines = span.events.length === 0 ? [] : [`${prefix}${children.length > 0 ? '│' : ' '}    ${events(span)}`];
  for (const link of span.links) lines.push(`${prefix}     linked to trace ${link.traceId}`);
  children.forEach((child, index) => {
    const isLast = index === children.length - 1;
    lines.push(`${prefix}${isLast ? '└─ ' : '├─ '}${describe(child.span, rootStartMs)}`);
    lines.push(...drawBelow(child, `${prefix}${isLast ? '   ' : '│  '}`, rootStartMs));
  });
  return lines;
};

/** The trace as lines for a terminal: start and duration of each span, what it says, its events. */
export const drawTrees = (trees: readonly SpanTree[]): string =>
  trees
    .flatMap((tree) => [describe(tree.span, tree.span.startMs), ...drawBelow(tree, '', tree.span.startMs)])
    .map((line) => line.trimEnd())
    .join('\n');
