import { print } from 'graphql';
import { PublishDocument, type PublishMutation } from './__generated__/operations.ts';

/** What `publishNotification` answered. */
export type PublishAnswer = {
  readonly data?: PublishMutation | null;
  readonly errors?: { message: string; extensions?: Record<string, unknown> }[];
};

const document = print(PublishDocument);

/** Posts one mutation as a service would. */
export const publish = async (
  httpUrl: string,
  request: { token: string; input: unknown; headers?: Readonly<Record<string, string>> },
): Promise<PublishAnswer> => {
  const response = await fetch(httpUrl, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${request.token}`,
      ...request.headers,
    },
    body: JSON.stringify({ query: document, variables: { input: request.input } }),
  });
  return (await response.json()) as PublishAnswer;
};

/** The input of a `message` event to one user. */
export const messageTo = (userId: string, title: string, extra: Record<string, unknown> = {}): unknown => ({
  audience: { userId },
  content: { message: { title } },
  ...extra,
});
