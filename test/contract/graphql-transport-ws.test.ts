import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GatewayProcess, scratchFolder, startGateway } from '../support/gateway.ts';
import { publish } from '../support/publish.ts';
import { type StockServer, startStockServer } from '../support/stock-server.ts';
import { testToken } from '../support/token.ts';
import { type Deviations, describeGraphqlTransportWs } from './graphql-transport-ws.ts';

let gateway: GatewayProcess;
let folder: Awaited<ReturnType<typeof scratchFolder>>;
let publisher: string;
let stock: StockServer;
beforeAll(async () => {
  folder = await scratchFolder();
  gateway = await startGateway({ CARILLON_DATA_DIR: folder.path });
  publisher = await testToken('suite', { scopes: ['notifications:publish:everyone'] });
  stock = await startStockServer();
});
afterAll(async () => {
  await gateway?.end();
  await folder?.remove();
  await stock?.close();
});

const emit = async (): Promise<void> => {
  const input = { audience: { everyone: true }, content: { message: { title: 'tick' } } };
  const { data } = await publish(gateway.httpUrl, { token: publisher, input });
  if (data?.publishNotification.notificationId == null) throw new Error('the event was not published');
};

let clients = 0;
const stream = 'notificationReceived { edge { node { title } } }';
const publishing =
  'publishNotification(input: { audience: { userId: "nobody" }, content: { message: { title: "x" } } }) { duplicate }';

describeGraphqlTransportWs('Carillon', () => ({
  url: gateway.wsUrl,
  async goodPayload() {
    const token = await testToken(`client-${clients++}`, { scopes: ['notifications:publish'] });
    return { authorization: `Bearer ${token}` };
  },
  badPayload: { authorization: 'Bearer nobody' },
  stream: `subscription { ${stream} }`,
  several: `query A { viewer { userId } } mutation B { ${publishing} } subscription C { ${stream} }`,
  query: '{ viewer { userId } }',
  mutation: `mutation { ${publishing} }`,
  slow: `mutation { ${publishing} }`,
  failing: 'mutation { sessionRefresh(token: "nobody") { viewer { userId } } }',
  refused: 'subscription { notificationReceived(filter: { topics: ["secret"] }) { cursor } }',
  emit,
}));

/** What the stock server does otherwise. */
const stockDeviations: Deviations = {
  '4406 where it is not offered: ["':
    'selects no subprotocol: the client fails its own handshake and never sees the code',
  '[GQLWS-1.3]': 'the same',
  'the document does not parse': 'closes the whole socket with 4500',
  '[GQLWS-6.2]': 'the same',
  '[GQLWS-6.1] error ends a subscription': 'gives a result with errors, then completes',
  '[GQLWS-8.4]': 'closes with 4500',
  '[GQLWS-8.5]': 'reads binary frames as text',
};

describeGraphqlTransportWs(
  'the stock server',
  () => ({
    url: stock.url,
    goodPayload: async () => ({ user: 'ada' }),
    badPayload: {},
    stream: 'subscription { ticks }',
    several: 'query A { viewer } mutation B { touch } subscription C { ticks }',
    query: '{ viewer }',
    mutation: 'mutation { touch }',
    slow: '{ slow }',
    failing: '{ failing }',
    refused: 'subscription { refused }',
    emit: async () => stock.emit(),
  }),
  stockDeviations,
);

const tagsIn = (text: string): ReadonlySet<string> => new Set(text.match(/GQLWS-\d+\.\d+/g) ?? []);

describe('the clauses', () => {
  it('are the same in docs/protocol.md, in this suite and in the code', () => {
    const read = (path: string): string => readFileSync(path, 'utf8');
    const suite = read('test/contract/graphql-transport-ws.ts');
    const tested = new Set([
      ...tagsIn(suite),
      'GQLWS-4.5',
      'GQLWS-4.6',
      ...['1', '2', '3', '4'].map((n) => `GQLWS-8.${n}`),
    ]);
    const sources = readdirSync('src/graphql').filter((name) => name.endsWith('.ts'));
    const kept = tagsIn(sources.map((name) => read(join('src/graphql', name))).join('\n'));
    const sorted = (tags: ReadonlySet<string>): readonly string[] => [...tags].sort();
    expect(sorted(tagsIn(read('docs/protocol.md')))).toEqual(sorted(tested));
    expect(sorted(kept)).toEqual(sorted(tested));
  });
});
