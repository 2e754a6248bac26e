import { RevocationStore } from '../adapters/kit/revocation-store.ts';
import type { Log } from '../envelope/log.ts';
import { sidesOf } from '../setup/sides.ts';
import type { ListFile } from '../telemetry/metrics.ts';
import type { LinkPlace } from '../transport/spec.ts';
import type { Generation, Lasting } from './generation.ts';

/** The revocation lists of an app; without a network it is a replay's. */
export const listStore = (log: Log, offline: true | undefined): RevocationStore =>
  new RevocationStore({ log, isReplay: offline === true });

/** The files with revocation lists that callers and brokers are looked up in, each once. */
export const listFiles = (
  { config, links }: Pick<Generation, 'config' | 'links'>,
  { revocation, keys, sideKeys }: Pick<Lasting, 'revocation' | 'keys' | 'sideKeys'>,
): readonly ListFile[] => {
  const found = new Map<string, number>();
  const add = (file: string, place: LinkPlace): void => {
    const nextUpdate = revocation.nextUpdate(file, sideKeys?.(place) ?? keys);
    if (nextUpdate !== undefined) found.set(file, nextUpdate);
  };
  for (const { kind: side, adapter } of sidesOf(config))
    for (const { kind, path } of adapter.keys()) if (kind === 'crl') add(path, { name: adapter.name, side });
  for (const { spec } of links) for (const file of spec.lists ?? []) add(file, spec);
  return [...found].map(([file, nextUpdate]) => ({ file, nextUpdate }));
};
