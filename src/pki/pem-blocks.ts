import { tryDecodeBase64 } from '../codec/base64.ts';
import { CertificateError } from './certificate-error.ts';
import { DerError } from './der.ts';

export interface BlockOptions {
  /** What stands after BEGIN: `CERTIFICATE`. */
  readonly label: string;
  readonly max: number;
  /** `certificates`, for a sentence. */
  readonly called: string;
}

/**
 * The DER of each block of a PEM text.
 * @throws CertificateError, DerError
 */
export const pemBlocks = (pem: string, { label, max, called }: BlockOptions): readonly Buffer[] => {
  const [opening, closing] = [`-----BEGIN ${label}-----`, `-----END ${label}-----`];
  const found: Buffer[] = [];
  for (let start = pem.indexOf(opening); start !== -1; ) {
    if (found.length === max) throw new CertificateError(`it has more than ${max} ${called}`);
    const end = pem.indexOf(closing, start);
    if (end === -1) throw new CertificateError('it has no end');
    const der = tryDecodeBase64(pem.slice(start + opening.length, end).replace(/[ \t]/g, ''));
    if (der === undefined) throw new DerError('its base64 is damaged');
    found.push(der);
    start = pem.indexOf(opening, end);
  }
  return found;
};
