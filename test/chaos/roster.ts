import type { Style } from './history.ts';
import type { Manners } from './socket-client.ts';

/** Who takes part in a run, and what happens to the network of each. */

/** What is done to a client's network, again and again, while the servers have their own trouble. */
export type LineFault =
  | 'calm'
  | 'fin'
  | 'rst'
  | 'half-open'
  | 'slow'
  | 'zero-window'
  | 'flapping'
  | 'other-node'
  | 'stranded'
  | 'old-cursor'
  | 'corrupt-cursor'
  | 'foreign-cursor'
  | 'storm';

export type Member = {
  readonly name: string;
  readonly user: string;
  readonly kind: 'graphql-ws' | 'event-stream' | Manners;
  readonly style: Style;
  readonly fault: LineFault;
};

const alone = (name: string, kind: Member['kind'], rest: Pick<Member, 'style' | 'fault'>): Member => ({
  name,
  user: name,
  kind,
  ...rest,
});

const networkFaults = [
  'calm',
  'fin',
  'rst',
  'half-open',
  'slow',
  'zero-window',
  'flapping',
  'other-node',
  'stranded',
] as const;
const cursorFaults = ['old-cursor', 'corrupt-cursor', 'foreign-cursor'] as const;

/** Every client of a run. Each has a user of its own, but for the tabs. */
export const roster: readonly Member[] = [
  ...networkFaults.map((fault) => alone(`stock-${fault}`, 'graphql-ws', { style: 'zero-code', fault })),
  ...networkFaults.map((fault) => alone(`cursor-${fault}`, 'graphql-ws', { style: 'cursor', fault })),
  ...cursorFaults.map((fault) => alone(`cursor-${fault}`, 'graphql-ws', { style: 'cursor', fault })),
  ...[1, 2, 3].map((n) => alone(`stock-storm-${n}`, 'graphql-ws', { style: 'zero-code', fault: 'storm' })),
  ...[1, 2, 3].map((n) => alone(`cursor-storm-${n}`, 'graphql-ws', { style: 'cursor', fault: 'storm' })),
  { ...alone('stock-tab-1', 'graphql-ws', { style: 'zero-code', fault: 'rst' }), user: 'tabs' },
  { ...alone('cursor-tab-2', 'graphql-ws', { style: 'cursor', fault: 'fin' }), user: 'tabs' },
  alone('echo-zero-code', 'echo', { style: 'zero-code', fault: 'rst' }),
  alone('echo-cursor', 'echo', { style: 'cursor', fault: 'half-open' }),
  alone('bare-zero-code', 'bare', { style: 'zero-code', fault: 'fin' }),
  alone('bare-cursor', 'bare', { style: 'cursor', fault: 'other-node' }),
  alone('mute-cursor', 'mute', { style: 'cursor', fault: 'calm' }),
  alone('stream-fin', 'event-stream', { style: 'cursor', fault: 'fin' }),
  alone('stream-rst', 'event-stream', { style: 'cursor', fault: 'rst' }),
  alone('stream-half-open', 'event-stream', { style: 'cursor', fault: 'half-open' }),
  alone('stream-slow', 'event-stream', { style: 'cursor', fault: 'slow' }),
];

/** Topics of the campaign; each client follows two of them. */
export const topics = ['news.a', 'news.b', 'news.c'] as const;

/** The topics that the client at `index` of the roster follows. */
export const topicsOf = (index: number): readonly string[] => topics.filter((_, n) => n !== index % topics.length);

/** Clients that read slowly get events that are large, so that their queues fill within a run. */
export const isHeavy = ({ fault }: Member): boolean => fault === 'slow' || fault === 'zero-window';

/** Clients without code wait as their library does, but for those whose trouble it is that they do not. */
export const isHasty = ({ style, fault }: Member): boolean =>
  style === 'cursor' || fault === 'flapping' || fault === 'storm';
