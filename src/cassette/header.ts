import { randomBytes } from 'node:crypto';
import type { LoadedConfig } from '../config/load.ts';
import type { Config } from '../config/types.ts';
import { CASSETTE_VERSION, type CassetteHeader } from './format.ts';
import { configFingerprint, fingerprintsOf } from './keys.ts';

/** Each route in words: `federation (choria-federation) → legacy (mcollective-stomp, marshal): mcollective`. */
export const routesInWords = ({ routes, ingresses, egresses }: Config): readonly string[] =>
  routes.map(({ from, to, collectives, identities }) => {
    const [ingress, egress] = [ingresses.get(from), egresses.get(to)];
    const dialect = egress?.type === 'mcollective-stomp' ? `, ${egress.serializer}` : '';
    const rules = identities.length === 0 ? '' : `; ${identities.length} identity rules`;
    return `${from} (${ingress?.type}) → ${to} (${egress?.type}${dialect}): ${collectives.join(', ')}${rules}`;
  });

export interface HeaderOptions {
  /** The program's version. */
  readonly version: string;
  /** Of the first message, ms since the epoch. */
  readonly clock: number;
  readonly nodes?: CassetteHeader['nodes'];
  readonly trust?: CassetteHeader['trust'];
  readonly rejections?: boolean;
  readonly note?: string;
}

/** The first line of a cassette that is made now, with this configuration. */
export const headerFor = (loaded: LoadedConfig, options: HeaderOptions): CassetteHeader => {
  const { version, clock, nodes = {}, trust, rejections, note } = options;
  const { identity, cluster, instance } = loaded.config;
  const sha256 = configFingerprint(loaded);
  return {
    cassette: CASSETTE_VERSION,
    created: new Date().toISOString(),
    by: `mcbridge ${version}`,
    config: { ...(sha256 !== undefined && { sha256 }), routes: [...routesInWords(loaded.config)] },
    bridge: { identity, cluster, instance },
    clock,
    seed: randomBytes(16).toString('hex'),
    keys: fingerprintsOf(loaded),
    ...(trust !== undefined && { trust }),
    nodes,
    ...(rejections !== undefined && { rejections }),
    ...(note !== undefined && { note }),
  };
};
