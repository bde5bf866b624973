/**
 * RFC 6455 pings of one socket, one at a time: a peer may answer each of them (`ws`, which ends a connection that has many unanswered) or, by
 * RFC 6455 §5.5.3, the last one only.
 */
export type PeerPings = {
  /** Pings with `counter` now, or once the ping before is answered; of several that wait, the last. */
  ask(counter: number): void;
  /** The peer answered. */
  answered(): void;
};

/** Creates them; `ping` writes one. */
export const createPeerPings = (ping: (counter: number) => void): PeerPings => {
  let isOutstanding = false;
  let waiting: number | null = null;
  return {
    ask(counter) {
      if (isOutstanding) waiting = counter;
      else ping(counter);
      isOutstanding = true;
    },
    answered() {
      isOutstanding = waiting !== null;
      if (waiting !== null) ping(waiting);
      waiting = null;
    },
  };
};
