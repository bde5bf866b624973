// The development console: one user, one subscription, one publish form. No build step: the gateway serves these files as they are.
import { createClient } from './graphql-ws/client.js';

const subscription = `subscription Console($after: Cursor, $filter: StreamFilter) {
  notificationReceived(after: $after, filter: $filter) {
    cursor isLive
    gap { reason since until }
    edge { node { id type createdAt audience topic title body url } }
  }
}`;
const mutation = `mutation Publish($input: PublishNotificationInput!) {
  publishNotification(input: $input) { notificationId duplicate userErrors { code field message } }
}`;

const element = (id) => document.getElementById(id);
const session = element('session');
const publish = element('publish');
const base = new URL(document.querySelector('#graphql').href);
const seen = new Set();
let cursor = null;
let client = null;
let socket = null;

const show = (state, text) => {
  element('state').dataset.state = state;
  element('state').textContent = text;
};

const request = async (path, body, headers = {}) => {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  if (!response.ok && !response.headers.get('content-type')?.includes('json')) throw new Error(await response.text());
  return response.json();
};

const token = async (user) => (await request('console/token', { user })).token;

const line = (tag, text) => Object.assign(document.createElement(tag), { textContent: text });

const audienceOf = ({ audience, topic }) =>
  ({ TOPIC: `topic ${topic}`, USER: 'to you', EVERYONE: 'to everyone' })[audience];

const eventItem = (node) => {
  const item = document.createElement('li');
  item.append(line('strong', node.title));
  if (node.body) item.append(line('p', node.body));
  item.append(line('small', `${node.type} · ${audienceOf(node)} · ${new Date(node.createdAt).toLocaleTimeString()}`));
  if (node.url) item.append(' ', Object.assign(line('a', node.url), { href: node.url }));
  return item;
};

const gapItem = ({ reason }) => {
  const item = Object.assign(document.createElement('li'), { className: 'gap' });
  item.append(line('strong', `Gap: ${reason}`), line('p', 'Some positions cannot be replayed; refetch your state.'));
  return item;
};

const itemOf = ({ edge, gap }) => {
  if (gap) return gapItem(gap);
  if (!edge || seen.has(edge.node.id)) return null;
  seen.add(edge.node.id);
  return eventItem(edge.node);
};

const add = (payload) => {
  cursor = payload.cursor;
  show(payload.isLive ? 'live' : 'catching-up', payload.isLive ? 'live' : 'catching up');
  const item = itemOf(payload);
  if (item) element('events').prepend(item);
};

const connect = () => {
  client?.dispose();
  const form = new FormData(session);
  const user = String(form.get('user'));
  const topics = String(form.get('topics'))
    .split(',')
    .map((topic) => topic.trim())
    .filter(Boolean);
  element('events').replaceChildren();
  seen.clear();
  cursor = null;
  show('connecting', 'connecting');
  const active = createClient({
    url: base.href.replace(/^http/, 'ws'),
    lazy: false,
    retryAttempts: Number.POSITIVE_INFINITY,
    // Also while nobody listens there.
    shouldRetry: () => true,
    connectionParams: async () => ({ authorization: `Bearer ${await token(user)}` }),
    on: {
      connected: (opened) => {
        socket = opened;
        element('cut').disabled = false;
      },
      closed: () => {
        element('cut').disabled = true;
        if (active === client) show('connecting', 'connecting again');
      },
    },
  });
  client = active;
  follow(active, topics);
};

/** What ended a subscription: GraphQL errors, a close event, or an exception. */
const reasonOf = (error) => (Array.isArray(error) ? error[0]?.message : (error.reason ?? error.message));

/** Follows until disposed. graphql-ws sends the same variables again when it reconnects: read then, `after` is where the stream goes on. */
const follow = async (active, topics) => {
  const variables = {
    get after() {
      return cursor;
    },
    filter: { topics },
  };
  try {
    for await (const { data, errors } of active.iterate({ query: subscription, variables })) {
      if (errors) show('failed', errors[0].message);
      else add(data.notificationReceived);
    }
  } catch (error) {
    if (active === client) show('failed', reasonOf(error) || 'the gateway is not reachable');
  }
};

session.addEventListener('submit', (event) => {
  event.preventDefault();
  connect();
});

// 4205 is not a code of the gateway's: the browser closes, the client comes back by itself.
element('cut').addEventListener('click', () => socket?.close(4205, 'cut by hand'));

const input = () => {
  const form = new FormData(publish);
  const kind = String(form.get('audience'));
  const to = kind === 'everyone' ? true : String(form.get('to'));
  const message = {
    title: String(form.get('title')),
    body: String(form.get('body')) || null,
    url: String(form.get('url')) || null,
  };
  return { audience: { [kind]: to }, content: { message } };
};

const outcome = ({ data, errors }) => {
  if (errors) return { kind: 'error', text: errors[0].message };
  const { notificationId, userErrors } = data.publishNotification;
  if (userErrors.length > 0) return { kind: 'error', text: userErrors[0].message };
  return { kind: 'ok', text: `published ${notificationId}` };
};

publish.addEventListener('submit', async (event) => {
  event.preventDefault();
  const result = element('result');
  try {
    const user = String(new FormData(session).get('user'));
    const authorization = `Bearer ${await token(user)}`;
    const { kind, text } = outcome(
      await request(base, { query: mutation, variables: { input: input() } }, { authorization }),
    );
    result.dataset.kind = kind;
    result.textContent = text;
  } catch (error) {
    result.dataset.kind = 'error';
    result.textContent = error.message;
  }
});

const shell = () => {
  const { audience, content } = input();
  const [kind, to] = Object.entries(audience)[0];
  const flag = kind === 'everyone' ? '--everyone' : `--${kind === 'userId' ? 'user' : 'topic'} ${to}`;
  const quote = (text) => `'${text.replaceAll("'", `'\\''`)}'`;
  const body = content.message.body ? ` --body ${quote(content.message.body)}` : '';
  const user = new FormData(session).get('user');
  element('shell').textContent =
    `npx carillon tail --user ${user}\nnpx carillon publish ${flag} --title ${quote(content.message.title)}${body}`;
};
publish.addEventListener('input', () => {
  publish.elements.to.disabled = publish.elements.audience.value === 'everyone';
  shell();
});
session.addEventListener('input', shell);
shell();
