/** Who sends pings. */
export type Pinger = { pingPeer(payload: string): void };

/**
 * RFC 6455 pings of one socket, one at a time: a peer may answer each of them (`ws`, which ends a connection that has many unanswered) or, by
 * RFC 6455 §5.5.3, the last one only.
 */
export class PeerPings {
  readonly #pinger: Pinger;
  #isOutstanding = false;
  #waiting: number | null = null;

  constructor(pinger: Pinger) {
    this.#pinger = pinger;
  }

  /** Pings with `counter` now, or once the ping before is answered; of several that wait, the last. */
  ask(counter: number): void {
    if (this.#isOutstanding) this.#waiting = counter;
    else this.#pinger.pingPeer(`${counter}`);
    this.#isOutstanding = true;
  }

  /** The peer answered. */
  answered(): void {
    const waiting = this.#waiting;
    this.#isOutstanding = waiting !== null;
    this.#waiting = null;
    if (waiting !== null) this.#pinger.pingPeer(`${waiting}`);
  }
}
