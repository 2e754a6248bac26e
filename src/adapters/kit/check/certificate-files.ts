import type { X509Certificate } from 'node:crypto';
import type { Checklist } from '../../../config/checklist.ts';
import { readFailure } from '../../../config/files.ts';
import { readKeyFile } from '../../../config/key-files.ts';
import type { KeyPath } from '../../../config/problem.ts';
import type { TlsFloor } from '../../../config/shared.ts';
import { certificateNames } from '../../../pki/certificate.ts';
import { certificateFault } from '../../../transport/tls/pem.ts';
import { weaknessOf } from '../../../transport/tls/settings.ts';
import { isTrusted, nameOf, parseCertificates, validity } from './certificates.ts';
import { checkPrivateKey, readText } from './key-files.ts';

const daysOf = (days: number): string => (days === 1 ? 'a day' : `${days} days`);
/** By the days within which it ends. */
const HURRY: ReadonlyMap<number, string> = new Map([
  [1, 'renew it now'],
  [7, 'renew it this week'],
  [30, 'renew it soon'],
]);

/** Certificates within their dates; others are findings. */
const checkDates = (
  list: Checklist,
  path: KeyPath,
  file: string,
  certificates: readonly X509Certificate[],
  now: number,
): boolean => {
  let good = true;
  for (const certificate of certificates) {
    const name = `${file}: the certificate ${nameOf(certificate)}`;
    const is = validity(certificate, now);
    if (is.kind === 'expired') list.problem(path, `${name} expired on ${is.until}`, 'renew it');
    if (is.kind === 'future')
      list.problem(path, `${name} is valid from ${is.from} only`, "check this machine's clock");
    if (is.kind === 'soon')
      list.warning(
        path,
        `${name} expires within ${daysOf(is.days)}, on ${is.until}`,
        HURRY.get(is.days) ?? '',
      );
    good &&= is.kind === 'valid' || is.kind === 'soon';
  }
  return good;
};

const certificatesIn = (
  list: Checklist,
  path: KeyPath,
  file: string,
): readonly [X509Certificate, ...X509Certificate[]] | undefined => {
  const text = readText(list, path, file);
  if (text === undefined) return undefined;
  try {
    return parseCertificates(text);
  } catch (error) {
    list.unusable(
      path,
      `${file} is not a certificate: ${certificateFault(text) ?? readFailure(error)}`,
      'it takes a PEM file with BEGIN CERTIFICATE',
    );
    return undefined;
  }
};

/**
 * The authorities in a CA file, where they can be used.
 * @param forCallers whether callers are verified with them too: a broker's own certificate may do for its connection
 */
export const checkAuthorities = (
  list: Checklist,
  path: KeyPath,
  file: string,
  now: number,
  forCallers = false,
): readonly X509Certificate[] | undefined => {
  const found = certificatesIn(list, path, file);
  if (found === undefined) return undefined;
  const other = found.find((certificate) => !certificate.ca);
  if (other !== undefined) {
    const tell = forCallers ? list.unusable : list.problem;
    tell.call(
      list,
      path,
      `${file}: the certificate ${nameOf(other)} is not a CA's`,
      'it takes the certificate of the authority, not one that it signed',
    );
    return undefined;
  }
  if (!checkDates(list, path, file, found, now)) return undefined;
  list.ok(path, `${file} holds the CA ${found.map(nameOf).join(', ')}`);
  return found;
};

/** Whether OpenSSL takes certificate and key for TLS as this side is configured; a finding where they are too weak. */
const checkStrength = (
  list: Checklist,
  path: KeyPath,
  { cert, key }: ClientFiles,
  { minVersion, ciphers }: TlsFloor,
): void => {
  const read = (file: string): string => readKeyFile(file).toString();
  const reason = weaknessOf({
    cert: read(cert),
    key: read(key),
    ...(minVersion === undefined ? {} : { minVersion }),
    ...(ciphers === undefined ? {} : { ciphers }),
  });
  if (reason === undefined) return;
  list.unusable(
    [...path, 'cert'],
    `${cert} is weaker than TLS takes here (${reason})`,
    'renew it with SHA-256 and 2,048 bits or more, or set ciphers: "DEFAULT@SECLEVEL=0"',
  );
};

export interface ClientFiles {
  readonly cert: string;
  readonly key: string;
}

/**
 * A client certificate: its dates, its key, and whether an authority of `roots` (undefined: unknown) vouches for it.
 * @returns its names, unless it cannot be used
 */
export const checkClient = (
  list: Checklist,
  path: KeyPath,
  { cert, key }: ClientFiles,
  roots: readonly X509Certificate[] | undefined,
  now: number,
): readonly string[] | undefined => {
  const certPath = [...path, 'cert'];
  const keyPath = [...path, 'key'];
  const found = certificatesIn(list, certPath, cert);
  const privateKey = checkPrivateKey(list, keyPath, key);
  if (found === undefined) return undefined;
  const [leaf, ...between] = found;
  if (!checkDates(list, certPath, cert, found, now)) return undefined;
  if (roots !== undefined && !isTrusted(leaf, between, roots))
    list.problem(
      certPath,
      `${cert}: the certificate ${nameOf(leaf)} is not signed by the CA ${roots.map(nameOf).join(', ')} of tls.ca`,
      'give the CA that signed it, or the intermediate certificates after it in the same file',
    );
  else list.ok(certPath, `${cert} is the certificate ${nameOf(leaf)}`);
  const names = certificateNames(leaf.toString());
  if (privateKey === undefined) return names;
  if (leaf.checkPrivateKey(privateKey)) list.ok(keyPath, `${key} is its private key`);
  else
    list.unusable(
      keyPath,
      `${key} is not the key of the certificate in ${cert}`,
      'give the pair that was made together',
    );
  return names;
};

/** The client certificate of a connection, as {@link checkClient} looks at it, and its strength. */
export const checkTlsClient = (
  list: Checklist,
  path: KeyPath,
  { client, ...floor }: TlsFloor & { readonly client: ClientFiles | undefined },
  roots: readonly X509Certificate[] | undefined,
  now: number,
): void => {
  if (client === undefined) return;
  checkClient(list, path, client, roots, now);
  if (!list.hasProblem(path)) checkStrength(list, path, client, floor);
};
