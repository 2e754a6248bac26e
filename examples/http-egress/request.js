// @ts-check
import http from 'node:http';
import https from 'node:https';
import { cut, failureOf, LinkError, LinkFailure, quoted } from 'mcbridge/adapter';

/** @import { ProtocolWords, TlsSettings } from 'mcbridge/adapter' */
/** @import { Socket } from 'node:net' */
/** @import { SecureContext } from 'node:tls' */

/** What sentences about a failing link call things. @type {ProtocolWords} */
export const WORDS = {
  protocol: 'HTTP',
  peer: 'an HTTP server',
  plain: 'http://',
  secure: 'https://',
  credentials: 'token or token_file',
  silentHint: '',
  loginHint: '',
};

export const closed = () => new LinkError('closed', 'the link is closed');

/**
 * @typedef {object} Server
 * @property {string} url
 * @property {http.Agent} agent
 * @property {TlsSettings | undefined} tls
 * @property {() => SecureContext | undefined} secure throws LinkError for files that cannot be used
 * @property {string | undefined} token
 * @property {number} timeout ms for a connection and the beginning of an answer
 */

/** The standard's own words: a server's might hold anything. @param {http.IncomingMessage} response */
export const statusOf = ({ statusCode = 0 }) => `${statusCode} ${http.STATUS_CODES[statusCode] ?? ''}`.trim();

/** Bytes of a server's own words that a sentence repeats: clients read it too. */
const LONGEST_WORDS = 100;

/** A server's own words, for a sentence. @param {string} text */
export const wordsOf = (text) => quoted(cut(text, LONGEST_WORDS));

/** Where a redirect leads, without what may be secret in it. @param {string | undefined} location @param {string} url */
const whereTo = (location, url) => {
  if (location === undefined || !URL.canParse(location, url)) return 'nowhere';
  const { origin, pathname } = new URL(location, url);
  return wordsOf(origin === new URL(url).origin ? pathname : origin);
};

/** What a status says of the server, whatever it was asked. */
export const refusalOf = (
  /** @type {http.IncomingMessage} */ response,
  /** @type {Server} */ { url, token },
) => {
  const { statusCode = 0, headers } = response;
  const status = statusOf(response);
  if (statusCode === 401 || statusCode === 403)
    return new LinkFailure(WORDS, url, token === undefined ? 'login-missing' : 'login-refused', status);
  if (statusCode >= 300 && statusCode < 400)
    return new LinkError(
      'protocol',
      `${url}: it answers ${status}, to ${whereTo(headers.location, url)}, and redirects are not followed`,
    );
  if (statusCode >= 502 && statusCode <= 504)
    return new LinkError('unreachable', `${url}: it answers ${status}: what is behind it is away`);
  return undefined;
};

/**
 * Sends a request, and tells of each stage, so that a failure can be told as what it is.
 * @param {Server} server
 * @param {{ readonly method: string, readonly headers: Record<string, string>, readonly body?: Uint8Array, readonly signal: AbortSignal, readonly onSent?: () => void }} it
 * @returns {Promise<http.IncomingMessage>} its head has come
 * @throws LinkError
 */
export const begin = (server, { method, headers, body, signal, onSent }) =>
  new Promise((resolve, reject) => {
    const { url, agent, tls, token, timeout } = server;
    const context = server.secure();
    /** @type {'connecting' | 'securing' | 'greeting' | 'up'} */
    let stage = 'connecting';
    /** @type {Socket | undefined} */
    let used;
    const request = (context === undefined ? http : https).request(url, {
      method,
      agent,
      signal,
      ...(context !== undefined && { secureContext: context, rejectUnauthorized: tls?.verify !== false }),
      headers: {
        ...headers,
        ...(body !== undefined && { 'content-length': String(body.byteLength) }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
    });
    const timer = setTimeout(() => {
      const kind =
        stage === 'connecting' ? 'connect-timeout' : stage === 'securing' ? 'tls-silent' : 'silent';
      request.destroy(new LinkFailure(WORDS, url, kind, `${timeout} ms`));
    }, timeout);
    request.once('socket', (socket) => {
      used = socket;
      if (!socket.connecting) {
        stage = 'up';
        return;
      }
      socket.once('connect', () => {
        stage = context === undefined ? 'greeting' : 'securing';
      });
      socket.once('secureConnect', () => {
        stage = 'greeting';
      });
    });
    if (onSent !== undefined) request.once('finish', onSent);
    // One that comes after the first has nobody to tell, and must not end the bridge.
    request.on('error', (/** @type {Error & { code?: string }} */ error) => {
      clearTimeout(timer);
      if (signal.aborted) reject(closed());
      // What the parser of HTTP finds.
      else if (error.code?.startsWith('HPE_') === true)
        reject(new LinkFailure(WORDS, url, 'garbled', error.message, { cause: error }));
      else
        reject(
          failureOf(error, { words: WORDS, server: url, stage, answered: (used?.bytesRead ?? 0) > 0, tls }),
        );
    });
    request.once('response', (response) => {
      clearTimeout(timer);
      resolve(response);
    });
    request.once('upgrade', (response, socket) => {
      clearTimeout(timer);
      socket.destroy();
      reject(
        new LinkError('protocol', `${url}: it answers ${statusOf(response)}, which nobody has asked for`),
      );
    });
    // Whatever else may end it, whoever waits is told. After an answer or an error this says nothing more.
    request.once('close', () => {
      clearTimeout(timer);
      reject(signal.aborted ? closed() : new LinkFailure(WORDS, url, 'lost'));
    });
    request.end(body);
  });
