import { testToken } from '../../test/support/token.ts';
import type { Peer } from './load-client.ts';

/** What the load client says to each kind of server, and the tokens that it has. */

/** Where a server is. */
export type Address = { readonly port: number; readonly path: string };

/** What the benchmark's clients subscribe to; its frames have about 390 bytes. */
const document =
  'subscription { notificationReceived { cursor isLive edge { node { id type createdAt title body } } gap { reason } } }';

const groupDocument =
  'subscription($topics: [String!]!) { notificationReceived(filter: { topics: $topics }) { cursor isLive edge { node { id type createdAt title body } } gap { reason } } }';

/** graphql-transport-ws. `withGroups`: subscribes to the topic of one's group as well. */
export const graphqlPeer = ({ port, path }: Address, withGroups: boolean = false): Peer => ({
  port,
  path,
  subprotocol: 'graphql-transport-ws',
  init: '{"type":"connection_init","payload":{"authorization":"Bearer %TOKEN%"}}',
  subscribe: JSON.stringify({
    id: '%ID%',
    type: 'subscribe',
    payload: withGroups ? { query: groupDocument, variables: { topics: ['g%GROUP%'] } } : { query: document },
  }),
  ready: '"type":"next"',
});

/** Centrifugo's JSON protocol. */
export const centrifugoPeer = ({ port, path }: Address): Peer => ({
  port,
  path,
  subprotocol: '',
  init: '{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"bench"}}',
  subscribe: '',
  ready: '"id":2',
});

/** One token per user `user-0`, `user-1` and so on; a hundred at a time. */
export const tokensFor = async (count: number): Promise<readonly string[]> => {
  const tokens: string[] = [];
  while (tokens.length < count) {
    const some = Array.from({ length: Math.min(100, count - tokens.length) }, (_, n) => tokens.length + n);
    tokens.push(...(await Promise.all(some.map((n) => testToken(`user-${n}`, { topics: ['**'] })))));
  }
  return tokens;
};
