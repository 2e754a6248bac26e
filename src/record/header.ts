import { createHash, createPublicKey, randomBytes, X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CASSETTE_VERSION, type CassetteHeader } from '../cassette/format.ts';
import { fileReader } from '../config/files.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { Config } from '../config/types.ts';

const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** Of the first certificate, or of the public key or the public half of a private one; undefined for anything else. */
const fingerprint = (pem: Buffer): string | undefined => {
  try {
    if (pem.includes('-----BEGIN CERTIFICATE')) return sha256(new X509Certificate(pem).raw);
    return sha256(createPublicKey(pem).export({ type: 'spki', format: 'der' }));
  } catch {
    return undefined;
  }
};

const folder = (setting: string, path: string): readonly (readonly [string, string])[] => {
  let names: readonly string[];
  try {
    names = readdirSync(path);
  } catch {
    return [];
  }
  const keys = names.filter((name) => name.endsWith('.pem')).toSorted();
  return keys.map((name) => [`${setting}/${name}`, join(path, name)]);
};

/** Every key that signatures depend on: its setting and its file. */
const keyFiles = ({ ingresses, egresses }: Config): readonly (readonly [string, string])[] => [
  ...[...ingresses.values()].flatMap((it) => {
    const at = `ingresses.${it.name}`;
    return it.type === 'mcollective-stomp'
      ? [
          ...folder(`${at}.callers.keys_dir`, it.callers.keysDir),
          [`${at}.server_private_key`, it.serverPrivateKey] as const,
        ]
      : [[`${at}.callers.ca`, it.callers.ca] as const];
  }),
  ...[...egresses.values()].flatMap((it) => {
    const at = `egresses.${it.name}`;
    if (it.type === 'choria-collective')
      return it.signing === undefined ? [] : [[`${at}.signing.cert`, it.signing.cert] as const];
    const { signing, serverPublicKeys } = it;
    return [
      ...(signing.kind === 'keys'
        ? folder(`${at}.signing.keys_dir`, signing.folder)
        : [[`${at}.signing.private_key`, signing.privateKey] as const]),
      ...serverPublicKeys.map(
        (file, index) =>
          [`${at}.server_public_key${serverPublicKeys.length === 1 ? '' : `[${index}]`}`, file] as const,
      ),
    ];
  }),
];

const fingerprints = (config: Config): Record<string, string> =>
  Object.fromEntries(
    keyFiles(config).flatMap(([setting, file]) => {
      const print = fingerprintOf(file);
      return print === undefined ? [] : [[setting, print]];
    }),
  );

/** A key that cannot be read is for the bridge, or its check, to tell of. */
const fingerprintOf = (file: string): string | undefined => {
  try {
    return fingerprint(readFileSync(file));
  } catch {
    return undefined;
  }
};

export interface HeaderOptions {
  readonly version: string;
  /** Who lives where, as far as it is known when the file begins. */
  readonly nodes?: () => CassetteHeader['nodes'];
}

/**
 * What the headers of one recording say, each with the time of its first message.
 * @throws ConfigError where the configuration cannot be read any more
 */
export const headersOf = (
  loaded: LoadedConfig,
  { version, nodes = () => ({}) }: HeaderOptions,
): ((clock: number) => CassetteHeader) => {
  const { config, file } = loaded;
  const { identity, cluster, instance } = config;
  const digest = sha256(fileReader(loaded)(file, []));
  const keys = fingerprints(config);
  const seed = randomBytes(16).toString('hex');
  return (clock) => ({
    cassette: CASSETTE_VERSION,
    created: new Date(clock).toISOString(),
    by: `mcbridge ${version}`,
    config: {
      sha256: digest,
      routes: config.routes.map(({ from, to, collectives }) => `${from} → ${to}: ${collectives.join(', ')}`),
    },
    bridge: { identity, cluster, instance },
    clock,
    seed,
    keys,
    nodes: nodes(),
  });
};
