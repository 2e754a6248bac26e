import { LinkError, type LinkErrorCode } from '../link.ts';
import type { NatsTls } from './options.ts';

type Finding = readonly [code: LinkErrorCode, why: string];

const NOT_ACCEPTED =
  "it does not accept this client's certificate: check that tls.cert is signed by the CA that the server trusts, " +
  'allows client use and has not expired';
const NONE_SHOWN = 'it wants a client certificate, and none is configured: set tls.cert and tls.key';

/** Node's codes, and what they mean here. */
const BY_CODE: Readonly<Record<string, Finding>> = {
  ECONNREFUSED: ['unreachable', 'connection refused: is it running, and is the port right?'],
  ENOTFOUND: ['unreachable', 'the host name cannot be resolved'],
  EAI_AGAIN: ['unreachable', 'the host name cannot be resolved at the moment'],
  ETIMEDOUT: ['unreachable', 'no answer in time: is it a NATS server, and is a firewall between?'],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: [
    'tls',
    'its certificate is not signed by the configured CA: check tls.ca',
  ],
  SELF_SIGNED_CERT_IN_CHAIN: ['tls', 'its certificate is not signed by the configured CA: check tls.ca'],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['tls', 'its certificate is self-signed and is not in tls.ca'],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: [
    'tls',
    'its certificate is not signed by the configured CA: check tls.ca',
  ],
  CERT_SIGNATURE_FAILURE: ['tls', 'its certificate is not signed by the configured CA: check tls.ca'],
  CERT_HAS_EXPIRED: ['tls', 'its certificate has expired'],
  CERT_NOT_YET_VALID: ['tls', 'its certificate is not valid yet: check the clocks'],
  ERR_TLS_CERT_ALTNAME_INVALID: ['tls', 'its certificate is for another host name'],
  ERR_OSSL_X509_KEY_VALUES_MISMATCH: ['tls', 'tls.key does not belong to tls.cert'],
};

/** What a server says with `-ERR` before it ends a connection; see nats-server's server/errors.go. */
const BY_TEXT: readonly (readonly [text: RegExp, finding: Finding])[] = [
  [/^authorization violation/i, ['refused', 'it refuses the credentials: check user, password and token']],
  [/^authentication timeout/i, ['refused', 'it refuses the credentials: none came in time']],
  [/^user authentication (expired|revoked)/i, ['refused', 'the credentials have expired or been revoked']],
  [/^account authentication expired/i, ['refused', 'the account has expired']],
];

/** The error and what it came from. */
const chainOf = (error: unknown): readonly Error[] =>
  error instanceof Error ? [error, ...chainOf(error.cause)] : [];

const codeOf = (error: Error): string =>
  'code' in error && typeof error.code === 'string' ? error.code : '';

/** OpenSSL's errors have a readable `reason` beside a message with memory addresses. */
const textOf = (error: Error): string =>
  'reason' in error && typeof error.reason === 'string' ? error.reason : error.message;

const linkError = ([code, why]: Finding, server: string, detail: string, cause: unknown): LinkError =>
  new LinkError(code, `NATS server ${server}: ${why}${detail === '' ? '' : ` (${detail})`}`, { cause });

/** Characters of a server's own words that a sentence repeats. */
const LONGEST_SAID = 300;

/** What `-ERR` means. */
export const toServerError = (text: string, server: string): LinkError => {
  const [, finding] = BY_TEXT.find(([pattern]) => pattern.test(text)) ?? [];
  const said = text.length > LONGEST_SAID ? `${text.slice(0, LONGEST_SAID)}…` : text;
  return linkError(finding ?? ['unreachable', `it says "${said}"`], server, '', undefined);
};

/** A server without TLS, where that is configured. */
export const noTls = (server: string): LinkError =>
  linkError(['tls', 'it offers no TLS, and TLS is configured'], server, '', undefined);

/** Why a connection to `server` ended, with what to do about it. Holds no credentials. */
export const toLinkError = (error: unknown, server: string): LinkError => {
  if (error instanceof LinkError) return error;
  const chain = chainOf(error);
  for (const link of chain) {
    const finding = BY_CODE[codeOf(link)];
    if (finding !== undefined)
      return linkError(finding, server, finding[0] === 'tls' ? textOf(link) : '', error);
  }
  const last = chain.at(-1);
  const text = last === undefined ? String(error) : textOf(last);
  const isTls = chain.some((link) => /^ERR_(OSSL|SSL|TLS)|^TLS$/.test(codeOf(link)));
  return isTls
    ? linkError(['tls', 'TLS failed: check tls.ca, tls.cert and tls.key'], server, text, error)
    : linkError(['unreachable', text], server, '', error);
};

/**
 * Why an attempt to connect failed. With TLS 1.3 a server looks at the client's certificate after the client
 * holds the handshake for done; what the client then sees is an alert or, when it has sent its CONNECT already,
 * a bare reset.
 */
export const toDialError = (error: unknown, server: string, tls: NatsTls | undefined): LinkError => {
  if (error instanceof LinkError || tls === undefined) return toLinkError(error, server);
  const codes = chainOf(error).map(codeOf).join(' ');
  const hasCertificate = tls.cert !== undefined;
  const aboutCertificate: Finding = ['tls', hasCertificate ? NOT_ACCEPTED : NONE_SHOWN];
  if (/ALERT_\w*CERTIFICATE|ALERT_UNKNOWN_CA|ALERT_HANDSHAKE_FAILURE/.test(codes))
    return linkError(aboutCertificate, server, '', error);
  if (/ECONNRESET|EPIPE/.test(codes))
    return linkError(
      aboutCertificate,
      server,
      'it ended the connection right after the TLS handshake',
      error,
    );
  return toLinkError(error, server);
};
