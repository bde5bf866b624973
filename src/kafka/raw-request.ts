/**
 * A request that we encode and decode ourselves and that travels over a kafkajs connection: it gives versions that kafkajs has
 * not (topic ids, leader epochs), and answers in which one partition's error leaves the others' data alone.
 */
export type RawRequest<Answer> = {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly apiName: string;
  /** Body, with the header's tagged fields in front where the version is flexible. */
  readonly body: Buffer;
  /** Reads the answer after its correlation id. May throw on bytes that make no sense. */
  decode(payload: Buffer): Answer;
};
