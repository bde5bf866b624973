import { styleText } from 'node:util';
import type { StreamStep, TailedNotification } from './follow-stream.ts';

type Paint = (style: 'bold' | 'dim' | 'cyan' | 'yellow', text: string) => string;

const painter =
  (hasColors: boolean): Paint =>
  (style, text) =>
    hasColors ? styleText(style, text, { validateStream: false }) : text;

/** What others wrote must not steer the terminal. */
const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ');

const audienceOf = ({ audience, topic }: TailedNotification): string => {
  if (audience === 'TOPIC') return `topic ${topic}`;
  return audience === 'USER' ? 'you' : 'everyone';
};

const eventLine = (node: TailedNotification, isLive: boolean, paint: Paint): string => {
  const time = paint('dim', new Date(node.createdAt).toISOString().slice(11, 23));
  const detail = [node.body, node.url === null ? null : paint('cyan', printable(node.url))]
    .filter((part) => part !== null)
    .map((part) => `  ${part === node.body ? printable(part) : part}`);
  const about = paint(
    'dim',
    `  ${printable(node.type)} to ${printable(audienceOf(node))}${isLive ? '' : ', replayed'}`,
  );
  return `${time}  ${paint('bold', printable(node.title))}${detail.join('')}${about}`;
};

/** One step of the stream as a line for a person; null for a checkpoint, which says nothing to them. */
export const describeStep = (step: StreamStep, hasColors: boolean): string | null => {
  const paint = painter(hasColors);
  if (step.gap !== null) {
    const between = [step.gap.since, step.gap.until].filter((time) => time !== null).join(' to ');
    return paint('yellow', `gap ${step.gap.reason}${between === '' ? '' : ` (${between})`}: refetch your state`);
  }
  return step.edge === null ? null : eventLine(step.edge.node, step.isLive, paint);
};
