import type { EventSpec, Side, SideName, TickMark, Traces, Turns } from '../sides/side.ts';
import { startSide } from '../sides/side.ts';
import { centrifugoPeer, graphqlPeer, tokensFor } from './clients.ts';
import { type ClientReport, type LoadClient, type Opened, startLoadClient } from './load-client.ts';

/** A side with its load client: rounds in which events are published on the one and checked on the other. */

export type RigOptions = {
  readonly settings?: Readonly<Record<string, unknown>>;
  /** The most connections it will have. */
  readonly sockets: number;
  /** Subscribe to the topic of one's group as well. */
  readonly withGroups?: boolean;
  /** WebSocket extensions that the clients offer. @default none */
  readonly extensions?: string;
  /** Bodies are of words, as those of people are, not of letters. @default false */
  readonly hasWords?: boolean;
  /** For so long after a round its last deliveries are waited for. @default 60_000 */
  readonly patienceMs?: number;
};

export type RoundOptions = {
  readonly ticks: number;
  /** Events at once in each tick. */
  readonly burst?: number;
  readonly bytes?: number;
  readonly intervalMs?: number;
  readonly watchTurns?: boolean;
  /** For each tick. @default as it was */
  readonly traces?: readonly Traces[];
};

export type RoundResult = {
  readonly deliveries: number;
  /** Processor time of the server per delivery, microseconds; without ticks in which markers went out, or null where there are too few of those. */
  readonly cpuUs: number;
  /** The same, tick by tick. */
  readonly ticksCpuUs: readonly number[];
  readonly bareCpuUs: number | null;
  readonly markersPerDelivery: number;
  /** Bytes that a client got per delivery, markers and heads of frames included; and the share of deliveries that were compressed. */
  readonly wireBytes: number;
  readonly deflatedShare: number;
  /** Per event, from publish to the last delivery, milliseconds. */
  readonly lastMs: readonly number[];
  readonly turns: Turns | null;
  /** Processor time of the load client per delivery, microseconds. */
  readonly clientCpuUs: number;
};

const defaults = { burst: 1, bytes: 52, intervalMs: 250 };

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

export class Rig {
  readonly side: Side;
  readonly client: LoadClient;
  readonly #patienceMs: number;
  readonly #hasWords: boolean;
  #event = 0;
  #sequence = 0;
  #opened: Opened = { ready: 0, closed: 0, ms: 0, ports: [] };

  constructor(side: Side, client: LoadClient, { patienceMs = 60_000, hasWords = false }: RigOptions) {
    this.side = side;
    this.client = client;
    this.#patienceMs = patienceMs;
    this.#hasWords = hasWords;
  }

  get name(): SideName {
    return this.side.name;
  }

  get sockets(): number {
    return this.#opened.ready;
  }

  /** The sequence number of the last event that was published to everyone. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Opens so many more; resolves with the processor time of the server for each, microseconds. */
  async open(count: number, { window = 100, group = 1 }: { window?: number; group?: number } = {}): Promise<number> {
    const before = await this.side.usage();
    this.#opened = await this.client.open(count, { window, sequence: this.#sequence, group });
    return ((await this.side.usage()).cpuUs - before.cpuUs) / count;
  }

  /** Publishes to everyone by the side itself. Rejects when anything is lost, comes twice, or is not what was published. */
  async round(options: RoundOptions): Promise<RoundResult> {
    const { burst, intervalMs, bytes, ticks } = { ...defaults, ...options };
    const events = this.#everyones(ticks, burst, bytes);
    const first = events[0]?.[0]?.event ?? 0;
    const before = await this.#expect(first, ticks * burst, bytes);
    const watchTurns = options.watchTurns === true;
    const { traces = [] } = options;
    const { ticks: marks, turns } = await this.side.round({ ticks: events, intervalMs, watchTurns, traces });
    const report = await this.#arrived(ticks * burst * this.sockets, before);
    const end = await this.side.usage();
    return {
      ...summary({ marks, end, report, burst }),
      turns,
      clientCpuUs: (report.cpuUs - before.cpuUs) / report.delivered,
    };
  }

  /** The same by the C loop, in the side's process, with what the side sent last as its model. Resolves with microseconds per delivery. */
  async loop(options: RoundOptions): Promise<Pick<RoundResult, 'cpuUs' | 'lastMs' | 'clientCpuUs'>> {
    const { burst, intervalMs, bytes, ticks } = { ...defaults, ...options };
    const sample = await this.client.sample();
    const events = this.#everyones(ticks, burst, bytes);
    const before = await this.#expect(events[0]?.[0]?.event ?? 0, ticks * burst, bytes);
    const { ticks: marks } = await this.side.loop({ ticks: events, intervalMs, sample, ports: this.#opened.ports });
    const report = await this.#arrived(ticks * burst * this.sockets, before);
    const lastMs = report.events.map(([, , lastUs], n) => (lastUs - (marks[Math.floor(n / burst)]?.atUs ?? 0)) / 1_000);
    const clientCpuUs = (report.cpuUs - before.cpuUs) / report.delivered;
    return { cpuUs: sum(marks.map(({ cpuUs }) => cpuUs)) / report.delivered, lastMs, clientCpuUs };
  }

  /** Publishes what is made up by the caller, who knows how many deliveries come of it. Numbers of events are added. */
  async send(
    ticks: readonly (readonly Omit<EventSpec, 'event'>[])[],
    { intervalMs, deliveries }: { readonly intervalMs: number; readonly deliveries: number },
  ): Promise<RoundResult> {
    const first = this.#event;
    const hasWords = this.#hasWords;
    const numbered = ticks.map((events) => events.map((event) => ({ hasWords, ...event, event: this.#event++ })));
    const burst = ticks[0]?.length ?? 1;
    const before = await this.#expect(first, this.#event - first, ticks[0]?.[0]?.bytes ?? 0);
    const { ticks: marks } = await this.side.round({ ticks: numbered, intervalMs });
    const report = await this.#arrived(deliveries, before);
    const end = await this.side.usage();
    const clientCpuUs = (report.cpuUs - before.cpuUs) / report.delivered;
    return { ...summary({ marks, end, report, burst }), turns: null, clientCpuUs };
  }

  async stop(): Promise<void> {
    await this.client.stop();
    await this.side.stop();
  }

  #everyones(ticks: number, burst: number, bytes: number): readonly (readonly EventSpec[])[] {
    const shared = { bytes, target: 'everyone', hasWords: this.#hasWords } as const;
    return Array.from({ length: ticks }, () =>
      Array.from({ length: burst }, () => ({ event: this.#event++, sequence: ++this.#sequence, ...shared })),
    );
  }

  async #expect(first: number, events: number, bytes: number): Promise<ClientReport> {
    await this.client.expect(first, events, bytes);
    return this.client.report();
  }

  async #arrived(deliveries: number, before: ClientReport): Promise<ClientReport> {
    await this.client.until(deliveries, this.#patienceMs);
    const report = await this.client.report();
    const wrong = (['lost', 'twice', 'bad', 'stray', 'closed'] as const).filter((key) => report[key] !== before[key]);
    const told = wrong.map((key) => `${report[key] - before[key]} ${key}`);
    if (report.delivered !== deliveries) told.push(`${report.delivered} of ${deliveries} delivered`);
    if (report.closed !== before.closed) told.push(`close code ${report.closeCode}`);
    if (told.length > 0) throw new Error(`${this.name} did not deliver what was published: ${told.join(', ')}`);
    return report;
  }
}

type Measured = {
  readonly marks: readonly TickMark[];
  readonly end: TickMark;
  readonly report: ClientReport;
  readonly burst: number;
};

/** Ticks in which fewer deliveries than this were followed by a marker count as free of them. */
const markerFree = 0.02;

const summary = ({ marks, end, report, burst }: Measured): Omit<RoundResult, 'turns' | 'clientCpuUs'> => {
  const ticks = marks.map((mark, n) => {
    const arrivals = report.events.slice(n * burst, (n + 1) * burst);
    const deliveries = sum(arrivals.map(([count]) => count));
    const markers = sum(arrivals.map(([, , , count]) => count));
    return { deliveries, markers, cpuUs: (marks[n + 1] ?? end).cpuUs - mark.cpuUs };
  });
  const bare = ticks.filter(({ markers, deliveries }) => markers < deliveries * markerFree);
  const deliveries = sum(ticks.map((tick) => tick.deliveries));
  const perDelivery = (some: typeof ticks): number =>
    sum(some.map(({ cpuUs }) => cpuUs)) / sum(some.map((tick) => tick.deliveries));
  return {
    deliveries,
    cpuUs: perDelivery(ticks),
    ticksCpuUs: ticks.map((tick) => perDelivery([tick])),
    bareCpuUs: bare.length * 4 < ticks.length ? null : perDelivery(bare),
    markersPerDelivery: sum(ticks.map(({ markers }) => markers)) / deliveries,
    wireBytes: report.bytesIn / report.delivered,
    deflatedShare: report.deflated / report.delivered,
    lastMs: report.events.map(([, , lastUs], n) => (lastUs - (marks[Math.floor(n / burst)]?.atUs ?? 0)) / 1_000),
  };
};

/** Starts a side and its client; nothing is connected yet. */
export const startRig = async (name: SideName, options: RigOptions): Promise<Rig> => {
  const side = await startSide(name, options.settings);
  try {
    const { extensions = '', hasWords = false } = options;
    const said = name === 'centrifugo' ? centrifugoPeer(side) : graphqlPeer(side, options.withGroups === true);
    const peer = { ...said, extensions, hasWords };
    const tokens = name === 'centrifugo' ? [] : await tokensFor(options.sockets);
    return new Rig(side, await startLoadClient(peer, tokens), options);
  } catch (error) {
    await side.stop();
    throw error;
  }
};
