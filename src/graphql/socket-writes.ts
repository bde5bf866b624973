/**
 * What all sockets of a node write in one tick. Frames are put down per socket; each socket then gets one write, in this one place: a sender that
 * takes many sockets at once would come in here (docs/adr/0007).
 */

/** One socket with frames to write. */
export type Writable = {
  /** Writes what waits, in one write. Must not throw. */
  flush(): void;
};

/** More sockets than this do not wait for the end of the tick: who fans out to thousands sees what its time went into. */
const maxDue = 32;

export class SocketWrites {
  #due: Writable[] = [];
  #isScheduled = false;
  readonly #run = (): void => {
    this.#isScheduled = false;
    this.flush();
  };

  /** `writable.flush` is called in this tick, once for each time that it is put down; who has flushed by itself before has nothing left then. */
  add(writable: Writable): void {
    if (this.#due.length >= maxDue) this.flush();
    this.#due.push(writable);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(this.#run);
  }

  /** Writes all that waits. */
  flush(): void {
    const due = this.#due;
    this.#due = [];
    for (const writable of due) writable.flush();
  }
}
