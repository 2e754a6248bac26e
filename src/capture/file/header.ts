import { randomBytes } from 'node:crypto';
import type { Config, LoadedConfig } from '../../setup/types.ts';
import { CASSETTE_VERSION, type CassetteHeader } from './format.ts';
import { configFingerprint, fingerprintsOf } from './keys.ts';

/** Each route in words: `federation (choria-federation) → legacy (mcollective-stomp, marshal): mcollective`. */
export const routesInWords = ({ routes, ingresses, egresses }: Config): readonly string[] =>
  routes.map(({ from, to, collectives, identities }) => {
    const [ingress, egress] = [ingresses.get(from), egresses.get(to)];
    const { length } = identities;
    const rules = length === 0 ? '' : `; ${length} identity rule${length === 1 ? '' : 's'}`;
    return `${from} (${ingress?.type}) → ${to} (${egress?.adapter.label}): ${collectives.join(', ')}${rules}`;
  });

export interface HeadersOptions {
  /** The program's version. */
  readonly version: string;
  /** Whether refusals are noted. */
  readonly rejections?: boolean;
  readonly note?: string;
}

/** What differs between the files of one recording. */
export interface HeaderParts {
  /** Of the first message, ms since the epoch. */
  readonly clock: number;
  readonly nodes?: CassetteHeader['nodes'];
}

/**
 * Makes the first lines of the files that are recorded with this configuration. Its file and its keys are read once, for
 * all of them.
 */
export const headersFor = (
  loaded: LoadedConfig,
  { version, rejections, note }: HeadersOptions,
): ((parts: HeaderParts) => CassetteHeader) => {
  const { identity, cluster, instance } = loaded.config;
  const sha256 = configFingerprint(loaded);
  const routes = [...routesInWords(loaded.config)];
  const seed = randomBytes(16).toString('hex');
  const keys = fingerprintsOf(loaded);
  return ({ clock, nodes = {} }) => ({
    cassette: CASSETTE_VERSION,
    created: new Date().toISOString(),
    by: `mcbridge ${version}`,
    config: { ...(sha256 !== undefined && { sha256 }), routes },
    bridge: { identity, cluster, instance },
    clock,
    seed,
    keys,
    nodes,
    ...(rejections !== undefined && { rejections }),
    ...(note !== undefined && { note }),
  });
};

/** The first line of a single cassette, see {@link headersFor}. */
export const headerFor = (loaded: LoadedConfig, options: HeadersOptions & HeaderParts): CassetteHeader =>
  headersFor(loaded, options)(options);
