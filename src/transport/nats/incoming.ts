import type { Msg, MsgHdrs } from '@nats-io/transport-node';
import type { IncomingMessage } from '../link.ts';

/** The server's own notice that a message with a reply subject had no receiver, "no responders" (NATS ADR-4). */
const NO_RESPONDERS = 503;
const NONE: Readonly<Record<string, string>> = Object.freeze({});

/** Undefined where there are none, and where one has a name that is not one: then the client reads none of them (3.4.0). */
const headersOf = (message: Msg): MsgHdrs | undefined => {
  try {
    return message.headers;
  } catch {
    return undefined;
  }
};

/** The message as links hand it over; undefined where it says that there are no responders. */
export const messageOf = (message: Msg): IncomingMessage | undefined => {
  const { subject, data } = message;
  const headers = headersOf(message);
  if (headers?.code === NO_RESPONDERS && data.length === 0) return undefined;
  const replyTo = message.reply ?? '';
  const body = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const fields = headers === undefined ? NONE : fieldsOf(headers);
  return replyTo === ''
    ? { destination: subject, headers: fields, body }
    : { destination: subject, replyTo, headers: fields, body };
};

/** The first value of each name. */
const fieldsOf = (headers: MsgHdrs): Readonly<Record<string, string>> =>
  Object.fromEntries(headers.keys().map((name) => [name, headers.get(name)]));
