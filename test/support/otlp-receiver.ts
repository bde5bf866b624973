import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { type OtlpResourceSpans, type ReadSpan, readSpans } from '../../dev/jaeger/spans.ts';
import { decodeTraces } from './otlp-protobuf.ts';

/** How the receiver answers: takes spans, never answers, or answers with a status. */
export type ReceiverMode = 'take' | 'hang' | { readonly status: number };

/** An OTLP/HTTP collector of our own that keeps what it takes. */
export type OtlpReceiver = {
  /** Base of OTLP over HTTP: OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly otlpUrl: string;
  /** Everything taken so far, in order of arrival. */
  readonly spans: readonly ReadSpan[];
  /** Headers of the last request. */
  readonly headers: IncomingMessage['headers'];
  readonly requests: number;
  /** Connections that are open now. */
  readonly connections: number;
  answer(mode: ReceiverMode): void;
  /** Resolves once `isDone` holds for what was taken and asked; it is asked after each request. */
  until(isDone: () => boolean): Promise<void>;
  close(): Promise<void>;
};

const read = async (request: IncomingMessage): Promise<readonly OtlpResourceSpans[]> => {
  const raw = await buffer(request);
  const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw;
  if (request.headers['content-type'] !== 'application/json') return decodeTraces(body);
  return (JSON.parse(body.toString()) as { resourceSpans: OtlpResourceSpans[] }).resourceSpans;
};

/** Starts the receiver on a free port. */
export const startOtlpReceiver = async (): Promise<OtlpReceiver> => {
  const spans: ReadSpan[] = [];
  let mode: ReceiverMode = 'take';
  let requests = 0;
  let connections = 0;
  let headers: IncomingMessage['headers'] = {};
  const server = createServer(async (request, response) => {
    headers = request.headers;
    const taken = await read(request);
    requests++;
    if (mode === 'take') spans.push(...readSpans(taken));
    if (mode !== 'hang') response.writeHead(mode === 'take' ? 200 : mode.status).end();
    server.emit('taken');
  });
  server.on('connection', (socket) => {
    connections++;
    socket.on('close', () => connections--);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    otlpUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    get headers() {
      return headers;
    },
    get requests() {
      return requests;
    },
    get connections() {
      return connections;
    },
    answer(next) {
      mode = next;
    },
    async until(isDone) {
      while (!isDone()) await once(server, 'taken');
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
};
