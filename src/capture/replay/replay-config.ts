import { hostname } from 'node:os';
import { DISK, type KeyFiles, type StandIns, withStandIns } from '../../config/key-files.ts';
import { sidesOf } from '../../setup/sides.ts';
import type { Config, LoadedConfig } from '../../setup/types.ts';
import type { LinkPlace } from '../../transport/spec.ts';
import type { CassetteHeader } from '../file/format.ts';
import { signersIn } from './signers.ts';
import { type MadeKeys, throwAwayKeys } from './throw-away-keys.ts';
import { trustedOn } from './trust.ts';

/** Where a replay reads keys from. */
export interface ReplayKeys {
  /** Those of no side. */
  readonly keys: KeyFiles;
  readonly sideKeys: (place: LinkPlace) => KeyFiles;
}

/** A configuration as a replay runs it, and its keys. */
export interface ReplayConfig extends ReplayKeys {
  readonly loaded: LoadedConfig;
  /** Settings of private keys that others stand in for. */
  readonly made: ReadonlySet<string>;
}

/** Where the file leaves the identity to the host's name, a replay gives the same on every host. */
const named = (config: Config, { bridge }: CassetteHeader): Pick<Config, 'identity' | 'instance'> => {
  const here = hostname();
  return {
    identity: config.identity === here ? (bridge?.identity ?? here) : config.identity,
    instance: config.instance === here ? (bridge?.instance ?? here) : config.instance,
  };
};

export interface ReplayConfigOptions {
  /** The cassette. */
  readonly file: string;
  /** Whether private keys that are missing are made for the replay. */
  readonly throwAwayKeys: boolean;
}

const NONE: MadeKeys = { settings: new Set(), ofNoSide: new Map(), of: () => new Map() };

/**
 * What a replay of a cassette runs in: the configuration, with the keys that the cassette brings along.
 * @throws CassetteError where the cassette has to be looked through for what keys there were, or its keys do not fit
 */
export const replayConfigFor = async (
  loaded: LoadedConfig,
  header: CassetteHeader,
  { file, throwAwayKeys: makes }: ReplayConfigOptions,
): Promise<ReplayConfig> => {
  const config: Config = {
    ...loaded.config,
    ...named(loaded.config, header),
    // The cassette's clock does not go on while nothing comes.
    drainTimeout: 0,
  };
  const signersOn = (egress: string) => signersIn(file, egress);
  const made = makes ? await throwAwayKeys(config, { header, signersOn }) : NONE;
  const { trust } = header;
  // By side: one file may verify on one side, where the cassette has another, and sign on the other.
  const sides = new Map(
    sidesOf(config).map((side): [string, KeyFiles] => {
      const trusted: StandIns = trust === undefined ? { files: new Map() } : trustedOn(side, trust, file);
      const place = { side: side.kind, name: side.adapter.name };
      const files = new Map([...trusted.files, ...made.of(place)]);
      return [keyOf(place), withStandIns({ ...trusted, files }, DISK)];
    }),
  );
  return {
    loaded: { ...loaded, config },
    made: made.settings,
    keys: withStandIns({ files: made.ofNoSide }, DISK),
    sideKeys: (place) => sides.get(keyOf(place)) ?? DISK,
  };
};

const keyOf = ({ side, name }: LinkPlace): string => `${side} ${name}`;
