// @ts-check
import { ConfigError, limits, networkId, sectionOf, tlsSettings } from 'mcbridge/adapter';
import { httpCheck } from './check.js';
import { isToken, TOKEN_FILE } from './config.js';
import { createHttpEgress } from './egress.js';
import { HttpLink } from './link.js';
import { WIRE } from './wire.js';

/** @import { EgressAdapter, KeyPath, LinkPlace, LinkSpec, ReadFile } from 'mcbridge/adapter' */
/** @import { HttpConfig } from './config.js' */
/** @import { HttpLinkSettings } from './settings.js' */

const BACKOFF = { initial: 500, max: 10_000 };

/** @param {KeyPath} path @param {string} file @param {string | undefined} token @throws ConfigError where it is none */
const checkToken = (path, file, token = '') => {
  if (isToken(token)) return;
  const problem = { file, line: 1, column: 1, path: path.join('.'), message: 'it holds no token' };
  throw new ConfigError([{ ...problem, allowed: TOKEN_FILE }]);
};

/** @param {LinkPlace} place @param {HttpLinkSettings} settings @param {string | undefined} tokenFile @returns {LinkSpec} */
const httpSpec = ({ name, side }, settings, tokenFile) => ({
  name,
  side,
  transport: 'http',
  settings,
  servers: settings.servers,
  network: networkId(settings.servers, [settings.token]),
  connect: (options) => {
    // Not where the file is read: a replay, which connects nothing, reads no files.
    if (tokenFile !== undefined)
      checkToken([...sectionOf({ name, side }), 'token_file'], tokenFile, settings.token);
    return new HttpLink(settings, options);
  },
  alone: (server) =>
    httpSpec({ name, side }, { ...settings, servers: settings.servers.slice(server, server + 1) }, tokenFile),
  grantOf: () => `let the token of ${name} POST`,
});

/**
 * @param {HttpConfig} it
 * @param {LinkPlace} place
 * @param {number} maxMessageBytes
 * @param {ReadFile} read
 * @returns {HttpLinkSettings}
 */
const settingsOf = (it, place, maxMessageBytes, read) => {
  const path = sectionOf(place);
  const token =
    it.tokenFile === undefined
      ? it.token?.reveal()
      : read(it.tokenFile, [...path, 'token_file'])
          .toString()
          .trim();
  return {
    servers: it.servers,
    tls: it.tls && tlsSettings(it.tls, [...path, 'tls'], read),
    token,
    timeout: it.timeout * 1000,
    checkEvery: it.checkEvery * 1000,
    connections: it.connections,
    answer: { ...it.answer, lineBytes: it.answer.lineBytes ?? maxMessageBytes },
    buffer: limits(it.buffer),
    backoff: BACKOFF,
  };
};

/** All that the bridge asks of this protocol. @param {HttpConfig} it @param {string} name @returns {EgressAdapter} */
export const httpAdapter = (it, name) => ({
  name,
  type: it.type,
  label: it.type,
  wire: WIRE,
  // Nothing is signed: the token vouches for the bridge, and the server believes it whom it names.
  names: { form: '<type>=<name>', type: () => 'yes' },
  asks: true,
  privileged: it.privileged,
  link: ({ maxMessageBytes }, read) => {
    const place = { name, side: /** @type {const} */ ('egress') };
    return httpSpec(place, settingsOf(it, place, maxMessageBytes, read), it.tokenFile);
  },
  // Whether the token is taken shows when the link is opened.
  requirements: () => [],
  // Keys of messages: there are none.
  keys: () => [],
  observable: () => ({
    sources: [],
    missed: 'requests and answers go between the bridge and its server only',
  }),
  check: httpCheck(it, name),
  replyGroups: () => [],
  create: (around, services) =>
    createHttpEgress({
      ...services,
      name,
      identity: around.identity,
      cluster: around.cluster,
      callers: it.callers,
      discoveryCaller: it.discovery.caller ?? `mcbridge=${around.identity}`,
    }),
});
