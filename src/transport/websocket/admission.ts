import type { IncomingMessage } from 'node:http';
import { bearerOf, createProof, type Proven } from '../proof/proof.ts';
import type { ServedKeysOptions } from '../proof/served-keys.ts';
import { BEARER_PREFIX } from './places.ts';
import { UpgradeRefusal } from './refusal.ts';
import type { WebSocketSettings } from './settings.ts';

/** Without its port. */
const hostOf = (host: string): string => host.replace(/:\d+$/, '').toLowerCase();

/** What must hold of any upgrade before anybody is asked who it is. */
const checkAddress = (
  { url, headersDistinct }: IncomingMessage,
  { hosts, origins }: Pick<WebSocketSettings, 'hosts' | 'origins'>,
): void => {
  // A token in a URL would be in the logs of whatever is between.
  if (url !== '/')
    throw new UpgradeRefusal(404, 'bad_upgrade', 'There is a WebSocket at / only, without a query.');
  const [host = '', ...more] = headersDistinct['host'] ?? [];
  if (more.length > 0 || !hosts.includes(hostOf(host)))
    throw new UpgradeRefusal(
      421,
      'wrong_host',
      'The header Host names none of the hosts that are served here.',
    );
  const [origin, ...others] = headersDistinct['origin'] ?? [];
  if (origin !== undefined && (others.length > 0 || !origins.includes(origin)))
    throw new UpgradeRefusal(403, 'wrong_origin', 'Pages of this origin may not connect here.');
};

/** The subprotocols that a client offers, in its order. */
export const offeredBy = ({ headers }: IncomingMessage): readonly string[] =>
  (headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');

/** The bearer token of an upgrade; undefined where it has none. */
const tokenIn = (request: IncomingMessage): string | undefined => {
  const offered = offeredBy(request).filter((one) => one.startsWith(BEARER_PREFIX));
  const headers = request.headersDistinct['authorization'] ?? [];
  if (headers.length + offered.length > 1)
    throw new UpgradeRefusal(400, 'bad_upgrade', 'There is more than one token: give one.');
  const [protocol] = offered;
  if (protocol === undefined) return bearerOf(request);
  return Buffer.from(protocol.slice(BEARER_PREFIX.length), 'base64url').toString();
};

/**
 * Decides on upgrades, before there is a WebSocket: who it is, and whether it may come at all.
 * @returns a function that throws UpgradeRefusal or ProofRefusal
 */
export const createAdmission = (
  settings: Pick<WebSocketSettings, 'hosts' | 'origins' | 'tls' | 'tokens' | 'isName'>,
  options: ServedKeysOptions,
): ((request: IncomingMessage) => Promise<Proven>) => {
  const prove = createProof(settings, options);
  return async (request) => {
    checkAddress(request, settings);
    return prove(request, tokenIn(request));
  };
};
