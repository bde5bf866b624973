/** What `publishNotification` answered. */
export type PublishAnswer = {
  readonly data?: {
    publishNotification: {
      notificationId: string | null;
      duplicate: boolean;
      failedUserIds: string[];
      userErrors: { code: string; field: string[] | null; message: string }[];
    };
  } | null;
  readonly errors?: { message: string; extensions?: Record<string, unknown> }[];
};

const document = `mutation Publish($input: PublishNotificationInput!) {
  publishNotification(input: $input) { notificationId duplicate failedUserIds userErrors { code field message } }
}`;

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
