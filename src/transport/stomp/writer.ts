import type { OutgoingMessage } from '../link.ts';
import { headerLine, type StompVersion } from './frame.ts';

type Headers = Readonly<Record<string, string>>;

/** Written by the writer itself; a message's own headers cannot stand in for them. */
const OWN = new Set(['destination', 'reply-to', 'content-length', 'receipt', 'transaction']);

/**
 * A frame without a body.
 * @throws LinkError `protocol` for headers that this version cannot say
 */
export const writeFrame = (command: string, headers: Headers, version?: StompVersion): Buffer => {
  let head = `${command}\n`;
  for (const [name, value] of Object.entries(headers)) head += headerLine(command, name, value, version);
  return Buffer.from(`${head}\n\0`);
};

/**
 * A SEND frame up to its body. There is a content-length always: the body may hold NULs, and ActiveMQ makes a
 * text message of a frame without one.
 * @throws LinkError `protocol` for headers that this version cannot say
 */
export const writeSendHead = (message: OutgoingMessage, version: StompVersion): string => {
  const line = (name: string, value: string) => headerLine('SEND', name, value, version);
  let head = `SEND\n${line('destination', message.destination)}`;
  if (message.replyTo !== undefined) head += line('reply-to', message.replyTo);
  for (const name in message.headers) {
    const value = message.headers[name];
    if (value !== undefined && !OWN.has(name)) head += line(name, value);
  }
  return `${head}content-length:${message.body.byteLength}\n\n`;
};
