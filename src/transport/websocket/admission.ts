import type { IncomingMessage } from 'node:http';
import { type PeerCertificate, TLSSocket } from 'node:tls';
import { chainOf } from '../tls/peer.ts';
import { BEARER_PREFIX } from './places.ts';
import { UpgradeRefusal } from './refusal.ts';
import type { ServedKeysOptions } from './served-keys.ts';
import type { ServerTls, WebSocketSettings } from './settings.ts';
import { createTokenVerifier } from './tokens.ts';

/** Who a session is. */
export interface Admitted {
  /** `cert=<name>` or `oidc=<name>`. */
  readonly caller: string;
  /** Ms since the epoch: when what proves it ends. */
  readonly until: number | undefined;
  /** Why what proved it counts no more, in words; undefined where it does. */
  readonly revoked?: () => string | undefined;
}

const BEARER = /^Bearer +([\w.~+/=-]+)$/i;

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
  const [header, ...more] = request.headersDistinct['authorization'] ?? [];
  const offered = offeredBy(request).filter((one) => one.startsWith(BEARER_PREFIX));
  if (more.length + offered.length + (header === undefined ? 0 : 1) > 1)
    throw new UpgradeRefusal(400, 'bad_upgrade', 'There is more than one token: give one.');
  if (header !== undefined) {
    const token = BEARER.exec(header)?.[1];
    if (token === undefined)
      throw new UpgradeRefusal(
        401,
        'no_credentials',
        'The header Authorization is to be: Bearer, a space, and a token.',
      );
    return token;
  }
  const [protocol] = offered;
  return protocol && Buffer.from(protocol.slice(BEARER_PREFIX.length), 'base64url').toString();
};

const commonName = ({ subject }: PeerCertificate): string | undefined => {
  // A name that is there twice comes as a list.
  const name: unknown = subject?.CN;
  return typeof name === 'string' ? name : undefined;
};

/** Whom a client's certificate names; undefined where it has shown none. */
const certified = (socket: unknown, { clientCa, revocation }: ServerTls): Admitted | undefined => {
  if (clientCa === undefined || !(socket instanceof TLSSocket)) return undefined;
  const certificate = socket.getPeerCertificate(true);
  if (certificate.raw === undefined) return undefined;
  if (!socket.authorized)
    throw new UpgradeRefusal(
      401,
      'untrusted_certificate',
      `The client certificate is refused: ${String(socket.authorizationError)}.`,
    );
  const chain = chainOf(certificate);
  const refusal = revocation?.refusal(chain, clientCa);
  if (refusal !== undefined) throw new UpgradeRefusal(401, 'revoked_certificate', `${refusal.sentence}.`);
  const name = commonName(certificate);
  if (name === undefined)
    throw new UpgradeRefusal(403, 'no_name', 'The client certificate has no common name, or several.');
  const revoked = (): string | undefined => {
    const now = revocation?.refusal(chain, clientCa);
    // A list that is missing is a reason to let nobody in, and none to end what stands.
    return now?.kind === 'server-revoked' ? now.sentence : undefined;
  };
  return {
    caller: `cert=${name}`,
    until: Date.parse(certificate.valid_to),
    ...(revocation !== undefined && { revoked }),
  };
};

/**
 * Decides on upgrades, before there is a WebSocket: who it is, and whether it may come at all. A token counts before a certificate,
 * since somebody has put it there for this session.
 * @returns a function that throws UpgradeRefusal
 */
export const createAdmission = (
  settings: Pick<WebSocketSettings, 'hosts' | 'origins' | 'tls' | 'tokens' | 'isName'>,
  options: ServedKeysOptions,
): ((request: IncomingMessage) => Promise<Admitted>) => {
  const { tls, tokens } = settings;
  const verify = tokens && createTokenVerifier(tokens, options);

  const proven = async (request: IncomingMessage): Promise<Admitted> => {
    const token = tokenIn(request);
    if (token !== undefined && verify !== undefined) {
      const { name, until } = await verify(token);
      return { caller: name, until };
    }
    if (token !== undefined)
      throw new UpgradeRefusal(401, 'invalid_token', 'Tokens are not taken here, certificates are.');
    const found = tls && certified(request.socket, tls);
    if (found !== undefined) return found;
    const wanted = [
      ...(verify === undefined ? [] : ['a bearer token']),
      ...(tls?.clientCa === undefined ? [] : ['a client certificate']),
    ];
    throw new UpgradeRefusal(401, 'no_credentials', `Who is it? ${wanted.join(' or ')} is needed.`);
  };

  return async (request) => {
    checkAddress(request, settings);
    const admitted = await proven(request);
    if (!settings.isName(admitted.caller))
      throw new UpgradeRefusal(
        403,
        'no_name',
        'The proven name has characters that no name of a caller has.',
      );
    // TLS that is taken up anew believes what it saw the first time.
    if (admitted.until !== undefined && options.clock() >= admitted.until)
      throw new UpgradeRefusal(401, 'token_ended', 'What proves who it is has ended.');
    return admitted;
  };
};
