import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readKeyFile } from '../../config/key-files.ts';
import type { EgressConfig, IngressConfig, LoadedConfig, Named } from '../../setup/types.ts';

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

/** A file that cannot be read has no fingerprint; whoever needs it will say more. */
const tried = (name: string, of: () => string): Found => {
  try {
    return [[name, of()]];
  } catch {
    return [];
  }
};

const pemFiles = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder)
      .filter((file) => file.endsWith('.pem'))
      .toSorted();
  } catch {
    return [];
  }
};

const folderKeys = (name: string, folder: string): Found =>
  pemFiles(folder).flatMap((file) =>
    tried(`${name}/${file}`, () => pemFingerprint(readKeyFile(join(folder, file)))),
  );

const ingressKeys = (it: Named<IngressConfig>): Found => {
  const at = (setting: string): string => `ingresses.${it.name}.${setting}`;
  if (it.type === 'mcollective-stomp')
    return [
      ...folderKeys(at('callers.keys_dir'), it.callers.keysDir),
      ...tried(at('server_private_key'), () => pemFingerprint(readKeyFile(it.serverPrivateKey))),
    ];
  return tried(at('callers.ca'), () => pemFingerprint(readKeyFile(it.callers.ca)));
};

const egressKeys = (it: Named<EgressConfig>): Found => {
  const at = (setting: string): string => `egresses.${it.name}.${setting}`;
  if (it.type === 'choria-collective') {
    const { signing } = it;
    const own = signing?.own;
    return [
      ...(own === undefined ? [] : tried(at('signing.cert'), () => pemFingerprint(readKeyFile(own.cert)))),
      ...(signing?.kind === 'callers' ? folderKeys(at('signing.certs_dir'), signing.folder) : []),
    ];
  }
  const { signing } = it;
  return [
    ...(signing.kind === 'keys'
      ? folderKeys(at('signing.keys_dir'), signing.folder)
      : tried(at('signing.private_key'), () => pemFingerprint(readKeyFile(signing.privateKey)))),
    ...it.serverPublicKeys.flatMap((file, i) =>
      tried(at(it.serverPublicKeys.length === 1 ? 'server_public_key' : `server_public_key[${i}]`), () =>
        pemFingerprint(readKeyFile(file)),
      ),
    ),
  ];
};

/**
 * The keys of a configuration, each by its setting: `ingresses.federation.callers.ca`. They are of public keys and of
 * public halves only. The cluster key has no such half: whatever is derived from it would let anyone who has a cassette
 * try out guesses of a key that somebody has thought up, and a replay does not need it, see `replay/homes.ts`.
 */
export const fingerprintsOf = ({ config }: Pick<LoadedConfig, 'config'>): Readonly<Record<string, string>> =>
  Object.fromEntries([
    ...[...config.ingresses.values()].flatMap(ingressKeys),
    ...[...config.egresses.values()].flatMap(egressKeys),
  ]);

/** Of the configuration's file as it stands; undefined where it is no file. */
export const configFingerprint = ({ file }: Pick<LoadedConfig, 'file'>): string | undefined => {
  try {
    return textFingerprint(readKeyFile(file));
  } catch {
    return undefined;
  }
};
