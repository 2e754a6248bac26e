import { constants, createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { LinkFailure } from '../failure/failure.ts';
import { codeOf, errorSentence } from '../failure/node-error.ts';
import type { FailureKind } from '../failure/table.ts';
import type { ProtocolWords } from '../failure/words.ts';
import { certificateFault, isEncrypted, privateKeyFault } from './pem.ts';

export const TLS_VERSIONS = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const;

export type TlsVersion = (typeof TLS_VERSIONS)[number];

/** What tells whether a server's certificate is revoked. It can be compared: equal ones look at the same lists. */
export interface PeerRevocation {
  /** Paths of the lists. */
  readonly files: readonly string[];
  /**
   * Why a server is refused whose certificates OpenSSL has found good; undefined where it is not.
   * @param chain the DER of its certificate and of all that vouch for it, up to a root
   * @param roots PEM
   */
  refusal(chain: readonly Buffer[], roots: string): PeerRefusal | undefined;
}

export interface PeerRefusal {
  readonly kind: 'server-revoked' | 'revocation-unknown';
  readonly sentence: string;
}

/** How a link uses TLS. */
export interface TlsSettings {
  /** PEM text of the authorities that servers are checked against; those that Node brings when absent. */
  readonly ca?: string;
  /** Tells whether a server's certificate is revoked; where it is not given nobody asks. */
  readonly revocation?: PeerRevocation;
  /** PEM text of the client certificate, with its intermediates. */
  readonly cert?: string;
  readonly key?: string;
  /** Whether the server's certificate is checked. */
  readonly verify: boolean;
  /** Node's default (1.2) when absent. */
  readonly minVersion?: TlsVersion;
  /** OpenSSL's list of ciphers; Node's default when absent. */
  readonly ciphers?: string;
}

/** Whether OpenSSL knows any cipher of a list. */
export const isCipherList = (ciphers: string): boolean => {
  try {
    createSecureContext({ ciphers });
    return true;
  } catch {
    return false;
  }
};

/**
 * What Node needs for a connection.
 * @throws LinkFailure for certificates, keys or ciphers that cannot be used
 */
export const secureContext = (tls: TlsSettings, words: ProtocolWords, server: string): SecureContext => {
  const { ca, cert, key, minVersion, ciphers } = tls;
  // Node accepts any text as authorities, and then trusts no certificate.
  const fault = ca === undefined ? undefined : certificateFault(ca);
  if (fault !== undefined) throw new LinkFailure(words, server, 'ca-unreadable', fault);
  const own = ownFault(tls);
  if (own !== undefined) throw new LinkFailure(words, server, ...own);
  try {
    return createSecureContext({
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(ciphers === undefined ? {} : { ciphers }),
      ...(minVersion === undefined ? {} : { minVersion }),
      // ActiveMQ's nio connectors wait for ever behind the empty records that OpenSSL puts before data in TLS 1.0 (tried
      // with 5.17.2). Stacks that know no newer TLS often lack secure renegotiation (RFC 5746) too, which OpenSSL 3 insists on.
      ...(minVersion === 'TLSv1' || minVersion === 'TLSv1.1'
        ? {
            secureOptions:
              constants.SSL_OP_LEGACY_SERVER_CONNECT | constants.SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS,
          }
        : {}),
    });
  } catch (error) {
    throw contextFailure(error, words, server);
  }
};

/** Why OpenSSL takes a certificate and its key for too weak; undefined where it takes them, or where something else is wrong. */
export const weaknessOf = (
  tls: Pick<TlsSettings, 'cert' | 'key' | 'minVersion' | 'ciphers'>,
): string | undefined => {
  try {
    createSecureContext(tls);
    return undefined;
  } catch (error) {
    return TOO_WEAK.test(codeOf(error)) ? errorSentence(error) : undefined;
  }
};

const TOO_WEAK = /^ERR_SSL_.*_TOO_(WEAK|SMALL)$/;

/** What is wrong with a client's own files: OpenSSL would take an empty one, or a key of another type, for none. */
const ownFault = ({ cert, key }: TlsSettings): readonly [kind: FailureKind, detail: string] | undefined => {
  const certFault = cert === undefined ? undefined : certificateFault(cert);
  if (certFault !== undefined) return ['certificate-unreadable', certFault];
  if (key !== undefined && isEncrypted(key)) return ['key-encrypted', ''];
  const keyFault = key === undefined ? undefined : privateKeyFault(key);
  if (keyFault !== undefined) return ['key-unreadable', keyFault];
  if (cert === undefined || key === undefined) return undefined;
  return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)) ? undefined : ['key-mismatch', ''];
};

const contextFailure = (error: unknown, words: ProtocolWords, server: string): LinkFailure => {
  const code = codeOf(error);
  const isWeak = TOO_WEAK.test(code);
  const kind = code === 'ERR_SSL_NO_CIPHER_MATCH' ? 'bad-ciphers' : isWeak ? 'own-too-weak' : 'tls-failed';
  return new LinkFailure(words, server, kind, errorSentence(error), { cause: error });
};
