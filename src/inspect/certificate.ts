import { Rejection } from '../envelope/rejection.ts';
import { type Certificate, label, parseCertificates } from '../pki/certificate.ts';

/** The certificates of a PEM text; none where it holds none that can be read. */
export const certificatesIn = (pem: string): readonly Certificate[] => {
  try {
    return parseCertificates(pem, 'the certificate');
  } catch (error) {
    if (error instanceof Rejection) return [];
    throw error;
  }
};

const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

const words = (certificate: Certificate): string =>
  `${label(certificate)}, issued by ${certificate.issuer.text}, valid from ${day(certificate.notBefore)} to ${day(certificate.notAfter)}`;

/** Whose certificates they are, by whom and for how long; undefined where there are none that can be read. */
export const certificateText = (pem: string): string | undefined => {
  const certificates = certificatesIn(pem);
  return certificates.length === 0 ? undefined : certificates.map(words).join('; then ');
};
