import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { certificateNames } from '../adapters/choria/wire/index.ts';
import type { Registry } from '../adapters/registry.ts';
import { type IsUnused, withMadeUpVariables } from '../capture/replay/placeholder-variables.ts';
import { fileReader, readFailure } from '../config/files.ts';
import { isToken } from '../envelope/check.ts';
import { Rejection } from '../envelope/rejection.ts';
import { quoted } from '../envelope/text.ts';
import { loadClientAccess, NoClientAccess } from '../setup/client-access.ts';
import { loadRegistry } from '../setup/load-registry.ts';
import type { NatsLinkOptions, NatsTls } from '../transport/nats/options.ts';
import { TLS_VERSIONS, type TlsVersion } from '../transport/tls/settings.ts';
import { UsageError } from './usage.ts';

/** What `addConnectionOptions` makes of the command line. */
export interface ConnectionOptions {
  readonly server?: readonly string[];
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly federation?: readonly string[];
  readonly collective: string;
  readonly config?: string;
  readonly insecurePlaintext?: true;
  readonly tlsMinVersion?: TlsVersion;
  readonly tlsCiphers?: string;
}

/** Where to connect to, and what to speak of there. */
export interface Network {
  /** All but `onEvent`; with `failFast`, so that a wrong setting ends the command. */
  readonly linkOptions: Omit<NatsLinkOptions, 'onEvent'>;
  /** Clusters whose brokers carry requests; none: the nodes are on this very network. */
  readonly federation: readonly string[];
  readonly collective: string;
}

/** A network, and who speaks on it. */
export interface Connection extends Network {
  /** PEM. */
  readonly certificate: string;
  /** PEM. */
  readonly key: string;
  /** `choria=<first name of the certificate>`. */
  readonly callerid: string;
}

type Env = Readonly<Record<string, string | undefined>>;

const list = (text: string): readonly string[] =>
  text
    .split(/[\s,]+/)
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');

const collect = (text: string, earlier: readonly string[] = []): readonly string[] => [
  ...earlier,
  ...list(text),
];

/** The options that every command shares which connects as a Choria client does. */
export const addConnectionOptions = (command: Command): Command =>
  command
    .option(
      '--server <url>',
      'NATS server, nats://host:4222 or wss://host; repeat or separate by commas',
      collect,
    )
    .option('--ca <file>', 'PEM file of the CA that the servers are checked against')
    .option('--cert <file>', 'PEM file of your certificate, which connects and signs')
    .option('--key <file>', 'PEM file of its private key')
    .option('--federation <cluster,...>', 'send by the brokers of these clusters', collect)
    .option('-T, --collective <name>', 'collective to speak to', 'mcollective')
    .option(
      '-c, --config <bridge.yaml>',
      'take servers, TLS files and cluster of its first ingress for Choria clients, unless given otherwise',
    )
    .option('--insecure-plaintext', 'connect without TLS')
    .addOption(
      new Option('--tls-min-version <version>', 'for old servers: the oldest TLS to accept').choices(
        TLS_VERSIONS,
      ),
    )
    .option('--tls-ciphers <list>', "for old servers: OpenSSL's list, such as DEFAULT@SECLEVEL=0");

/** For the help of such a command. */
export const CONNECTION_HELP = `
MCBRIDGE_SERVER, MCBRIDGE_CA, MCBRIDGE_CERT and MCBRIDGE_KEY in the environment stand for --server, --ca, --cert and
--key; an option counts more than the environment, the environment more than --config.`;

/** For a sentence that misses something: one that is set but empty counts as not set. */
const emptyOf = (name: string, env: Env): string =>
  env[name]?.trim() === '' ? ` (the environment variable ${name} is set but empty)` : '';

/** @param from the option or variable that names it */
const readPem = (from: string, file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${from} ${file} cannot be read: ${readFailure(error)}`);
  }
};

/**
 * A configuration's connection for clients, as link options, and whose brokers carry requests there.
 * @param given what the user has given besides, so that the bridge's own file of it is not read
 */
const fromConfig = async (file: string, given: ReadonlySet<string>, env: Env) => {
  const registry = await loadRegistry(file, env);
  // Servers that are given replace those of the file.
  const variables = given.has('servers') ? withMadeUpVariables(file, env, registry, isServers) : env;
  const loaded = clientAccess(file, variables, registry);
  const { access, identity } = loaded.value;
  const read = fileReader(loaded);
  return {
    link: access.settings({ identity }, (name, path) =>
      given.has(String(path.at(-1))) ? Buffer.alloc(0) : read(name, path),
    ),
    federation: access.federation,
  };
};

const isServers: IsUnused = (key) => key === 'servers';

const clientAccess = (file: string, env: Env, registry: Registry) => {
  try {
    return loadClientAccess(file, env, registry);
  } catch (error) {
    throw error instanceof NoClientAccess ? new UsageError(error.message) : error;
  }
};

const checkName = (option: string, name: string): string => {
  if (!isToken(name)) throw new UsageError(`${option} ${quoted(name)} is not a name`);
  return name;
};

const tlsOf = (given: Partial<NatsTls>, plaintext: boolean, env: Env): NatsTls | undefined => {
  const { ca, cert, key, minVersion, ciphers, revocation } = given;
  if (plaintext) return undefined;
  if (ca === undefined)
    throw new UsageError(
      `no CA: give --ca, MCBRIDGE_CA or --config (or --insecure-plaintext)${emptyOf('MCBRIDGE_CA', env)}`,
    );
  if ((cert === undefined) !== (key === undefined)) {
    const missing = cert === undefined ? 'MCBRIDGE_CERT' : 'MCBRIDGE_KEY';
    throw new UsageError(`--cert and --key belong together: give both${emptyOf(missing, env)}`);
  }
  return {
    ca,
    verify: true,
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(minVersion === undefined ? {} : { minVersion }),
    ...(ciphers === undefined ? {} : { ciphers }),
    ...(revocation === undefined ? {} : { revocation }),
  };
};

/** Options, environment and configuration as one. */
const gather = async (options: ConnectionOptions, env: Env) => {
  const pem = (name: 'ca' | 'cert' | 'key'): string | undefined => {
    const file = options[name] ?? env[`MCBRIDGE_${name.toUpperCase()}`];
    const from = options[name] === undefined ? `MCBRIDGE_${name.toUpperCase()}` : `--${name}`;
    return file === undefined || file.trim() === '' ? undefined : readPem(from, file);
  };
  const own = { ca: pem('ca'), cert: pem('cert'), key: pem('key') };
  const isOwnPair = own.cert !== undefined || own.key !== undefined;
  const servers = options.server ?? list(env['MCBRIDGE_SERVER'] ?? '');
  const given = new Set([
    ...(own.ca === undefined && options.insecurePlaintext !== true ? [] : ['ca']),
    ...(isOwnPair ? ['cert', 'key'] : []),
    ...(servers.length === 0 ? [] : ['servers']),
  ]);
  const config = options.config === undefined ? undefined : await fromConfig(options.config, given, env);
  // A certificate and a key of two places would be two halves of different pairs.
  const pair = isOwnPair ? own : config?.link.tls;
  const ca = own.ca ?? config?.link.tls?.ca;
  const minVersion = options.tlsMinVersion ?? config?.link.tls?.minVersion;
  const ciphers = options.tlsCiphers ?? config?.link.tls?.ciphers;
  const plaintext =
    options.insecurePlaintext === true ||
    (config !== undefined && config.link.tls === undefined && own.ca === undefined);
  return {
    config,
    plaintext,
    servers: servers.length === 0 ? (config?.link.servers ?? []) : servers,
    pems: {
      ...(ca === undefined ? {} : { ca }),
      ...(pair?.cert === undefined ? {} : { cert: pair.cert }),
      ...(pair?.key === undefined ? {} : { key: pair.key }),
    },
    floor: {
      ...(minVersion === undefined ? {} : { minVersion }),
      ...(ciphers === undefined ? {} : { ciphers }),
      // Lists are of the CA that stands beside them.
      ...(own.ca === undefined && config?.link.tls?.revocation && { revocation: config.link.tls.revocation }),
    },
  };
};

const networkOf = (
  options: ConnectionOptions,
  given: Awaited<ReturnType<typeof gather>>,
  env: Env,
): Network => {
  const { config, servers, plaintext, pems, floor } = given;
  if (servers.length === 0)
    throw new UsageError(
      `no server: give --server nats://host:4222, MCBRIDGE_SERVER or --config${emptyOf('MCBRIDGE_SERVER', env)}`,
    );
  const tls = tlsOf({ ...pems, ...floor }, plaintext, env);
  const federation = options.federation ?? config?.federation ?? [];
  return {
    linkOptions: {
      ...config?.link,
      // Choria writes nats:// and means TLS; asked for as tls://, a server that offers none is refused.
      servers: servers.map((url) =>
        tls === undefined ? url : url.replace(/^(nats:\/\/)?(?!tls:|wss:)/, 'tls://'),
      ),
      name: 'mcbridge client',
      failFast: true,
      ...(tls === undefined ? {} : { tls }),
    },
    federation: federation.map((cluster) => checkName('--federation', cluster)),
    collective: checkName('--collective', options.collective),
  };
};

/**
 * Where to connect to, for a command that only listens.
 * @throws UsageError, ConfigError, ConfigUnreadable
 */
export const networkFrom = async (options: ConnectionOptions, env: Env = process.env): Promise<Network> =>
  networkOf(options, await gather(options, env), env);

const privateKeyOf = (pem: string): KeyObject => {
  try {
    return createPrivateKey(pem);
  } catch {
    throw new UsageError('--key holds no private key in PEM that can be read without a password');
  }
};

const nameOf = (certificate: string): string => {
  try {
    const [name] = certificateNames(certificate);
    if (name === undefined) throw new UsageError('--cert has no name of letters, digits, _ - and .');
    return name;
  } catch (error) {
    throw error instanceof Rejection ? new UsageError(`--cert: ${error.message}`) : error;
  }
};

/**
 * Where to connect to and as whom, for a command that sends requests.
 * @throws UsageError, ConfigError, ConfigUnreadable
 */
export const connectionFrom = async (
  options: ConnectionOptions,
  env: Env = process.env,
): Promise<Connection> => {
  const given = await gather(options, env);
  const network = networkOf(options, given, env);
  const { cert: certificate, key } = given.pems;
  if (certificate === undefined || key === undefined)
    throw new UsageError(
      'requests are signed: give --cert and --key, or MCBRIDGE_CERT and MCBRIDGE_KEY' +
        `${emptyOf('MCBRIDGE_CERT', env)}${emptyOf('MCBRIDGE_KEY', env)}`,
    );
  const name = nameOf(certificate);
  if (!new X509Certificate(certificate).checkPrivateKey(privateKeyOf(key)))
    throw new UsageError('--key does not belong to --cert');
  return {
    ...network,
    linkOptions: { ...network.linkOptions, name },
    certificate,
    key,
    callerid: `choria=${name}`,
  };
};
