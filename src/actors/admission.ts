import type { Timer } from '../clock.ts';

/** A session that waits for its `connection_ack`. */
export type Applicant = { grant(): void; refuse(): void };

export type AdmissionDeps = {
  readonly perSecond: number;
  readonly burst: number;
  readonly maxWaiting: number;
  monotonic(): number;
  after(delayMs: number, task: () => void): Timer;
};

/** Paces `connection_ack`s, so that everybody coming back at once does not starve those who are here. Turns are granted in order of asking. */
export class Admission {
  readonly #deps: AdmissionDeps;
  /** Waiting, with the time before which a turn is not granted. A Map keeps the order and lets anyone leave at once. */
  readonly #waiting = new Map<Applicant, number>();
  #tokens: number;
  #filledAtMs: number;
  #timer: Timer | null = null;
  /** The last look found no turn left. */
  #isDry = false;

  constructor(deps: AdmissionDeps) {
    this.#deps = deps;
    this.#tokens = deps.burst;
    this.#filledAtMs = deps.monotonic();
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Grants a turn, now if there is one; refuses when too many wait. `notBeforeMs` (from now) holds this one back. */
  request(applicant: Applicant, notBeforeMs: number = 0): void {
    if (this.#waiting.size >= this.#deps.maxWaiting) {
      applicant.refuse();
      return;
    }
    this.#waiting.set(applicant, this.#deps.monotonic() + notBeforeMs);
    // With no turn left, the timer comes with the next one.
    if (!this.#isDry) this.#serve();
  }

  /** Gives up waiting; without effect on one that was served. */
  leave(applicant: Applicant): void {
    this.#waiting.delete(applicant);
  }

  #serve(): void {
    this.#fill();
    this.#isDry = false;
    const now = this.#deps.monotonic();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [applicant, notBefore] of this.#waiting) {
      if (notBefore > now) nextMs = Math.min(nextMs, notBefore - now);
      else if (this.#tokens < 1) {
        this.#isDry = true;
        nextMs = Math.min(nextMs, ((1 - this.#tokens) / this.#deps.perSecond) * 1_000);
        break;
      } else {
        this.#tokens -= 1;
        this.#waiting.delete(applicant);
        applicant.grant();
      }
    }
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#waiting.size > 0) this.#timer = this.#deps.after(Math.max(nextMs, 1), () => this.#serve());
  }

  #fill(): void {
    const now = this.#deps.monotonic();
    this.#tokens = Math.min(this.#deps.burst, this.#tokens + ((now - this.#filledAtMs) / 1_000) * this.#deps.perSecond);
    this.#filledAtMs = now;
  }
}
