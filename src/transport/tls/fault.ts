import type { X509Certificate } from 'node:crypto';
import type { ProtocolWords } from '../failure/words.ts';
import { LinkError } from '../link.ts';
import { certificatesOf } from './pem.ts';
import { secureContext, type TlsSettings } from './settings.ts';

const day = (date: Date): string => date.toISOString().slice(0, 10);

/** The end of a certificate, in ms since the epoch. */
export const endOf = (certificate: X509Certificate): number => new Date(certificate.validTo).getTime();

/**
 * Why certificates and keys cannot be used for a connection, or do not fit together; undefined where they can and do.
 * @param who whose they are
 * @param now ms since the epoch
 */
export const tlsFault = (
  tls: TlsSettings,
  words: ProtocolWords,
  who: string,
  now: number,
): string | undefined => {
  try {
    secureContext(tls, words, who);
  } catch (error) {
    if (error instanceof LinkError) return error.message;
    throw error;
  }
  for (const [what, pem] of [
    ['tls.cert', tls.cert],
    ['tls.ca', tls.ca],
  ] as const) {
    const ends = pem === undefined ? [] : certificatesOf(pem).map(endOf);
    // Of authorities some may have ended; of a client's own the first is the one that counts.
    const end = what === 'tls.cert' ? ends[0] : Math.max(...ends);
    if (end !== undefined && ends.length > 0 && end <= now)
      return `${who}: ${what} has ended on ${day(new Date(end))}`;
  }
  return undefined;
};
