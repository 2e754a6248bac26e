import { secret } from './fields.ts';
import { fileProblem, type Place, type ReadFile, trimKey } from './files.ts';
import type { KeyPath } from './problem.ts';

/** Shorter keys can be guessed: HMACs that are made with them are SHA-256. */
export const MIN_LONG_SECRET_BYTES = 32;

const ALLOWED = 'at least 32 bytes, for instance of: openssl rand -base64 48';

/** A key for HMACs, as it is given in the configuration. */
export const longSecret = () =>
  secret(ALLOWED).refine((key) => Buffer.byteLength(key.reveal()) >= MIN_LONG_SECRET_BYTES, {
    params: { allowed: ALLOWED },
  });

/** What is wrong with the key that a file holds; undefined where it is long enough. */
export const longSecretFault = (file: string, { length }: Uint8Array): string | undefined =>
  length >= MIN_LONG_SECRET_BYTES
    ? undefined
    : `${file} holds ${length} bytes, and it takes at least ${MIN_LONG_SECRET_BYTES}`;

/**
 * Such a key from a file.
 * @throws ConfigError where the file cannot be read or is too short
 */
export const readLongSecret = (file: string, path: KeyPath, place: Place, read: ReadFile): Buffer => {
  const key = trimKey(read(file, path));
  const fault = longSecretFault(file, key);
  if (fault === undefined) return key;
  throw fileProblem(place, path, fault);
};
