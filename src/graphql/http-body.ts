import type { IncomingMessage } from 'node:http';
import type { HttpRefusal } from './http-answer.ts';

export type HttpBody =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly refusal: HttpRefusal };

/** The rest of a body that is too large is not read: the connection ends with the answer. */
const tooLarge = (maxBytes: number): HttpBody => ({
  ok: false,
  refusal: {
    status: 413,
    code: 'TOO_LARGE',
    message: `the request body is larger than ${maxBytes} bytes, the limit for this token: send less at once`,
    headers: { connection: 'close' },
  },
});

const badBody = (message: string): HttpBody => ({
  ok: false,
  refusal: { status: 400, code: 'BAD_USER_INPUT', message },
});

const decoder = new TextDecoder('utf-8', { fatal: true });

const decode = (parts: readonly Buffer[]): HttpBody => {
  try {
    const [first] = parts;
    return { ok: true, text: decoder.decode(parts.length === 1 ? first : Buffer.concat(parts)) };
  } catch {
    return badBody('the request body is not UTF-8');
  }
};

/** Reads the whole body, at most `maxBytes`. A connection that breaks off gives a refusal that nobody reads. */
export const readHttpBody = (request: IncomingMessage, maxBytes: number): Promise<HttpBody> => {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return Promise.resolve(tooLarge(maxBytes));
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    let size = 0;
    const take = (part: Buffer): void => {
      size += part.length;
      parts.push(part);
      if (size <= maxBytes) return;
      request.off('data', take);
      request.pause();
      resolve(tooLarge(maxBytes));
    };
    request.on('data', take);
    request.once('end', () => resolve(decode(parts)));
    request.once('close', () => resolve(badBody('the request broke off')));
    request.once('error', () => resolve(badBody('the request broke off')));
  });
};
