import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { callersCaPath } from '../../adapters/choria/callers-config.ts';
import { createCallerVerifier, DEFAULT_ALLOW, DEFAULT_PRIVILEGED } from '../../adapters/choria/wire/index.ts';
import { withMadeUpVariables } from '../../capture/replay/made-up-variables.ts';
import { fileParser, type ParseFile, parseFailure, readFailure } from '../../config/files.ts';
import { ConfigError, type KeyPath } from '../../config/problem.ts';
import { isCallerId } from '../../envelope/check.ts';
import type { Keys, KnownKey } from '../../inspect/keys.ts';
import { loadConfig } from '../../setup/load.ts';
import type { Config } from '../../setup/types.ts';
import { harmless } from '../terminal.ts';
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

/** `<folder>/<name>.pem` for `cert=<name>`, read when asked for. The names are safe: `isCallerId` knows no slashes. */
const keyFolder = (folder: string): ClientKeys => ({
  name: folder,
  find: (callerId) => {
    if (!isCallerId(callerId) || !callerId.startsWith('cert=')) return undefined;
    const source = join(folder, `${callerId.slice('cert='.length)}.pem`);
    try {
      return { key: publicKey(readFileSync(source)), source };
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      return { missing: `the key ${source} cannot be used: ${readFailure(error)}` };
    }
  },
});

/** @throws UsageError where it is no folder */
const checkedFolder = (folder: string): ClientKeys => {
  try {
    if (statSync(folder).isDirectory()) return keyFolder(folder);
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
      process.stderr.write(`mcbridge: ${signs} are not verified: ${harmless(error.message)}\n`);
      return undefined;
    }
  };

/** Callers of Choria are known by a CA, legacy ones by a folder of keys; replies to these are signed with the daemons' key. */
const ingressKeys = ({ ingresses }: Config, parse: ParseFile): Found => {
  const callers: Callers[] = [];
  const clients: ClientKeys[] = [];
  const serverKeys: KnownKey[] = [];
  for (const it of ingresses.values()) {
    const path = ['ingresses', it.name];
    if (it.type === 'mcollective-stomp') {
      const { serverPrivateKey: source } = it;
      const signs = `replies to the legacy clients of ${it.name}`;
      const key = spareWith(parse)({ source, path: [...path, 'server_private_key'], signs });
      clients.push(keyFolder(it.callers.keysDir));
      if (key !== undefined) serverKeys.push({ source, key });
    } else {
      const { ca: source } = it.callers;
      const verifier = parse(source, callersCaPath(it.name, it), (ca) =>
        createCallerVerifier({ ...it.callers, ca: ca.toString() }),
      );
      callers.push({ source, verifier });
    }
  }
  return { callers, clients, serverKeys };
};

/** What the bridge signs towards legacy nodes can be verified with the public halves of its own keys. */
const egressKeys = ({ egresses }: Config, parse: ParseFile): Found => {
  const legacy = [...egresses.values()].flatMap((it) => (it.type === 'mcollective-stomp' ? [it] : []));
  return {
    callers: [],
    clients: legacy.flatMap(({ name, signing }): readonly ClientKeys[] => {
      if (signing.kind === 'keys') return [keyFolder(signing.folder)];
      const { callerid, privateKey: source } = signing;
      const path = ['egresses', name, 'signing', 'private_key'];
      const key = spareWith(parse)({ source, path, signs: `requests of ${callerid}` });
      if (key === undefined) return [];
      return [{ name: source, find: (callerId) => (callerId === callerid ? { key, source } : undefined) }];
    }),
    serverKeys: legacy.flatMap(({ name, serverPublicKeys }) =>
      serverPublicKeys.map((source) => ({
        source,
        key: parse(source, ['egresses', name, 'server_public_key'], publicKey),
      })),
    ),
  };
};

const configured = (file: string): readonly Found[] => {
  try {
    const loaded = loadConfig(file, withMadeUpVariables(file, process.env));
    const parse = fileParser(loaded);
    return [ingressKeys(loaded.config, parse), egressKeys(loaded.config, parse)];
  } catch (error) {
    // Here a configuration is a bunch of keys: one that cannot be read is wrong usage.
    throw error instanceof ConfigError ? new UsageError(error.message) : error;
  }
};

/**
 * The keys that the options name. Those given themselves are tried before those of a configuration.
 * @throws UsageError for what cannot be read, ConfigUnreadable
 */
export const keysFrom = (options: KeyOptions): Keys => {
  const found = [given(options), ...(options.config === undefined ? [] : configured(options.config))];
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
    callers: found.flatMap((it) => it.callers),
    clientKey,
    serverKeys: found.flatMap((it) => it.serverKeys),
  };
};
