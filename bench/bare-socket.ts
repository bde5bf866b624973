/** What a client that is made by hand writes and reads: a library's would take more of the processor than what is measured. */

/** A text frame of a client, under a mask of zeros; below 64 KiB. */
export const frame = (message: unknown): Buffer => {
  const payload = Buffer.from(JSON.stringify(message));
  const head =
    payload.length < 126 ? [0x81, 0x80 | payload.length] : [0x81, 0xfe, payload.length >> 8, payload.length & 0xff];
  return Buffer.concat([Buffer.from(head), Buffer.alloc(4), payload]);
};

/** The request that opens a WebSocket. */
export const handshake: string = [
  'GET /graphql HTTP/1.1',
  'Host: gateway',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Protocol: graphql-transport-ws',
  '\r\n',
].join('\r\n');

const headersEnd = '\r\n\r\n';

/** Takes a server's bytes apart: the answer to the handshake, then frames, none of them fragmented or compressed. */
export class FrameReader {
  /** Whether the handshake was answered. */
  isOpen = false;
  #rest: Buffer = Buffer.alloc(0);

  /** The texts of the frames that are whole by now. */
  read(data: Buffer): readonly string[] {
    this.#rest = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]);
    if (!this.isOpen) this.#passHandshake();
    const texts: string[] = [];
    while (this.isOpen) {
      const end = this.#frameEnd();
      if (end > this.#rest.length) break;
      texts.push(this.#rest.toString('utf8', this.#headBytes(), end));
      this.#rest = this.#rest.subarray(end);
    }
    return texts;
  }

  #passHandshake(): void {
    const end = this.#rest.indexOf(headersEnd);
    if (end < 0) return;
    this.isOpen = true;
    this.#rest = this.#rest.subarray(end + headersEnd.length);
  }

  #headBytes(): number {
    const length = this.#rest[1] ?? 0;
    if (length < 126) return 2;
    return length === 126 ? 4 : 10;
  }

  /** Where the first frame ends; beyond what is there where its head is not whole. */
  #frameEnd(): number {
    const head = this.#headBytes();
    if (this.#rest.length < head) return Number.POSITIVE_INFINITY;
    if (head === 2) return head + (this.#rest[1] ?? 0);
    return head + (head === 4 ? this.#rest.readUInt16BE(2) : Number(this.#rest.readBigUInt64BE(2)));
  }
}
