import type { BrokerAddress } from './broker-address.ts';
import { BrokerLink, type LinkDeps } from './broker-link.ts';

/** What a connection is used for. A long poll must not make a question or a replay wait, so that each has its own. */
export type Lane = 'control' | 'history';

const keyOf = (lane: string, { host, port }: BrokerAddress): string => `${lane} ${host} ${port}`;

/** The connections that all logs of a store share, by lane and broker address; live lanes belong to their feed. */
export class Links {
  readonly deps: LinkDeps;
  readonly #links = new Map<string, BrokerLink>();

  constructor(deps: LinkDeps) {
    this.deps = deps;
  }

  /** The one link of this lane to this broker; made on first use, connected on first request. */
  to(lane: Lane, address: BrokerAddress): BrokerLink {
    const key = keyOf(lane, address);
    const link = this.#links.get(key) ?? new BrokerLink(address, this.deps);
    this.#links.set(key, link);
    return link;
  }

  /** Drops every connection for good. */
  close(): void {
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
  }
}
