import type { Clock, Timer } from '../clock.ts';

/**
 * Tens of thousands of timers on one timer of the clock: a hierarchical wheel. Set and cancel cost O(1), nothing runs while nothing is due,
 * and delays may be as long as numbers are exact. It serves every `after` of the machines and every deadline of this room.
 */

export type TimerWheelOptions = {
  readonly clock: Clock;
  /** Delays are rounded up to whole ticks. @default 10 // ms */
  readonly tickMs?: number;
  /** Hears what a task threw; the wheel and all other tasks go on. */
  onThrow(thrown: unknown): void;
};

/** A timer that can be set anew, whether or not it has fired: its task runs once more, that long from now. Nothing is made for it. */
export type WheelTimer = Timer & { again(delayMs: number): void };

/** The wheel as others use it: timers of one task each. */
export type TimerWheel = {
  /** Runs `task` once, never early, at most one tick late plus the event loop's lag. Infinite delays never fire. */
  after(delayMs: number, task: () => void): WheelTimer;
  /** Timers that are set. */
  readonly size: number;
  /** Takes back every timer; later ones are not run either. */
  stop(): void;
};

const slotsPerLevel = 64;
/** 64^7 ticks of 10 ms are 1,394 years. */
const levelCount = 7;
const spans: readonly number[] = Array.from({ length: levelCount }, (_, level) => slotsPerLevel ** level);
const maxDelayTicks = slotsPerLevel ** levelCount - 1;

/** A timer in a circular list; the list's head is an entry without a task. */
class Entry implements WheelTimer {
  next: Entry = this;
  previous: Entry = this;
  dueTick = 0;
  readonly task: (() => void) | null;
  readonly #wheel: Wheel | null;

  constructor(wheel: Wheel | null = null, task: (() => void) | null = null) {
    this.#wheel = wheel;
    this.task = task;
  }

  get isAlone(): boolean {
    return this.next === this;
  }

  append(entry: Entry): void {
    entry.previous = this.previous;
    entry.next = this;
    this.previous.next = entry;
    this.previous = entry;
  }

  unlink(): void {
    this.previous.next = this.next;
    this.next.previous = this.previous;
    this.next = this;
    this.previous = this;
  }

  cancel(): void {
    if (this.isAlone) return;
    this.unlink();
    this.#wheel?.release();
  }

  again(delayMs: number): void {
    this.cancel();
    this.#wheel?.set(this, delayMs);
  }
}

const newLevel = (): Entry[] => Array.from({ length: slotsPerLevel }, () => new Entry());

class Wheel implements TimerWheel {
  size = 0;
  readonly #clock: Clock;
  readonly #tickMs: number;
  readonly #onThrow: (thrown: unknown) => void;
  readonly #startMs: number;
  readonly #levels: readonly Entry[][] = spans.map(newLevel);
  /** Every slot up to here has been run. */
  #currentTick = 0;
  #armedTick = Number.POSITIVE_INFINITY;
  #alarm: Timer | null = null;
  #isTurning = false;
  #isStopped = false;

  constructor(options: TimerWheelOptions) {
    this.#clock = options.clock;
    this.#tickMs = options.tickMs ?? 10;
    this.#onThrow = options.onThrow;
    this.#startMs = options.clock.monotonic();
  }

  after(delayMs: number, task: () => void): WheelTimer {
    const entry = new Entry(this, task);
    this.set(entry, delayMs);
    return entry;
  }

  /** Puts an entry that is not set into its place. */
  set(entry: Entry, delayMs: number): void {
    const elapsedMs = this.#clock.monotonic() - this.#startMs;
    // Nothing is set: the wheel may jump to now, so that a long rest costs nothing.
    if (this.size === 0 && !this.#isTurning) {
      this.#currentTick = Math.max(this.#currentTick, Math.floor(elapsedMs / this.#tickMs));
    }
    const wantedTick = Math.ceil((elapsedMs + Math.max(delayMs, 0)) / this.#tickMs);
    const dueTick = Math.min(Math.max(wantedTick, this.#currentTick + 1), this.#currentTick + maxDelayTicks);
    if (this.#isStopped || delayMs === Number.POSITIVE_INFINITY) return;
    entry.dueTick = dueTick;
    this.size += 1;
    this.#insert(entry);
    if (!this.#isTurning && dueTick < this.#armedTick) this.#arm(dueTick);
  }

  /** An entry was taken out. */
  release(): void {
    this.size -= 1;
  }

  stop(): void {
    this.#isStopped = true;
    this.#alarm?.cancel();
    for (const slot of this.#levels.flat()) while (!slot.isAlone) slot.next.cancel();
  }

  #insert(entry: Entry): void {
    const delta = entry.dueTick - this.#currentTick;
    let level = 0;
    while (level < levelCount - 1 && delta >= (spans[level + 1] ?? 0)) level++;
    const index = Math.floor(entry.dueTick / (spans[level] ?? 1)) % slotsPerLevel;
    this.#levels[level]?.[index]?.append(entry);
  }

  /** The first tick at which a slot has to be run or spread; infinity when nothing is set. */
  #nextTick(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const [level, slots] of this.#levels.entries()) {
      const span = spans[level] ?? 1;
      const unit = Math.floor(this.#currentTick / span);
      for (let distance = 1; distance <= slotsPerLevel && (unit + distance) * span < next; distance++) {
        if (slots[(unit + distance) % slotsPerLevel]?.isAlone === false) next = (unit + distance) * span;
      }
    }
    return next;
  }

  #turn(): void {
    this.#alarm = null;
    this.#armedTick = Number.POSITIVE_INFINITY;
    this.#isTurning = true;
    const nowTick = Math.floor((this.#clock.monotonic() - this.#startMs) / this.#tickMs);
    let next = this.#nextTick();
    while (next <= nowTick && !this.#isStopped) {
      this.#runTick(next);
      next = this.#nextTick();
    }
    this.#isTurning = false;
    if (next !== Number.POSITIVE_INFINITY && !this.#isStopped) this.#arm(next);
  }

  /** Empties every slot that begins at `tick`, of all levels at once: runs what is due, spreads the rest over lower levels. */
  #runTick(tick: number): void {
    const due = new Entry();
    this.#currentTick = tick;
    for (const [level, slots] of this.#levels.entries()) {
      const span = spans[level] ?? 1;
      if (tick % span !== 0) break;
      const slot = slots[Math.floor(tick / span) % slotsPerLevel];
      if (slot !== undefined) this.#spread(slot, due);
    }
    while (!due.isAlone) {
      const entry = due.next;
      entry.cancel();
      this.#run(entry);
    }
  }

  #spread(slot: Entry, due: Entry): void {
    while (!slot.isAlone) {
      const entry = slot.next;
      entry.unlink();
      if (entry.dueTick <= this.#currentTick) due.append(entry);
      else this.#insert(entry);
    }
  }

  #run(entry: Entry): void {
    try {
      entry.task?.();
    } catch (thrown) {
      this.#onThrow(thrown);
    }
  }

  #arm(tick: number): void {
    this.#alarm?.cancel();
    this.#armedTick = tick;
    const delayMs = this.#startMs + tick * this.#tickMs - this.#clock.monotonic();
    this.#alarm = this.#clock.after(delayMs, () => this.#turn());
  }
}

/** Creates a wheel that stands still until its first timer is set. */
export const createTimerWheel = (options: TimerWheelOptions): TimerWheel => new Wheel(options);
