/** Where GraphQL is: the same rule for requests and upgrades. */
export type EndpointPath = {
  /** Whether `url` (path and query, as in the request line) is the endpoint. One slash at its end is allowed; nothing else is. */
  matches(url: string | undefined): boolean;
  /** What to tell those who went elsewhere. Repeats nothing of what they asked for: it may hold a token. */
  readonly hint: string;
};

/** The part before `?` or `#`. */
const pathOf = (url: string): string => /^[^?#]*/.exec(url)?.[0] ?? '';

/** Creates the rule for `path`, such as `/graphql`. */
export const createEndpointPath = (path: string): EndpointPath => {
  const bare = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
  return {
    matches(url) {
      const asked = pathOf(url ?? '');
      return asked === bare || asked === `${bare}/`;
    },
    hint: `nothing is here: GraphQL is at ${bare}, over HTTP and WebSocket`,
  };
};
