import { createPrivateKey, X509Certificate } from 'node:crypto';

const CERTIFICATE = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----/;

/** What a text that should be PEM is, with its article: for who expected something else. */
export const pemKind = (text: string): string => {
  if (text.trim() === '') return 'it is empty';
  const label = /-----BEGIN ([A-Z0-9 ]{1,40})-----/.exec(text)?.[1];
  // DER begins with a SEQUENCE of two bytes' length.
  if (label === undefined) return /^\x30[\x81\x82\ufffd]/.test(text) ? 'it is DER, not PEM' : 'it is no PEM';
  if (/^ENCRYPTED|PRIVATE KEY$/.test(label) && isEncrypted(text)) return 'it is an encrypted private key';
  if (label === 'OPENSSH PRIVATE KEY') return 'it is a private key of OpenSSH';
  if (label.endsWith('PRIVATE KEY')) return 'it is a private key';
  if (label.endsWith('PUBLIC KEY')) return 'it is a public key';
  if (label.endsWith('CERTIFICATE REQUEST')) return 'it is a certificate request';
  if (CERTIFICATE.test(text)) return 'it is a certificate';
  return `it is ${label}`;
};

const CERTIFICATES =
  /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[^-]+-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g;

/** The certificates of a PEM text that can be read, in their order; at most so many. */
export const certificatesOf = (text: string, most = 1_000): readonly X509Certificate[] => {
  const found: X509Certificate[] = [];
  for (const [block] of text.matchAll(CERTIFICATES)) {
    if (found.length === most) break;
    try {
      found.push(new X509Certificate(block));
    } catch {
      // Whoever uses it says what is wrong with it.
    }
  }
  return found;
};

/** PKCS#8 says so in its label, the older form in a header. */
export const isEncrypted = (text: string): boolean =>
  /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(text);

/** Why a text is not a certificate that can be used; undefined where it is one. */
export const certificateFault = (text: string): string | undefined => {
  if (!CERTIFICATE.test(text)) return pemKind(text);
  try {
    new X509Certificate(text);
    return undefined;
  } catch {
    return 'the certificate is damaged';
  }
};

/** Why a text is not a private key that can be used; undefined where it is one. */
export const privateKeyFault = (text: string): string | undefined => {
  try {
    createPrivateKey(text);
    return undefined;
  } catch {
    const kind = pemKind(text);
    return kind === 'it is a private key' ? 'the private key is damaged' : kind;
  }
};

/** What a text is that is neither a public key nor a certificate that can be used. */
export const publicKeyFault = (text: string): string => {
  const kind = pemKind(text);
  if (kind === 'it is a public key') return 'the public key is damaged';
  return kind === 'it is a certificate' ? 'the certificate is damaged' : kind;
};
