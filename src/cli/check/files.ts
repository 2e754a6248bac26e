import { createPrivateKey, createPublicKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { certificateNames } from '../../adapters/choria/wire/index.ts';
import { codeOf, readFailure } from '../../config/files.ts';
import { NoFile, readKeyFile } from '../../config/key-files.ts';
import type { KeyPath } from '../../config/problem.ts';
import type { TlsFloor } from '../../config/shared.ts';
import { certificateFault, isEncrypted, privateKeyFault, publicKeyFault } from '../../transport/tls/pem.ts';
import { weaknessOf } from '../../transport/tls/settings.ts';
import { isTrusted, nameOf, parseCertificates, validity } from './certificates.ts';
import type { Checklist } from './checklist.ts';

const WORLD_READABLE = 0o004;

/** What to do where a file or folder cannot be read; which user asks is known here only. */
export const mendReading = (file: string, error: unknown): string => {
  const code = codeOf(error);
  if (code === 'EACCES' || code === 'EPERM')
    return `let the user ${userInfo().username} read it, and search the folders above it: chgrp mcbridge ${file}; chmod g+r ${file}`;
  if (error instanceof NoFile)
    return 'write it into a file: it is read again, whenever a connection is made anew';
  if (code === 'EISDIR') return 'give the file, not the folder that it is in';
  return "check the name; relative names start at the configuration file's folder";
};

/** The file's bytes; a finding where it cannot be read, and none where it can. */
export const readBytes = (list: Checklist, path: KeyPath, file: string): Buffer | undefined => {
  try {
    return readKeyFile(file);
  } catch (error) {
    list.unusable(path, `${file} cannot be read: ${readFailure(error)}`, mendReading(file, error));
    return undefined;
  }
};

const readText = (list: Checklist, path: KeyPath, file: string): string | undefined =>
  readBytes(list, path, file)?.toString();

export const warnIfWorldReadable = (list: Checklist, path: KeyPath, file: string): void => {
  if ((statSync(file).mode & WORLD_READABLE) === 0) return;
  list.warning(path, `${file} is secret, and everybody on this machine can read it`, `chmod 600 ${file}`);
};

/** The private key in a file, if there is one that the bridge can use. */
export const checkPrivateKey = (list: Checklist, path: KeyPath, file: string): KeyObject | undefined => {
  const text = readText(list, path, file);
  if (text === undefined) return undefined;
  warnIfWorldReadable(list, path, file);
  if (isEncrypted(text)) {
    list.unusable(
      path,
      `${file} is encrypted`,
      `the bridge has no passphrase; openssl pkey -in ${file} -out FILE decrypts it`,
    );
    return undefined;
  }
  try {
    return createPrivateKey(text);
  } catch {
    list.unusable(
      path,
      `${file} is not a private key: ${privateKeyFault(text) ?? 'it cannot be read'}`,
      'it takes a PEM file with BEGIN PRIVATE KEY or BEGIN RSA PRIVATE KEY',
    );
    return undefined;
  }
};

/** {@link checkPrivateKey} for a key that signs messages: both protocols sign with RSA. */
export const checkSigningKey = (list: Checklist, path: KeyPath, file: string): KeyObject | undefined => {
  const key = checkPrivateKey(list, path, file);
  if (key === undefined) return undefined;
  if (key.asymmetricKeyType === 'rsa') return isLongEnough(list, path, file, key) ? key : undefined;
  list.unusable(
    path,
    `${file} is not an RSA key but ${key.asymmetricKeyType}`,
    `MCollective signs with RSA: ${MAKE_RSA}`,
  );
  return undefined;
};

const MAKE_RSA = 'openssl genrsa -out FILE 2048';
/** Bits. Whoever wants to can find the private half of a shorter one, and Go from 1.24 on refuses it (crypto/rsa). */
const SHORTEST = 1024;
const SHORT = 2048;

/** Whether an RSA key is one at all for who wants to be sure of it; a finding where it is short. */
const isLongEnough = (list: Checklist, path: KeyPath, file: string, key: KeyObject): boolean => {
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  const what = `${file} is an RSA key of ${bits} bits`;
  if (bits >= SHORTEST && bits < SHORT)
    list.warning(
      path,
      `${what}, which is short`,
      `take one of ${SHORT} when the keys are renewed: ${MAKE_RSA}`,
    );
  if (bits >= SHORTEST) return true;
  list.unusable(path, `${what}, and it takes at least ${SHORTEST}`, `make one of ${SHORT}: ${MAKE_RSA}`);
  return false;
};

/** An RSA public key, or a certificate in its place; a finding where it is neither. */
const rsaPublicKey = (
  list: Checklist,
  path: KeyPath,
  file: string,
  { instead, wanted }: { readonly instead: string; readonly wanted: string },
): boolean => {
  const text = readText(list, path, file);
  if (text === undefined) return false;
  if (/PRIVATE KEY/.test(text)) {
    list.unusable(
      path,
      `${file} is a private key`,
      `openssl pkey -in ${file} -pubout makes the public key of it; ${instead}`,
    );
    return false;
  }
  try {
    const key = createPublicKey(text);
    const { asymmetricKeyType } = key;
    if (asymmetricKeyType === 'rsa') return isLongEnough(list, path, file, key);
    list.unusable(path, `${file} is not an RSA key but ${asymmetricKeyType}`, wanted);
  } catch {
    list.unusable(path, `${file} is neither a public key nor a certificate: ${publicKeyFault(text)}`, wanted);
  }
  return false;
};

/** The daemons' public key. */
export const checkPublicKey = (list: Checklist, path: KeyPath, file: string): void => {
  const told = {
    instead: 'the private one belongs on the daemons only',
    wanted: 'it takes the PEM file that plugin.ssl_server_public names',
  };
  if (rsaPublicKey(list, path, file, told)) list.ok(path, `${file} is an RSA public key`);
};

/** A legacy caller's public key. */
export const checkCallerKey = (list: Checklist, path: KeyPath, file: string): boolean =>
  rsaPublicKey(list, path, file, {
    instead: "the private one is the caller's alone",
    wanted: 'it takes the PEM file that daemons have in plugin.ssl_client_cert_dir',
  });

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
    if (is.kind === 'soon') list.warning(path, `${name} expires on ${is.until}`, 'renew it soon');
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
export const checkStrength = (
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
