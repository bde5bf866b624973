import type { Client, FormattedExecutionResult, Sink, SubscribePayload } from 'graphql-ws';
import { describe, expect, it } from 'vitest';
import { resuming } from '../../examples/resume.ts';

/** As graphql-ws does: the payload is serialised for each connection. */
const fakeClient = () => {
  let payload: SubscribePayload | undefined;
  let sink: Sink<FormattedExecutionResult<never, never>> | undefined;
  const client = {
    subscribe: (given: SubscribePayload, to: Sink<never>) => {
      payload = given;
      sink = to;
      return () => {};
    },
  } as unknown as Client;
  return {
    client,
    sent: () => JSON.parse(JSON.stringify(payload)) as { variables: Record<string, unknown> },
    receive: (data: unknown) => sink?.next({ data } as never),
  };
};

describe('resuming', () => {
  it('subscribes as it is told, and reconnects with the cursor that came last', () => {
    const { client, sent, receive } = fakeClient();
    const seen: unknown[] = [];
    const sink = { next: (value: unknown) => seen.push(value), error: () => {}, complete: () => {} };
    resuming(client).subscribe({ query: 'q', variables: { after: 'a', filter: 1 } }, sink);
    expect(sent().variables).toEqual({ after: 'a', filter: 1 });
    receive({ notificationReceived: { cursor: 'b' } });
    receive({ notificationReceived: { cursor: 'c' } });
    receive(null);
    expect(sent().variables).toEqual({ after: 'c', filter: 1 });
    expect(seen).toHaveLength(3);
  });

  it('begins at "now" without a cursor', () => {
    const { client, sent } = fakeClient();
    resuming(client).subscribe({ query: 'q' }, { next: () => {}, error: () => {}, complete: () => {} });
    expect(sent().variables).toEqual({ after: null });
  });
});
