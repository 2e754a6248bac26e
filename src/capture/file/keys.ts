import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { DISK, type KeyFiles, readKeyFile } from '../../config/key-files.ts';
import { formatPath } from '../../config/problem.ts';
import { ingressesFirst, pathOf, type Side } from '../../setup/sides.ts';
import type { LoadedConfig } from '../../setup/types.ts';
import type { LinkPlace } from '../../transport/spec.ts';

const prefixed = (hex: string): string => `sha256:${hex}`;

/** Of the first certificate, or of the public key or the public half of a private one. @throws Error for anything else */
export const pemFingerprint = (pem: Buffer): string => {
  const der = pem.includes('-----BEGIN CERTIFICATE')
    ? new X509Certificate(pem).raw
    : createPublicKey(pem).export({ type: 'spki', format: 'der' });
  return prefixed(createHash('sha256').update(der).digest('hex'));
};

const textFingerprint = (bytes: Uint8Array): string =>
  prefixed(createHash('sha256').update(bytes).digest('hex'));

type Found = readonly (readonly [name: string, fingerprint: string])[];

/** A file that cannot be read has no fingerprint; the code that needs the file reports more. */
const tried = (name: string, of: () => string): Found => {
  try {
    return [[name, of()]];
  } catch {
    return [];
  }
};

const pemFiles = (folder: string, files: KeyFiles): readonly string[] => {
  try {
    return files
      .list(folder)
      .filter((file) => file.endsWith('.pem'))
      .toSorted();
  } catch {
    return [];
  }
};

const folderKeys = (name: string, folder: string, files: KeyFiles): Found =>
  pemFiles(folder, files).flatMap((file) =>
    tried(`${name}/${file}`, () => pemFingerprint(files.read(join(folder, file)))),
  );

const keysOf = (side: Side, files: KeyFiles): Found =>
  side.adapter.keys().flatMap(({ setting, path, kind }) => {
    // As with the cluster key.
    if (kind === 'secret') return [];
    const name = formatPath([...pathOf(side), ...setting]);
    return kind === 'folder'
      ? folderKeys(name, path, files)
      : tried(name, () => pemFingerprint(files.read(path)));
  });

/**
 * The keys of a configuration, each by its setting: `ingresses.federation.callers.ca`. They are of public keys and of
 * public halves only. The cluster key has no such half: whatever is derived from it would let anyone who has a cassette
 * try out guesses of a key that a person has thought up, and a replay does not need it, see `replay/homes.ts`.
 */
export const fingerprintsOf = (
  { config }: Pick<LoadedConfig, 'config'>,
  sideKeys: (place: LinkPlace) => KeyFiles = () => DISK,
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    ingressesFirst(config).flatMap((side) =>
      keysOf(side, sideKeys({ name: side.adapter.name, side: side.kind })),
    ),
  );

/** Of the configuration's file as it stands; undefined where it is not a file. */
export const configFingerprint = ({ file }: Pick<LoadedConfig, 'file'>): string | undefined => {
  try {
    return textFingerprint(readKeyFile(file));
  } catch {
    return undefined;
  }
};
