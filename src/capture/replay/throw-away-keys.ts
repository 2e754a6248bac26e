import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { KeyUse } from '../../adapters/kit/key-use.ts';
import { codeOf } from '../../config/files.ts';
import { DISK, readKeyFile } from '../../config/key-files.ts';
import { formatPath, type KeyPath } from '../../config/problem.ts';
import { makeKeyPair } from '../../pki/authority.ts';
import { parseCertificates } from '../../pki/certificate.ts';
import { pathOf, type Side, sidesOf } from '../../setup/sides.ts';
import type { Config } from '../../setup/types.ts';
import { isSamePlace, type LinkPlace } from '../../transport/spec.ts';
import type { CassetteHeader } from '../file/format.ts';
import { issueLike, makePair, makeThrowAwayAuthority, type ThrowAwayPair } from '../redact/identities.ts';

/** Keys that were made for a replay. */
export interface MadeKeys {
  /** The settings whose keys they are: `egresses.legacy.signing.keys_dir/alice.pem`. */
  readonly settings: ReadonlySet<string>;
  /** By the files that they stand for. */
  readonly ofNoSide: ReadonlyMap<string, string>;
  of(place: LinkPlace): ReadonlyMap<string, string>;
}

export interface ThrowAwayOptions {
  readonly header: CassetteHeader;
  /** The callers, `cert=<name>` or `choria=<name>`, that the recorded bridge has signed for on an egress. */
  readonly signersOn: (egress: string) => Promise<ReadonlySet<string>>;
}

/** Such a key signs for this process alone. To make longer ones takes most of the time of a short replay. */
const KEY_BITS = 1024;
/** That those of two callers differ shows whose was taken; more of them take time. */
const MAX_KEY_PAIRS = 8;
const pairs: ThrowAwayPair[] = [];

const PUBLIC_HALF = /-----BEGIN (?:(?:RSA )?PUBLIC KEY|CERTIFICATE)-----/;

/**
 * Whether there is no file, or only the public half of the key in it, by which a repository can say that the key exists.
 * A file that is there and cannot be used is reported by the code that needs it.
 */
const isMissing = (file: string): boolean => {
  try {
    const text = readKeyFile(file).toString('latin1');
    return PUBLIC_HALF.test(text) && !text.includes('PRIVATE KEY');
  } catch (error) {
    const code = codeOf(error);
    return code === 'ENOENT' || code === 'ENOTDIR';
  }
};

const DATES = { notBefore: Date.UTC(1990, 0), notAfter: Date.UTC(2049, 0) };
/** Where the certificate is missing too: nodes hold such a name privileged, and nothing here asks for more. */
const NAME = 'mcbridge.privileged.mcollective';

const namesIn = (file: string): readonly string[] => {
  try {
    return parseCertificates(readKeyFile(file).toString(), file)[0]?.names ?? [NAME];
  } catch {
    return [NAME];
  }
};

const pemFiles = (folder: string): readonly string[] => {
  try {
    return DISK.list(folder).filter((file) => file.endsWith('.pem'));
  } catch {
    return [];
  }
};

type CallersFolder = Extract<KeyUse, { readonly kind: 'folder' }>;
type Certified = Extract<KeyUse, { readonly kind: 'cert' }>;

/** Makes the keys of one replay. */
class Forge {
  readonly made = new Set<string>();
  readonly #options: ThrowAwayOptions;

  constructor(options: ThrowAwayOptions) {
    this.#options = options;
  }

  /** The keys that a side lacks, by their files. */
  async keysFor(side: Side): Promise<ReadonlyMap<string, string>> {
    const signing = side.adapter.keys().filter(({ use }) => use === 'sign');
    const files = new Map<string, string>();
    for (const use of signing) if (use.kind === 'folder') await this.#folder(use, side, files);
    for (const use of signing) {
      if (use.kind === 'cert') this.#certified(use, side, files);
      if (use.kind === 'private' && isMissing(use.path))
        files.set(use.path, pemOf(this.#pair(nameOf(side, use.setting)).privateKey));
    }
    return files;
  }

  /** The certificate in a request is not compared; it has to fit the key. */
  #certified({ setting, path, key }: Certified, side: Side, files: Map<string, string>): void {
    if (!isMissing(key.path)) return;
    const pair = this.#pair(nameOf(side, key.setting));
    this.made.add(nameOf(side, setting));
    files.set(path, certificateOf(pair, namesIn(path)));
    files.set(key.path, pemOf(pair.privateKey));
  }

  /** For each caller that has a key, here or by the cassette: with a certificate where the folder has such. */
  async #folder(use: CallersFolder, side: Side, files: Map<string, string>): Promise<void> {
    const setting = nameOf(side, use.setting);
    for (const file of await this.#callersFiles(setting, side.adapter.name, use.path)) {
      const name = file.slice(0, -'.pem'.length);
      const keyFile = use.holds === 'certificates' ? `${name}.key` : file;
      if (!isMissing(join(use.path, keyFile))) continue;
      const pair = this.#pair(`${setting}/${keyFile}`);
      files.set(join(use.path, keyFile), pemOf(pair.privateKey));
      if (use.holds !== 'certificates') continue;
      this.made.add(`${setting}/${file}`);
      files.set(join(use.path, file), certificateOf(pair, [name]));
    }
  }

  /**
   * The header names all that had a key. Of a cassette that is redacted it names those of whom there is a request, and
   * those whose key was used are known in any case.
   */
  async #callersFiles(setting: string, egress: string, folder: string): Promise<readonly string[]> {
    const { header, signersOn } = this.#options;
    const named = Object.keys(header.keys).flatMap((name) =>
      name.startsWith(`${setting}/`) ? [name.slice(setting.length + 1)] : [],
    );
    const used =
      named.length > 0 && header.trust === undefined
        ? []
        : [...(await signersOn(egress))].map((caller) => `${caller.slice(caller.indexOf('=') + 1)}.pem`);
    // A name is one of a file, never a way out of the folder.
    return [...new Set([...named, ...used, ...pemFiles(folder)])]
      .filter((file) => /^[\w.-]+$/.test(file))
      .toSorted();
  }

  #pair(setting: string): ThrowAwayPair {
    const index = this.made.size % MAX_KEY_PAIRS;
    this.made.add(setting);
    const pair = pairs[index] ?? makePair(KEY_BITS);
    pairs[index] = pair;
    return pair;
  }
}

const nameOf = (side: Side, setting: KeyPath): string => formatPath([...pathOf(side), ...setting]);

const certificateOf = ({ publicKey }: ThrowAwayPair, names: readonly string[]): string =>
  issueLike(
    makeThrowAwayAuthority({ keys: makeKeyPair(KEY_BITS) }),
    { names, clientAuth: true, ...DATES },
    publicKey,
  );

const pemOf = (key: ThrowAwayPair['privateKey']): string =>
  key.export({ type: 'pkcs8', format: 'pem' }).toString();

/**
 * Keys with which the bridge only signs are made where they are missing: what they have made is compared by what
 * it says, and verified with their own public halves. Keys that verify what comes in are public, and stay needed.
 */
export const throwAwayKeys = async (
  config: Pick<Config, 'clusterKey' | 'nextClusterKey' | 'ingresses' | 'egresses'>,
  options: ThrowAwayOptions,
): Promise<MadeKeys> => {
  const forge = new Forge(options);
  const ofNoSide = new Map<string, string>();
  for (const [setting, key] of [
    ['cluster_key_file', config.clusterKey],
    ['next_cluster_key_file', config.nextClusterKey],
  ] as const) {
    if (key?.kind !== 'file' || !isMissing(key.file)) continue;
    forge.made.add(setting);
    ofNoSide.set(key.file, randomBytes(32).toString('hex'));
  }
  const found: { readonly place: LinkPlace; readonly files: ReadonlyMap<string, string> }[] = [];
  for (const side of sidesOf(config))
    found.push({ place: { side: side.kind, name: side.adapter.name }, files: await forge.keysFor(side) });
  return {
    settings: forge.made,
    ofNoSide,
    of: (place) => found.find((it) => isSamePlace(it.place, place))?.files ?? new Map(),
  };
};
