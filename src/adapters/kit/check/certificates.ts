import { X509Certificate } from 'node:crypto';
import { stepBeforeEnd } from '../../../transport/tls/ends-soon.ts';

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const MAX_FOLDER_DEPTH = 10;

/**
 * The certificates of a PEM file, in its order.
 * @throws Error where there is none, or one is damaged
 */
export const parseCertificates = (pem: string): readonly [X509Certificate, ...X509Certificate[]] => {
  const [first, ...rest] = (pem.match(BLOCK) ?? []).map((block) => new X509Certificate(block));
  if (first === undefined) throw new Error('it holds no PEM certificate');
  return [first, ...rest];
};

/** Its common name where it has one, for messages. */
export const nameOf = (certificate: X509Certificate): string =>
  /^CN=(.+)$/m.exec(certificate.subject)?.[1] ??
  (certificate.subject.replaceAll('\n', ', ') || 'without a name');

export type Validity =
  | { readonly kind: 'valid' | 'expired'; readonly until: string }
  /** @property days within how many it ends */
  | { readonly kind: 'soon'; readonly until: string; readonly days: number }
  | { readonly kind: 'future'; readonly from: string };

const day = (time: Date): string => time.toISOString().slice(0, 10);

/** Whether a certificate is within its dates at `now`, and whether it ends soon. */
export const validity = (certificate: X509Certificate, now: number): Validity => {
  const from = new Date(certificate.validFrom);
  const until = new Date(certificate.validTo);
  if (now < from.getTime()) return { kind: 'future', from: day(from) };
  const days = stepBeforeEnd(until.getTime() - now);
  if (days === undefined) return { kind: 'valid', until: day(until) };
  return days === 0 ? { kind: 'expired', until: day(until) } : { kind: 'soon', until: day(until), days };
};

/** Whether a path of signatures leads from `leaf` over certificates of `between` to one of `roots`. */
export const isTrusted = (
  leaf: X509Certificate,
  between: readonly X509Certificate[],
  roots: readonly X509Certificate[],
): boolean => {
  let current = leaf;
  for (let depth = 0; depth < MAX_FOLDER_DEPTH; depth++) {
    const signed = (issuer: X509Certificate): boolean =>
      current.checkIssued(issuer) && current.verify(issuer.publicKey);
    if (roots.some(signed)) return true;
    const issuer = between.find((candidate) => candidate !== current && candidate.ca && signed(candidate));
    if (issuer === undefined) return false;
    current = issuer;
  }
  return false;
};
