/** Content negotiation of results: GraphQL over HTTP knows two forms of the same JSON, which differ in their status codes. */

/** A form in which a result can be sent. */
export type ResultType = 'application/json' | 'application/graphql-response+json';

const charsetOf = (params: readonly string[]): string =>
  params.find((param) => param.includes('charset=')) ?? 'charset=utf-8';

/** A range that fits both means JSON, which every client reads. */
const resultTypeOf = (range: string): ResultType | null => {
  const [type = '', ...params] = range.split(';');
  // No other encoding is sent.
  if (charsetOf(params) !== 'charset=utf-8') return null;
  switch (type) {
    case '*/*':
    case 'application/*':
    case '*/json':
    case 'application/json':
      return 'application/json';
    case '*/graphql-response+json':
    case 'application/graphql-response+json':
      return 'application/graphql-response+json';
    default:
      return null;
  }
};

/**
 * The form that an Accept header asks for: of its ranges, the first that fits one; weights (`q`) do not count. No header means JSON. Null where no
 * range fits.
 */
export const acceptedResultType = (accept: string | undefined): ResultType | null => {
  if (accept === undefined || accept === 'application/json' || accept === '*/*' || accept === '')
    return 'application/json';
  for (const range of accept.replace(/\s/g, '').toLowerCase().split(',')) {
    const type = resultTypeOf(range);
    if (type !== null) return type;
  }
  return null;
};
