import type { ServerInfo } from '@nats-io/transport-node';
import { LinkFailure } from '../failure/failure.ts';
import { speakerOf } from '../failure/greeting.ts';
import { LinkError } from '../link.ts';
import { NATS_WORDS, toServerError } from './errors.ts';

/** The first line is an INFO of a few hundred bytes, with the addresses of a cluster of a few thousand. */
const MAX_BYTES = 256 * 1024;

/** What the bridge needs of a server's INFO before the client reads it. */
export type Greeting = Pick<ServerInfo, 'tls_required' | 'tls_available' | 'tls_verify'>;

/** Not by one regular expression: whoever answers in a server's place, before TLS, sends what makes it take minutes. */
const firstWord = (line: string): { readonly word: string; readonly rest: string } => {
  const text = line.trim();
  const space = text.search(/\s/);
  return space === -1
    ? { word: text, rest: '' }
    : { word: text.slice(0, space), rest: text.slice(space).trimStart() };
};

const parsed = (json: string): ServerInfo => {
  let info: ServerInfo;
  try {
    info = JSON.parse(json);
  } catch (error) {
    throw new LinkError('protocol', 'the NATS server introduces itself with what is no JSON', {
      cause: error,
    });
  }
  if (typeof info !== 'object' || info === null)
    throw new LinkError('protocol', 'the NATS server introduces itself with what is no object');
  // The client needs it, and would only say that it can read nothing more (3.4.0).
  if (!/^\d+\.\d+\.\d+/.test(`${info.version}`))
    throw new LinkError('protocol', 'the NATS server introduces itself without its version');
  return info;
};

/**
 * What a server says first, in the clear.
 * @param bytes all that has come until now
 * @returns undefined where more has to come
 * @throws LinkError for what is not an introduction
 */
export const readGreeting = (bytes: Buffer, server: string): ServerInfo | undefined => {
  const hasEnded = bytes.includes('\n');
  if (!hasEnded && bytes.length < MAX_BYTES) return undefined;
  const [line = '', ...more] = bytes.toString('utf8').split('\n', 2);
  const { word, rest } = firstWord(hasEnded ? line : '');
  // A server that refuses all may say so together with its INFO.
  const refusal = [line, ...more].map(firstWord).find((said) => said.word === '-ERR');
  if (refusal !== undefined) throw toServerError(refusal.rest.replace(/^'(.*)'$/, '$1'), server);
  // What came in the clear behind it would be taken for what came by TLS.
  if (word !== 'INFO' || more.some((text) => text !== '')) throw strangerAt(bytes, server);
  return parsed(rest);
};

/** @param bytes what it has said */
export const strangerAt = (bytes: Buffer, server: string): LinkFailure =>
  new LinkFailure(NATS_WORDS, server, 'another-protocol', speakerOf(bytes));
