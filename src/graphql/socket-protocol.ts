import type { GraphQLFormattedError } from 'graphql';
import {
  type CompleteMessage,
  type ConnectionInitMessage,
  MessageType,
  type PingMessage,
  type PongMessage,
  type SubscribeMessage,
  validateMessage,
} from 'graphql-ws';
import { type Close, violations } from './close-codes.ts';
import { toWire, type WireText } from './wire-text.ts';

/** Grammar of `graphql-transport-ws`, the server's side: text to message, and messages to text. */

/** The one subprotocol that is spoken. */
export const subprotocol = 'graphql-transport-ws';

export type ClientMessage = ConnectionInitMessage | PingMessage | PongMessage | SubscribeMessage | CompleteMessage;

const isFromClient = (message: { readonly type: MessageType }): message is ClientMessage =>
  message.type !== MessageType.ConnectionAck && message.type !== MessageType.Next && message.type !== MessageType.Error;

/**
 * Reads one text frame. What is not a client's message is the close that it deserves (4400); the reason is for its sender alone. [GQLWS-8.1] [GQLWS-8.2]
 * [GQLWS-8.3] [GQLWS-8.4] Members that nobody knows are passed over [GQLWS-8.6].
 */
export const readMessage = (text: string): ClientMessage | Close => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return violations.badMessage('Invalid message: not JSON');
  }
  try {
    const message = validateMessage(value);
    return isFromClient(message) ? message : violations.badMessage('Invalid message: only servers send this type');
  } catch (error) {
    return violations.badMessage(`Invalid message: ${error instanceof Error ? error.message : 'unknown form'}`);
  }
};

/** `connection_ack`. [GQLWS-2.1] */
export const ackFrame: WireText = toWire('{"type":"connection_ack"}');

/** `pong`, with the ping's payload where it had one; never a null payload, which some clients refuse. [GQLWS-3.1] [GQLWS-3.2] */
export const pongFrame = (payload: unknown): WireText =>
  payload === undefined || payload === null ? barePong : toWire(`{"type":"pong","payload":${JSON.stringify(payload)}}`);

const barePong = toWire('{"type":"pong"}');

/** `ping` that carries a marker; with the end of the token near, it says so too. */
export const markerFrame = (counter: number, tokenExpiresInMs: number | null = null): WireText => {
  const challenge = tokenExpiresInMs === null ? '' : `,"tokenExpiresInMs":${tokenExpiresInMs}`;
  return `{"type":"ping","payload":{"carillon":${counter}${challenge}}}` as WireText;
};

/** The marker that a pong's payload echoes; null where it is none of ours. */
export const echoedMarker = (payload: unknown): number | null => {
  const counter = (payload as { carillon?: unknown } | null | undefined)?.carillon;
  return typeof counter === 'number' && Number.isSafeInteger(counter) && counter >= 0 ? counter : null;
};

const echo = /^\{"type":"pong","payload":\{"carillon":(\d{1,15})\}\}$/;

/** The marker in an echo as stock clients write it; null for all else, other ways to write an echo included. */
export const quickEcho = (text: string): number | null => {
  const counter = text.length < 64 ? echo.exec(text)?.[1] : undefined;
  return counter === undefined ? null : Number(counter);
};

/** `next` up to its payload. */
export const nextHead = (id: string): WireText => toWire(`{"id":${JSON.stringify(id)},"type":"next","payload":`);

/** `next` with an execution result that is JSON already. [GQLWS-5.1] */
export const nextFrame = (id: string, resultJson: WireText): WireText => `${nextHead(id)}${resultJson}}` as WireText;

/** `error`: the end of an operation. At least one error. [GQLWS-6.1] */
export const errorFrame = (id: string, errors: readonly GraphQLFormattedError[]): WireText =>
  toWire(`{"id":${JSON.stringify(id)},"type":"error","payload":${JSON.stringify(errors)}}`);

/** `complete`. [GQLWS-7.1] */
export const completeFrame = (id: string): WireText => toWire(`{"id":${JSON.stringify(id)},"type":"complete"}`);
