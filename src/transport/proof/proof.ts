import type { IncomingMessage } from 'node:http';
import { type PeerCertificate, TLSSocket } from 'node:tls';
import { chainOf } from '../tls/peer.ts';
import { ProofRefusal } from './refusal.ts';
import type { ServedKeysOptions } from './served-keys.ts';
import type { ProofSettings, ServerTls } from './settings.ts';
import { createTokenVerifier } from './tokens.ts';

/** Who somebody is, as he has proven it. */
export interface Proven {
  /** `cert=<name>` or `oidc=<name>`. */
  readonly caller: string;
  /** Ms since the epoch: when what proves it ends. */
  readonly until: number | undefined;
  /** Why what proved it counts no more, in words; undefined where it does. */
  readonly revoked?: () => string | undefined;
}

const BEARER = /^Bearer +([\w.~+/=-]+)$/i;

/** The bearer token in the header of a request; undefined where it has no such header. */
export const bearerOf = ({ headersDistinct }: IncomingMessage): string | undefined => {
  const [header, ...more] = headersDistinct['authorization'] ?? [];
  if (more.length > 0)
    throw new ProofRefusal(400, 'invalid_token', 'There is more than one token: give one.');
  if (header === undefined) return undefined;
  const token = BEARER.exec(header)?.[1];
  if (token === undefined)
    throw new ProofRefusal(
      401,
      'no_credentials',
      'The header Authorization is to be: Bearer, a space, and a token.',
    );
  return token;
};

const commonName = ({ subject }: PeerCertificate): string | undefined => {
  // A name that is there twice comes as a list.
  const name: unknown = subject?.CN;
  return typeof name === 'string' ? name : undefined;
};

/** Whom a client's certificate names; undefined where it has shown none. */
const certified = (socket: unknown, { clientCa, revocation }: ServerTls): Proven | undefined => {
  if (clientCa === undefined || !(socket instanceof TLSSocket)) return undefined;
  const certificate = socket.getPeerCertificate(true);
  if (certificate.raw === undefined) return undefined;
  if (!socket.authorized)
    throw new ProofRefusal(
      401,
      'untrusted_certificate',
      `The client certificate is refused: ${String(socket.authorizationError)}.`,
    );
  const chain = chainOf(certificate);
  const refusal = revocation?.refusal(chain, clientCa);
  if (refusal !== undefined) throw new ProofRefusal(401, 'revoked_certificate', `${refusal.sentence}.`);
  const name = commonName(certificate);
  if (name === undefined)
    throw new ProofRefusal(403, 'no_name', 'The client certificate has no common name, or several.');
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

/** @param token undefined where the request has none @throws ProofRefusal */
export type Prove = (request: IncomingMessage, token: string | undefined) => Promise<Proven>;

/**
 * Who makes a request. A token counts before a certificate, since somebody has put it there for this request. It is the same for
 * all listeners of these settings.
 */
export const createProof = ({ tls, tokens, isName }: ProofSettings, options: ServedKeysOptions): Prove => {
  const verify = tokens && createTokenVerifier(tokens, options);

  const proven = async (request: IncomingMessage, token: string | undefined): Promise<Proven> => {
    if (token !== undefined && verify !== undefined) {
      const { name, until } = await verify(token);
      return { caller: name, until };
    }
    if (token !== undefined)
      throw new ProofRefusal(401, 'invalid_token', 'Tokens are not taken here, certificates are.');
    const found = tls && certified(request.socket, tls);
    if (found !== undefined) return found;
    const wanted = [
      ...(verify === undefined ? [] : ['a bearer token']),
      ...(tls?.clientCa === undefined ? [] : ['a client certificate']),
    ];
    throw new ProofRefusal(401, 'no_credentials', `Who is it? ${wanted.join(' or ')} is needed.`);
  };

  return async (request, token) => {
    const found = await proven(request, token);
    if (!isName(found.caller))
      throw new ProofRefusal(403, 'no_name', 'The proven name has characters that no name of a caller has.');
    // TLS that is taken up anew believes what it saw the first time.
    if (found.until !== undefined && options.clock() >= found.until)
      throw new ProofRefusal(401, 'token_ended', 'What proves who it is has ended.');
    return found;
  };
};
