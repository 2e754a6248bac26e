import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config, EgressConfig, IngressConfig, LoadedConfig, Named } from '../../setup/types.ts';
import type { CassetteHeader, CassetteTrust } from '../file/format.ts';
import { signersIn } from './signers.ts';
import { withThrowAwayKeys } from './throw-away-keys.ts';

/** A configuration as a replay runs it, and what has to be cleared away after it. */
export interface Surroundings {
  readonly loaded: LoadedConfig;
  /** Settings of private keys that others stand in for. */
  readonly made: ReadonlySet<string>;
  dispose(): void;
}

/** Nothing is connected to, so files that only a connection needs, such as a client's key, need not be there. */
const offline = <T extends Named<IngressConfig | EgressConfig>>(it: T): T =>
  it.type === 'mcollective-stomp'
    ? { ...it, servers: it.servers.map((server) => ({ ...server, tls: false })) }
    : { ...it, tls: undefined, nkey: undefined, credentials: undefined };

const mapped = <T>(all: ReadonlyMap<string, T>, change: (it: T) => T): ReadonlyMap<string, T> =>
  new Map([...all].map(([name, it]) => [name, change(it)]));

/** Where the file leaves the identity to the host's name, a replay gives the same on every host. */
const named = (config: Config, { bridge }: CassetteHeader): Pick<Config, 'identity' | 'instance'> => {
  const here = hostname();
  return {
    identity: config.identity === here ? (bridge?.identity ?? here) : config.identity,
    instance: config.instance === here ? (bridge?.instance ?? here) : config.instance,
  };
};

/** The keys of a cassette that was redacted, in files for the configuration to name. */
const withTrust = (config: Config, trust: CassetteTrust, folder: string): Config => {
  const write = (pem: string, ...names: readonly string[]): string => {
    const file = join(folder, names.join('-'));
    writeFileSync(file, pem);
    return file;
  };
  const callersOf = (name: string, callers: Readonly<Record<string, string>>): string => {
    const keys = mkdtempSync(join(folder, `${name}-`));
    // A name is one of a caller, never a way out of the folder.
    for (const [caller, pem] of Object.entries(callers))
      if (/^[\w.-]+$/.test(caller)) writeFileSync(join(keys, `${caller}.pem`), pem);
    return keys;
  };
  const ingress = (it: Named<IngressConfig>): Named<IngressConfig> => {
    const { ca, callers } = trust.ingresses?.[it.name] ?? {};
    if (it.type === 'mcollective-stomp')
      return callers === undefined
        ? it
        : { ...it, callers: { ...it.callers, keysDir: callersOf(it.name, callers) } };
    return ca === undefined ? it : { ...it, callers: { ...it.callers, ca: write(ca, it.name, 'ca.pem') } };
  };
  const egress = (it: Named<EgressConfig>): Named<EgressConfig> => {
    const keys = trust.egresses?.[it.name]?.server_public_key;
    return it.type !== 'mcollective-stomp' || keys === undefined
      ? it
      : { ...it, serverPublicKeys: keys.map((pem, i) => write(pem, it.name, `server-${i}.pem`)) };
  };
  return {
    ...config,
    ingresses: mapped(config.ingresses, ingress),
    egresses: mapped(config.egresses, egress),
  };
};

export interface SurroundingsOptions {
  /** The cassette. */
  readonly file: string;
  /** Whether private keys that are missing are made for the replay. */
  readonly throwAwayKeys: boolean;
}

/**
 * The configuration for a replay of a cassette: offline, with the keys that the cassette brings along.
 * @throws CassetteError where the cassette has to be looked through for what keys there were
 */
export const surroundingsFor = async (
  loaded: LoadedConfig,
  header: CassetteHeader,
  { file, throwAwayKeys }: SurroundingsOptions,
): Promise<Surroundings> => {
  const { config } = loaded;
  const plain: Config = {
    ...config,
    ...named(config, header),
    // The cassette's clock does not go on while nothing comes.
    drainTimeout: 0,
    ingresses: mapped(config.ingresses, offline),
    egresses: mapped(config.egresses, offline),
  };
  const nothing: ReadonlySet<string> = new Set();
  if (header.trust === undefined && !throwAwayKeys)
    return { loaded: { ...loaded, config: plain }, made: nothing, dispose: () => undefined };
  const folder = mkdtempSync(join(tmpdir(), 'mcbridge-replay-'));
  const dispose = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const trusting = header.trust === undefined ? plain : withTrust(plain, header.trust, folder);
    const signersOn = (egress: string) => signersIn(file, egress);
    const { config: whole, made } = throwAwayKeys
      ? await withThrowAwayKeys(trusting, { header, signersOn, folder })
      : { config: trusting, made: nothing };
    return { loaded: { ...loaded, config: whole }, made, dispose };
  } catch (error) {
    dispose();
    throw error;
  }
};
