/** The operation id of connection `n`, as the load client makes it: a UUID, as stock clients use. */
export const operationIdOf = (n: number): string => {
  const spread = (Math.imul(n, 2_654_435_761) >>> 0).toString(16).padStart(8, '0');
  return `${spread}-bbbb-4bbb-8bbb-${n.toString(16).padStart(12, '0')}`;
};
