import type { Duplex } from 'node:stream';
import { checkServerIdentity, type PeerCertificate, rootCertificates, TLSSocket } from 'node:tls';
import { LinkFailure } from '../failure/failure.ts';
import type { ProtocolWords } from '../failure/words.ts';
import type { TlsSettings } from './settings.ts';

/** Longer ones are not made, and a loop ends. */
const MAX_DEPTH = 20;

/** The certificates above it too, as Node hands them out where it is asked for all. */
type WithIssuer = PeerCertificate & { readonly issuerCertificate?: WithIssuer };

export const chainOf = (certificate: WithIssuer): readonly Buffer[] => {
  const chain: Buffer[] = [];
  for (let at: WithIssuer | undefined = certificate; at?.raw !== undefined; at = at.issuerCertificate) {
    if (chain.length === MAX_DEPTH || chain.at(-1)?.equals(at.raw) === true) break;
    chain.push(at.raw);
  }
  return chain;
};

/**
 * What is asked of a server once OpenSSL has found its certificate good: that it is for this name, and not revoked. What is
 * revoked is not left to OpenSSL: it knows no list that counts though it has expired, and has a number for each fault.
 */
export const identityCheck =
  (tls: Pick<TlsSettings, 'ca' | 'revocation'>, words: ProtocolWords, server: string) =>
  (name: string, certificate: PeerCertificate): Error | undefined => {
    const other = checkServerIdentity(name, certificate);
    if (other !== undefined || tls.revocation === undefined) return other;
    const refusal = tls.revocation.refusal(chainOf(certificate), tls.ca ?? rootCertificates.join('\n'));
    return refusal && new LinkFailure(words, server, refusal.kind, refusal.sentence);
  };

/** How often it is looked whether the server of a connection that stands has been revoked, in ms. */
const LOOK_MS = 5_000;

/**
 * Looks again and again whether a server is revoked with which a connection stands. A list that is missing or has expired is
 * a reason to make no new connection, and none to end this one.
 * @param end called once, with why
 */
export const watchPeer = (
  socket: Duplex | undefined,
  tls: Pick<TlsSettings, 'ca' | 'revocation'> | undefined,
  { words, server }: { readonly words: ProtocolWords; readonly server: string },
  end: (reason: LinkFailure) => void,
): void => {
  const revocation = tls?.revocation;
  if (revocation === undefined || !(socket instanceof TLSSocket)) return;
  const chain = chainOf(socket.getPeerCertificate(true));
  const roots = tls?.ca ?? rootCertificates.join('\n');
  const timer = setInterval(() => {
    const refusal = revocation.refusal(chain, roots);
    if (refusal?.kind !== 'server-revoked') return;
    clearInterval(timer);
    end(new LinkFailure(words, server, refusal.kind, refusal.sentence));
  }, LOOK_MS).unref();
  socket.once('close', () => clearInterval(timer));
};
