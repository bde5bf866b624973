import { connect } from 'node:net';

/** A Metadata v1 request for no topics, with its length in front. */
const metadataRequest = (): Buffer => {
  const clientId = Buffer.from('probe');
  const request = Buffer.alloc(4 + 2 + 2 + 4 + 2 + clientId.length + 4);
  let at = request.writeInt32BE(request.length - 4, 0);
  at = request.writeInt16BE(3, at);
  at = request.writeInt16BE(1, at);
  at = request.writeInt32BE(7, at);
  at = request.writeInt16BE(clientId.length, at);
  at += clientId.copy(request, at);
  request.writeInt32BE(0, at);
  return request;
};

const nodeIds = (response: Buffer): readonly number[] => {
  const ids: number[] = [];
  let at = 8;
  const count = response.readInt32BE(at);
  at += 4;
  for (let index = 0; index < count; index++) {
    ids.push(response.readInt32BE(at));
    at += 4;
    at += 2 + response.readInt16BE(at) + 4;
    at += 2 + Math.max(0, response.readInt16BE(at));
  }
  return ids;
};

/** Asks the broker at `host:port` (plaintext) for the nodes that it knows. Rejects when it does not answer within `timeoutMs`. */
export const probe = (address: { host: string; port: number }, timeoutMs = 500): Promise<readonly number[]> =>
  new Promise((resolve, reject) => {
    const socket = connect(address, () => socket.write(metadataRequest()));
    let received = Buffer.alloc(0);
    const fail = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    socket.setTimeout(timeoutMs, () => fail(new Error(`no answer from ${address.host}:${address.port}`)));
    socket.on('error', fail);
    socket.on('close', () => reject(new Error(`${address.host}:${address.port} closed the connection`)));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 4 || received.length < 4 + received.readInt32BE(0)) return;
      socket.destroy();
      resolve(nodeIds(received));
    });
  });
