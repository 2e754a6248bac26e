import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { statSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { Checklist } from '../../../config/checklist.ts';
import { codeOf, readFailure, trimKey } from '../../../config/files.ts';
import { NoFile, readKeyFile } from '../../../config/key-files.ts';
import { longSecretFault } from '../../../config/long-secret.ts';
import type { KeyPath } from '../../../config/problem.ts';
import { isEncrypted, privateKeyFault, publicKeyFault } from '../../../transport/tls/pem.ts';

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

export const readText = (list: Checklist, path: KeyPath, file: string): string | undefined =>
  readBytes(list, path, file)?.toString();

export const warnIfWorldReadable = (list: Checklist, path: KeyPath, file: string): void => {
  if ((statSync(file).mode & WORLD_READABLE) === 0) return;
  list.warning(path, `${file} is secret, and everybody on this machine can read it`, `chmod 600 ${file}`);
};

/** A password or token in a file. */
export const checkSecretFile = (list: Checklist, path: KeyPath, file: string): void => {
  const bytes = readBytes(list, path, file);
  if (bytes === undefined) return;
  warnIfWorldReadable(list, path, file);
  if (bytes.toString().trim() === '') list.unusable(path, `${file} is empty`, 'write it into the file');
  else list.ok(path, `${file} can be read`);
};

/**
 * A key for HMACs in a file.
 * @param others what else to do where another one is made
 */
export const checkLongSecretFile = (list: Checklist, path: KeyPath, file: string, others = ''): void => {
  const bytes = readBytes(list, path, file);
  if (bytes === undefined) return;
  warnIfWorldReadable(list, path, file);
  const key = trimKey(bytes);
  const fault = longSecretFault(file, key);
  if (fault === undefined) list.ok(path, `${file} holds a key of ${key.length} bytes`);
  else list.unusable(path, fault, `openssl rand -base64 48 > ${file}${others}`);
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
/** The private half of a shorter key can be computed, and Go from 1.24 on refuses it (crypto/rsa). */
const MIN_RSA_BITS = 1024;
const ADVISED_RSA_BITS = 2048;

/** Whether an RSA key is one at all for who wants to be sure of it; a finding where it is short. */
const isLongEnough = (list: Checklist, path: KeyPath, file: string, key: KeyObject): boolean => {
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  const what = `${file} is an RSA key of ${bits} bits`;
  if (bits >= MIN_RSA_BITS && bits < ADVISED_RSA_BITS)
    list.warning(
      path,
      `${what}, which is short`,
      `take one of ${ADVISED_RSA_BITS} when the keys are renewed: ${MAKE_RSA}`,
    );
  if (bits >= MIN_RSA_BITS) return true;
  list.unusable(
    path,
    `${what}, and it takes at least ${MIN_RSA_BITS}`,
    `make one of ${ADVISED_RSA_BITS}: ${MAKE_RSA}`,
  );
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
