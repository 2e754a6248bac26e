import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createCallerVerifier, DEFAULT_ALLOW, DEFAULT_PRIVILEGED } from '../../adapters/choria/wire/index.ts';
import { keyNameOf } from '../../adapters/mcollective/key-folder.ts';
import { loadUnconnected } from '../../capture/replay/unconnected.ts';
import { fileParser, type ParseFile, parseFailure, readFailure } from '../../config/files.ts';
import { ConfigError, type KeyPath } from '../../config/problem.ts';
import type { Container } from '../../inspect/context.ts';
import type { Keys, KnownKey } from '../../inspect/keys.ts';
import { ownMessages } from '../../inspect/own.ts';
import { ingressesFirst, pathOf, type Side } from '../../setup/sides.ts';
import { escapeControls } from '../terminal.ts';
import { UsageError } from '../usage.ts';

/** Where signatures' keys come from, as the command line has it. */
export interface KeyOptions {
  readonly ca?: readonly string[];
  readonly clientKeys?: readonly string[];
  readonly serverKey?: readonly string[];
  readonly config?: string;
}

/** A place that may know a legacy caller's key. */
interface ClientKeys {
  readonly name: string;
  /** The key, or why what is there is none; undefined where there is nothing. */
  find(callerId: string): ReturnType<Keys['clientKey']> | undefined;
}

type Callers = Keys['callers'][number];

interface Found {
  readonly callers: readonly Callers[];
  readonly clients: readonly ClientKeys[];
  readonly serverKeys: readonly KnownKey[];
  /** Messages that only an adapter of the configuration can read. */
  readonly own: readonly Container[];
}

/** @throws UsageError */
const readPem = <T>(option: string, file: string, parse: (pem: Buffer) => T): T => {
  let pem: Buffer;
  try {
    pem = readFileSync(file);
  } catch (error) {
    throw new UsageError(`${option} ${file} cannot be read: ${readFailure(error)}`);
  }
  try {
    return parse(pem);
  } catch (error) {
    throw new UsageError(`${option} ${file} is not what it should be: ${parseFailure(error, pem)}`);
  }
};

/** Public keys, certificates and private keys alike: the public half is in each of them. */
const publicKey = (pem: Buffer): KeyObject => createPublicKey(pem);

/** `<folder>/<name>.pem`, read when asked for. A name is a file's, and has no slashes. */
const keyFolder = (folder: string, nameOf: (caller: string) => string | undefined): ClientKeys => ({
  name: folder,
  find: (callerId) => {
    const name = nameOf(callerId);
    if (name === undefined) return undefined;
    const source = join(folder, `${name}.pem`);
    try {
      return { key: publicKey(readFileSync(source)), source };
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      return { missing: `the key ${source} cannot be used: ${readFailure(error)}` };
    }
  },
});

/** @throws UsageError where it is not a folder */
const checkedFolder = (folder: string): ClientKeys => {
  try {
    if (statSync(folder).isDirectory()) return keyFolder(folder, keyNameOf);
  } catch (error) {
    throw new UsageError(`--client-keys ${folder} cannot be read: ${readFailure(error)}`);
  }
  throw new UsageError(`--client-keys ${folder} is a file; it takes the folder of the callers' public keys`);
};

const given = ({ ca = [], clientKeys = [], serverKey = [] }: KeyOptions): Found => ({
  callers: ca.map((source) => ({
    source,
    verifier: readPem('--ca', source, (pem) =>
      createCallerVerifier({ ca: pem.toString(), allow: DEFAULT_ALLOW, privileged: DEFAULT_PRIVILEGED }),
    ),
  })),
  clients: clientKeys.map(checkedFolder),
  serverKeys: serverKey.map((source) => ({ source, key: readPem('--server-key', source, publicKey) })),
  own: [],
});

/** Says of a private key that cannot be used what is not verified without it; its public half is all that is wanted. */
type Spare = (it: {
  readonly source: string;
  readonly path: KeyPath;
  /** `replies to legacy clients` */
  readonly signs: string;
}) => KeyObject | undefined;

const spareWith =
  (parse: ParseFile): Spare =>
  ({ source, path, signs }) => {
    try {
      return parse(source, path, publicKey);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      process.stderr.write(`mcbridge: ${signs} are not verified: ${escapeControls(error.message)}\n`);
      return undefined;
    }
  };

/** What a side verifies with; and what it signs can be verified with the public halves of its own keys. */
const keysOfSide = (side: Side, parse: ParseFile): Found => {
  const callers: Callers[] = [];
  const clients: ClientKeys[] = [];
  const serverKeys: KnownKey[] = [];
  for (const use of side.adapter.keys()) {
    const { path: source, messages } = use;
    const path = [...pathOf(side), ...use.at];
    if (use.kind === 'ca')
      callers.push({
        source,
        verifier: parse(source, path, (ca) => createCallerVerifier({ ...use, ca: ca.toString() })),
      });
    else if (use.kind === 'public') serverKeys.push({ source, key: parse(source, path, publicKey) });
    else if (use.kind === 'folder' && use.holds !== 'certificates')
      clients.push(keyFolder(source, use.nameOf));
    else if (use.kind === 'private') {
      const { holder } = use;
      const signs =
        holder === undefined
          ? `replies to the legacy clients of ${side.adapter.name}`
          : `requests of ${holder}`;
      const key = spareWith(parse)({ source, path, signs });
      if (key === undefined) continue;
      if (messages === 'replies') serverKeys.push({ source, key });
      else
        clients.push({
          name: source,
          find: (callerId) => (callerId === holder ? { key, source } : undefined),
        });
    }
  }
  const { wire } = side.adapter;
  return { callers, clients, serverKeys, own: wire.format === 'own' ? [ownMessages(wire)] : [] };
};

const configured = async (file: string): Promise<readonly Found[]> => {
  try {
    const loaded = await loadUnconnected(file, process.env);
    const parse = fileParser(loaded);
    return ingressesFirst(loaded.config).map((side) => keysOfSide(side, parse));
  } catch (error) {
    // Here a configuration is a bunch of keys: one that cannot be read is wrong usage.
    throw error instanceof ConfigError ? new UsageError(error.message) : error;
  }
};

/** What messages are read and verified with. */
export interface Readers {
  readonly keys: Keys;
  readonly own: readonly Container[];
}

/**
 * The keys that the options name, and the formats. Keys given themselves are tried before those of a configuration.
 * @throws UsageError for what cannot be read, ConfigUnreadable
 */
export const readersFrom = async (options: KeyOptions): Promise<Readers> => {
  const found = [given(options), ...(options.config === undefined ? [] : await configured(options.config))];
  const clients = found.flatMap((it) => it.clients);
  const clientKey: Keys['clientKey'] = (callerId) => {
    for (const client of clients) {
      const known = client.find(callerId);
      if (known !== undefined) return known;
    }
    return {
      missing:
        clients.length === 0
          ? 'no key: give --client-keys or --config'
          : `no key for ${callerId} in ${clients.map(({ name }) => name).join(', ')}`,
    };
  };
  return {
    keys: {
      callers: found.flatMap((it) => it.callers),
      clientKey,
      serverKeys: found.flatMap((it) => it.serverKeys),
    },
    own: found.flatMap((it) => it.own),
  };
};
