import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ChoriaCollectiveConfig } from '../../adapters/choria/collective-egress-config.ts';
import type { McollectiveStompConfig } from '../../adapters/mcollective/egress-config.ts';
import { codeOf } from '../../config/files.ts';
import { readKeyFile } from '../../config/key-files.ts';
import { Secret } from '../../config/secret.ts';
import { parseCertificates } from '../../pki/certificate.ts';
import type { Config, EgressConfig, IngressConfig, Named } from '../../setup/types.ts';
import type { CassetteHeader } from '../file/format.ts';
import { issueLike, makePair, makeThrowAwayAuthority, type ThrowAwayPair } from '../redact/identities.ts';

/** A configuration whose missing private keys have others in their place. */
export interface WithThrowAwayKeys {
  readonly config: Config;
  /** The settings whose keys were made: `egresses.legacy.signing.keys_dir/alice.pem`. */
  readonly made: ReadonlySet<string>;
}

export interface ThrowAwayOptions {
  readonly header: CassetteHeader;
  /** The callers, `cert=<name>` or `choria=<name>`, that the recorded bridge has signed for on an egress. */
  readonly signersOn: (egress: string) => Promise<ReadonlySet<string>>;
  /** Where the keys may be, until the replay is over. */
  readonly folder: string;
}

/** That those of two callers differ shows whose was taken; more of them take time. */
const MOST_PAIRS = 8;
const pairs: ThrowAwayPair[] = [];

const PUBLIC_HALF = /-----BEGIN (?:(?:RSA )?PUBLIC KEY|CERTIFICATE)-----/;

/**
 * Whether there is no file, or only the public half of the key in it, by which a repository can say that the key exists.
 * What is there and cannot be used is for whoever needs it to tell of.
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
const MAX_CERTIFICATES = 8;

const namesIn = (file: string): readonly string[] => {
  try {
    return parseCertificates(readKeyFile(file).toString(), file, MAX_CERTIFICATES)[0]?.names ?? [NAME];
  } catch {
    return [NAME];
  }
};

const pemFiles = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder).filter((file) => file.endsWith('.pem'));
  } catch {
    return [];
  }
};

/** Makes the keys of one replay. */
class Forge {
  readonly made = new Set<string>();
  readonly #options: ThrowAwayOptions;

  constructor(options: ThrowAwayOptions) {
    this.#options = options;
  }

  /** The file of a private key: the configured one, or one that is made instead. */
  privateKey(setting: string, file: string): string {
    return isMissing(file) ? this.#write(`${this.made.size}.key`, this.#pem(setting)) : file;
  }

  /** Nobody compares the certificate that a request bears; it has to fit the key. */
  certified(setting: string, { cert, key }: { readonly cert: string; readonly key: string }) {
    if (!isMissing(key)) return { cert, key };
    const name = `${this.made.size}.pem`;
    const { publicKey, privateKey } = this.#pair(`${setting}.key`);
    this.made.add(`${setting}.cert`);
    const certificate = issueLike(
      makeThrowAwayAuthority(),
      { names: namesIn(cert), clientAuth: true, ...DATES },
      publicKey,
    );
    return { cert: this.#write(name, certificate), key: this.#write(`${name}.key`, pemOf(privateKey)) };
  }

  /** A folder with a certificate and a key for each caller that has them: here, or by the cassette. */
  async pairs(setting: string, egress: string, folder: string): Promise<string> {
    const wanted = await this.#callersFiles(setting, egress, folder);
    const keyOf = (file: string): string => `${file.slice(0, -'.pem'.length)}.key`;
    if (!wanted.some((file) => isMissing(join(folder, keyOf(file))))) return folder;
    const path = join(this.#options.folder, `${this.made.size}-certificates`);
    mkdirSync(path);
    for (const file of wanted) {
      const [cert, key] = [join(folder, file), join(folder, keyOf(file))];
      const name = file.slice(0, -'.pem'.length);
      if (!isMissing(key)) {
        symlinkSync(cert, join(path, file));
        symlinkSync(key, join(path, keyOf(file)));
        continue;
      }
      const { publicKey, privateKey } = this.#pair(`${setting}/${keyOf(file)}`);
      this.made.add(`${setting}/${file}`);
      const certificate = issueLike(
        makeThrowAwayAuthority(),
        { names: [name], clientAuth: true, ...DATES },
        publicKey,
      );
      writeFileSync(join(path, file), certificate);
      writeFileSync(join(path, keyOf(file)), pemOf(privateKey), { mode: 0o600 });
    }
    return path;
  }

  /** A folder with a key for each caller that has one: here, or by the cassette. */
  async folder(setting: string, egress: string, folder: string): Promise<string> {
    const wanted = await this.#callersFiles(setting, egress, folder);
    if (!wanted.some((file) => isMissing(join(folder, file)))) return folder;
    const path = join(this.#options.folder, `${this.made.size}-callers`);
    mkdirSync(path);
    for (const file of wanted) {
      const configured = join(folder, file);
      if (isMissing(configured)) writeFileSync(join(path, file), this.#pem(`${setting}/${file}`));
      else symlinkSync(configured, join(path, file));
    }
    return path;
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
    const index = this.made.size % MOST_PAIRS;
    this.made.add(setting);
    const pair = pairs[index] ?? makePair();
    pairs[index] = pair;
    return pair;
  }

  #pem(setting: string): string {
    return pemOf(this.#pair(setting).privateKey);
  }

  #write(name: string, pem: string): string {
    const file = join(this.#options.folder, name);
    writeFileSync(file, pem, { mode: 0o600 });
    return file;
  }
}

const pemOf = (key: ThrowAwayPair['privateKey']): string =>
  key.export({ type: 'pkcs8', format: 'pem' }).toString();

const ingress = (it: Named<IngressConfig>, forge: Forge): Named<IngressConfig> =>
  it.type === 'mcollective-stomp'
    ? {
        ...it,
        serverPrivateKey: forge.privateKey(`ingresses.${it.name}.server_private_key`, it.serverPrivateKey),
      }
    : it;

const choria = async (
  it: Named<ChoriaCollectiveConfig>,
  forge: Forge,
): Promise<Named<ChoriaCollectiveConfig>> => {
  const { signing, name } = it;
  if (signing === undefined) return it;
  const at = `egresses.${name}.signing`;
  if (signing.kind === 'privileged')
    return { ...it, signing: { ...signing, own: forge.certified(at, signing.own) } };
  const folder = await forge.pairs(`${at}.certs_dir`, name, signing.folder);
  return { ...it, signing: { ...signing, folder, own: signing.own && forge.certified(at, signing.own) } };
};

const legacy = async (
  it: Named<McollectiveStompConfig>,
  forge: Forge,
): Promise<Named<McollectiveStompConfig>> => {
  const { signing, name } = it;
  const at = `egresses.${name}.signing`;
  return {
    ...it,
    signing:
      signing.kind === 'shared'
        ? { ...signing, privateKey: forge.privateKey(`${at}.private_key`, signing.privateKey) }
        : { ...signing, folder: await forge.folder(`${at}.keys_dir`, name, signing.folder) },
  };
};

const egress = (it: Named<EgressConfig>, forge: Forge): Promise<Named<EgressConfig>> =>
  it.type === 'mcollective-stomp' ? legacy(it, forge) : choria(it, forge);

/**
 * Keys with which the bridge only signs are made where they are missing: what they have made is compared by what
 * it says, and verified with their own public halves. Keys that verify what comes in are public, and stay needed.
 */
export const withThrowAwayKeys = async (
  config: Config,
  options: ThrowAwayOptions,
): Promise<WithThrowAwayKeys> => {
  const forge = new Forge(options);
  const { clusterKey } = config;
  const isKeyMade = clusterKey.kind === 'file' && isMissing(clusterKey.file);
  const egresses: [string, Named<EgressConfig>][] = [];
  for (const [name, it] of config.egresses) egresses.push([name, await egress(it, forge)]);
  return {
    config: {
      ...config,
      clusterKey: isKeyMade
        ? { kind: 'given', key: new Secret(randomBytes(32).toString('hex')) }
        : clusterKey,
      ingresses: new Map([...config.ingresses].map(([name, it]) => [name, ingress(it, forge)])),
      egresses: new Map(egresses),
    },
    made: new Set([...(isKeyMade ? ['cluster_key_file'] : []), ...forge.made]),
  };
};
