// @ts-check
import { LinkError, LinkFailure, Rejection } from 'mcbridge/adapter';
import { Lines } from './lines.js';
import { begin, closed, refusalOf, statusOf, WORDS, wordsOf } from './request.js';

/** @import { IncomingMessage } from 'node:http' */
/** @import { AnswerLimits } from './lines.js' */
/** @import { Server } from './request.js' */

/**
 * @typedef {object} Answer
 * @property {AnswerLimits} limits
 * @property {(line: Buffer) => void} onLine
 * @property {number} lifetime ms after which nothing more of it is read
 * @property {() => void} onSent the request has left
 */

/** What a timer of Node's can wait. */
const LONGEST_MS = 2 ** 31 - 1;

/** @param {unknown} error what a POST came to @returns {string} the code of the rejection that becomes of it */
export const codeOf = (error) => {
  if (error instanceof Rejection) return error.code;
  return error instanceof LinkError && error.code === 'refused' ? 'not_permitted' : 'far_side_failed';
};

/** What HTTP bears of a message's headers. A client may call its request anything. @param {Readonly<Record<string, string>>} headers */
const ownHeaders = (headers) =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [`mcbridge-${name}`, encodeURIComponent(value)]),
  );

/**
 * Asks whether the server is there and takes the token. Whatever else it says to OPTIONS is its own affair.
 * @param {Server} server @param {AbortSignal} signal @throws LinkError
 */
export const probe = async (server, signal) => {
  const response = await begin(server, { method: 'OPTIONS', headers: {}, signal });
  const refusal = refusalOf(response, server);
  // Its body is of no interest, and may have no end.
  if (response.headers['content-length'] === '0' || response.statusCode === 204) response.resume();
  else response.destroy();
  if (refusal !== undefined) throw refusal;
};

/**
 * Posts a request and hands over the lines of its answer as they come.
 * @param {Server} server
 * @param {{ readonly headers: Record<string, string>, readonly body: Uint8Array, readonly signal: AbortSignal }} request
 * @param {Answer} answer
 * @throws LinkError where nothing, or no answer, came; Rejection where the answer goes beyond a limit
 */
export const post = async (server, request, { limits, onLine, lifetime, onSent }) => {
  const headers = {
    ...ownHeaders(request.headers),
    'content-type': 'application/json',
    accept: 'application/x-ndjson',
  };
  const response = await begin(server, { ...request, method: 'POST', headers, onSent });
  const { url } = server;
  try {
    const refusal = refusalOf(response, server);
    if (refusal !== undefined) throw refusal;
    if (response.statusCode !== 200)
      throw new LinkError('protocol', `${url}: it answers ${statusOf(response)}, and 200 is wanted`);
    const [type = ''] = (response.headers['content-type'] ?? '').split(';');
    if (!/^application\/(x-)?ndjson$/i.test(type.trim()))
      throw new LinkError(
        'protocol',
        `${url}: it answers with ${type === '' ? 'no type' : wordsOf(type)}, and application/x-ndjson is wanted`,
      );
    await readLines(response, new Lines(limits, onLine), lifetime, url);
  } catch (error) {
    // The rest may have no end.
    response.destroy();
    if (error instanceof Rejection || error instanceof LinkError) throw error;
    if (request.signal.aborted) throw closed();
    throw new LinkFailure(WORDS, url, 'lost', '', { cause: error });
  }
};

/** @param {IncomingMessage} response @param {Lines} lines @param {number} lifetime @param {string} url */
const readLines = async (response, lines, lifetime, url) => {
  let isOver = false;
  const timer = setTimeout(
    () => {
      isOver = true;
      response.destroy();
    },
    Math.min(LONGEST_MS, lifetime),
  );
  try {
    for await (const chunk of response) lines.add(chunk);
    if (!response.complete) throw new LinkFailure(WORDS, url, 'lost');
    lines.end();
  } catch (error) {
    // Nobody waits any more for what a server goes on to send.
    if (!isOver) throw error;
  } finally {
    clearTimeout(timer);
  }
};
