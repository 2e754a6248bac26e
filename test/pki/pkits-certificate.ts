import { readFileSync } from 'node:fs';
import { type Certificate, parseCertificates } from '../../src/pki/certificate.ts';

export const PKITS_FOLDER = new URL('../../fixtures/pkits/', import.meta.url);

/** A certificate of NIST's PKITS, by its file's name without `.crt`. */
export const loadPkits = (name: string): Certificate => {
  const der = readFileSync(new URL(`${name}.crt`, PKITS_FOLDER)).toString('base64');
  const pem = `-----BEGIN CERTIFICATE-----\n${der}\n-----END CERTIFICATE-----\n`;
  const [certificate] = parseCertificates(pem, name, 1);
  if (certificate === undefined) throw new Error(`no certificate ${name}`);
  return certificate;
};
