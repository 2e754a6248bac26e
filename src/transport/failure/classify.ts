import { LinkError } from '../link.ts';
import type { TlsSettings } from '../tls/settings.ts';
import { LinkFailure } from './failure.ts';
import { chainOf, codeOf, errorSentence } from './node-error.ts';
import type { FailureKind } from './table.ts';
import type { ProtocolWords } from './words.ts';

/**
 * How far a connection is: `connecting` is TCP, `greeting` waits for a server that speaks first, `securing` is the TLS
 * handshake, `login` from CONNECT to the server's consent, `up` after it.
 */
export type ConnectStage = 'connecting' | 'greeting' | 'securing' | 'login' | 'up';

/** What is known of a connection when it fails. */
export interface Circumstances {
  readonly words: ProtocolWords;
  /** Its URL. */
  readonly server: string;
  readonly stage: ConnectStage;
  /** Whether the other side has said anything in the TLS handshake. */
  readonly answered: boolean;
  readonly tls: Pick<TlsSettings, 'ca' | 'cert'> | undefined;
  /** Whether the server has said that it wants a client certificate; undefined where it says nothing of that. */
  readonly wantsCertificate?: boolean;
}

type Cause = readonly [kind: FailureKind, detail: string];

/** Why a connection failed. @param error what Node gave as the reason; undefined where it was just closed */
export const failureOf = (error: unknown, about: Circumstances): LinkError => {
  const chain = chainOf(error);
  const known = chain.find((one): one is LinkError => one instanceof LinkError);
  // What a parser finds wrong knows no server.
  if (known?.code === 'protocol' && !(known instanceof LinkFailure))
    return new LinkFailure(about.words, about.server, 'garbled', known.message, { cause: error });
  if (known !== undefined) return known;
  const [kind, detail] = causeOf(chain, error, about);
  return new LinkFailure(
    about.words,
    about.server,
    kind,
    detail,
    error === undefined ? {} : { cause: error },
  );
};

const causeOf = (chain: readonly Error[], error: unknown, about: Circumstances): Cause => {
  if (error === undefined) return [closedAt(about), ''];
  for (const one of chain) {
    const code = codeOf(one);
    if (code === 'ECONNRESET' || code === 'EPIPE')
      return about.stage === 'up' ? ['reset', code] : [closedAt(about), ''];
    const cause =
      nameCause(code, one) ??
      networkCause(code, about) ??
      certificateCause(code, one, about) ??
      tlsCause(code, one, about);
    if (cause !== undefined) return cause;
  }
  const last = chain.at(-1);
  return ['unknown', errorSentence(last ?? error)];
};

/** What a connection that ends without a word means. */
const closedAt = ({ stage, answered, tls, wantsCertificate }: Circumstances): FailureKind => {
  switch (stage) {
    case 'connecting':
    case 'greeting':
      return 'closed-early';
    case 'securing':
      return answered ? 'closed-in-handshake' : 'closed-before-handshake';
    case 'login':
      // With TLS 1.3 a server sees the client's certificate after the client holds the handshake for done.
      return tls === undefined || wantsCertificate === false ? 'closed-at-login' : 'closed-after-handshake';
    case 'up':
      return 'lost';
  }
};

/** `EINVAL` is what a name gets that can be none. */
const nameCause = (code: string, error: Error): Cause | undefined => {
  if (/^EAI_(AGAIN|FAIL|SYSTEM)$/.test(code)) return ['no-name-service', ''];
  const isName = 'syscall' in error && error.syscall === 'getaddrinfo';
  return code === 'ENOTFOUND' || (isName && /^(EAI_|EINVAL$)/.test(code)) ? ['unknown-name', ''] : undefined;
};

const NO_ROUTE =
  /^(EHOSTUNREACH|ENETUNREACH|ENETDOWN|EHOSTDOWN|EADDRNOTAVAIL|EACCES|EPERM|EINVAL|EAFNOSUPPORT)$/;
const NO_SOCKETS = /^(EMFILE|ENFILE|ENOBUFS|ENOMEM)$/;

const networkCause = (code: string, { stage }: Circumstances): Cause | undefined => {
  if (code === 'ECONNREFUSED') return ['connection-refused', ''];
  if (NO_ROUTE.test(code)) return ['no-route', code];
  if (NO_SOCKETS.test(code)) return ['no-sockets', code];
  if (code !== 'ETIMEDOUT') return undefined;
  return stage === 'connecting'
    ? ['connect-timeout', 'the time that this machine gives']
    : ['gone-silent', 'this machine got no answer any more (ETIMEDOUT)'];
};

/** Node's names of OpenSSL's verdicts on a chain (X509_V_ERR_…); those that it has no name for are UNSPECIFIED. */
const UNTRUSTED =
  /^(UNABLE_TO_|SELF_SIGNED_CERT_IN_CHAIN$|DEPTH_ZERO_SELF_SIGNED_CERT$|CERT_SIGNATURE_FAILURE$|CERT_UNTRUSTED$|CERT_REJECTED$|CERT_CHAIN_TOO_LONG$|PATH_LENGTH_EXCEEDED$|INVALID_CA$)/;

const certificateCause = (code: string, error: Error, { tls }: Circumstances): Cause | undefined => {
  const detail = errorSentence(error);
  if (UNTRUSTED.test(code)) {
    if (tls === undefined) return ['tls-demanded', ''];
    return [tls.ca === undefined ? 'no-public-ca' : 'unknown-ca', detail];
  }
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return ['server-expired', ''];
    case 'CERT_NOT_YET_VALID':
      return ['server-too-early', ''];
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return ['other-name', detail];
    case 'INVALID_PURPOSE':
      return ['not-a-server', ''];
    case 'UNSPECIFIED':
      return [/too weak/.test(detail) ? 'tls-too-weak' : 'tls-failed', detail];
    default:
      return undefined;
  }
};

const NOT_TLS =
  /^(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|UNKNOWN_PROTOCOL|RECORD_LENGTH_MISMATCH)$/;
const TOO_OLD =
  /^(UNSUPPORTED_PROTOCOL|VERSION_TOO_LOW|NO_PROTOCOLS_AVAILABLE|UNSAFE_LEGACY_RENEGOTIATION_DISABLED)$/;
const TOO_WEAK =
  /_TOO_(WEAK|SMALL)$|^(LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED|WRONG_SIGNATURE_TYPE|NO_SUITABLE_SIGNATURE_ALGORITHM)$/;
const NO_CIPHER = /^(NO_SHARED_CIPHER|UNKNOWN_CIPHER_RETURNED|WRONG_CIPHER_RETURNED|NO_CIPHERS_AVAILABLE)$/;

const tlsCause = (code: string, error: Error, about: Circumstances): Cause | undefined => {
  const reason = /^ERR_SSL_(.+)$/.exec(code)?.[1];
  if (reason === undefined)
    return /^ERR_(OSSL|TLS)/.test(code) ? ['tls-failed', errorSentence(error)] : undefined;
  const detail = errorSentence(error);
  const alert = /ALERT_(.+)$/.exec(reason)?.[1];
  if (alert !== undefined) return [alertKind(alert, about), detail];
  if (NOT_TLS.test(reason)) return ['not-tls', ''];
  if (TOO_OLD.test(reason)) return ['tls-too-old', detail];
  if (TOO_WEAK.test(reason)) return ['tls-too-weak', detail];
  return [NO_CIPHER.test(reason) ? 'handshake-refused' : 'tls-failed', detail];
};

/** What the other side complains of: RFC 8446, 6.2. All that it says of certificates is about ours. */
const alertKind = (alert: string, { tls }: Circumstances): FailureKind => {
  const hasCertificate = tls?.cert !== undefined;
  if (alert === 'PROTOCOL_VERSION') return 'tls-too-old';
  if (alert === 'UNRECOGNIZED_NAME') return 'other-name';
  if (alert === 'CERTIFICATE_EXPIRED' && hasCertificate) return 'client-certificate-expired';
  if (/CERTIFICATE|^UNKNOWN_CA$|^ACCESS_DENIED$/.test(alert))
    return hasCertificate ? 'client-certificate-refused' : 'client-certificate-missing';
  return /^(HANDSHAKE_FAILURE|INSUFFICIENT_SECURITY)$/.test(alert) ? 'handshake-refused' : 'tls-failed';
};
