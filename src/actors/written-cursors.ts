/** Per operation of a session, the cursor that was written last. Nearly all have one operation: it needs no Map. */
export class WrittenCursors {
  #operationId: string | null = null;
  #cursor = '';
  #others: Map<string, string> | null = null;

  set(operationId: string, cursor: string): void {
    if (this.#operationId === null || this.#operationId === operationId) {
      this.#operationId = operationId;
      this.#cursor = cursor;
      return;
    }
    this.#others ??= new Map();
    this.#others.set(operationId, cursor);
  }

  has(operationId: string): boolean {
    return this.#operationId === operationId || this.#others?.has(operationId) === true;
  }

  forEach(task: (operationId: string, cursor: string) => void): void {
    if (this.#operationId !== null) task(this.#operationId, this.#cursor);
    this.#others?.forEach((cursor, operationId) => {
      task(operationId, cursor);
    });
  }
}
