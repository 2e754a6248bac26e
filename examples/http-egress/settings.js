// @ts-check
import http from 'node:http';
import https from 'node:https';
import { secureContext } from 'mcbridge/adapter';
import { WORDS } from './request.js';

/** @import { TlsSettings } from 'mcbridge/adapter' */
/** @import { AnswerLimits } from './lines.js' */
/** @import { Server } from './request.js' */

/**
 * @typedef {object} HttpLinkSettings Data that can be compared: another value is another link.
 * @property {readonly string[]} servers
 * @property {TlsSettings | undefined} tls
 * @property {string | undefined} token
 * @property {number} timeout ms
 * @property {number} checkEvery ms
 * @property {number} connections
 * @property {AnswerLimits} answer
 * @property {{ readonly maxMessages: number, readonly maxBytes: number }} buffer
 * @property {{ readonly initial: number, readonly max: number }} backoff ms
 */

/** The servers of a link, and the connections that they share. @param {HttpLinkSettings} settings */
export const serversOf = ({ servers, tls, token, timeout, connections }) => {
  // As many for the bridge's own questions, and one more, so that looking whether the server is there waits for no answer.
  const options = { keepAlive: true, maxSockets: 2 * connections + 1 };
  const agent = tls === undefined ? new http.Agent(options) : new https.Agent(options);
  return {
    agent,
    servers: servers.map((url) => {
      /** @type {ReturnType<typeof secureContext> | undefined} */
      let context;
      const secure = () => {
        if (tls !== undefined) context ??= secureContext(tls, WORDS, url);
        return context;
      };
      return /** @type {Server} */ ({ url, agent, tls, token, timeout, secure });
    }),
  };
};
