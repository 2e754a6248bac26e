import type { KeyObject } from 'node:crypto';
import { Handled } from '../adapters/kit/handled.ts';
import type { Route } from '../bridge/bridge.ts';
import type { Stats } from '../bridge/stats.ts';
import { fileParser, fileReader } from '../config/files.ts';
import type { KeyFiles } from '../config/key-files.ts';
import type { Log } from '../envelope/log.ts';
import type { Egress } from '../envelope/port.ts';
import type { Inventory } from '../nodes/inventory.ts';
import { directoryOf } from '../nodes/residents.ts';
import type { SigningPool } from '../pki/signing-pool.ts';
import { aroundOf } from '../setup/around.ts';
import type { Config, LoadedConfig } from '../setup/types.ts';
import type { LinkPlace, LinkSide } from '../transport/spec.ts';
import type { LinkPlan } from './links.ts';
import { createNodes, type Nodes, patternsOf } from './nodes.ts';
import { known, routesOf } from './wiring.ts';

/** What outlives each configuration of an app. */
export interface Lasting {
  readonly log: Log;
  readonly stats: Stats;
  /** Ms since the epoch. */
  readonly clock: () => number;
  readonly random: (() => number) | undefined;
  /** Where each side's certificates and keys are. */
  readonly sideKeys: (place: LinkPlace) => KeyFiles;
  readonly tokenKey: KeyObject;
  readonly pool: SigningPool;
  readonly inventory: Inventory;
  /** How long copies of one request are collected, in ms. */
  readonly collect: number;
}

/** What one configuration makes of an app: its two sides, and what leads from one to the other. */
export interface Generation {
  readonly config: Config;
  readonly links: LinkPlan;
  readonly nodes: Nodes;
  /** By ingress; the next configuration goes on with it. */
  readonly handled: ReadonlyMap<string, Handled>;
  readonly routes: readonly Route[];
  /** Egresses that no route leads to. */
  readonly localOnly: readonly Egress[];
}

/**
 * Nothing is connected or changed by it.
 * @param before the one that it comes after
 * @throws ConfigError for a file that cannot be read or is not what it should be
 */
export const createGeneration = (
  loaded: LoadedConfig,
  links: LinkPlan,
  lasting: Lasting,
  before?: Generation,
): Generation => {
  const { config } = loaded;
  const { inventory } = lasting;
  const leaseOf = (name: string, side: LinkSide, onClosed?: () => void) =>
    known(
      links.find(({ spec }) => spec.name === name && spec.side === side),
      name,
    ).shared.lease(onClosed);
  const servicesOf = (place: LinkPlace) => {
    const keys = lasting.sideKeys(place);
    return { ...lasting, observer: lasting.stats, keys, parse: fileParser(loaded, fileReader(loaded, keys)) };
  };
  const patterns = patternsOf(config);
  const egresses = new Map(
    [...config.egresses].map(([name, { adapter }]) => {
      const nodes = directoryOf(inventory, name, patterns);
      const around = aroundOf(config, name, 'egress');
      const services = servicesOf({ name, side: 'egress' });
      return [name, adapter.create(around, { ...services, link: leaseOf(name, 'egress'), nodes })];
    }),
  );
  const nodes = createNodes(config, egresses, { ...lasting, inventory, before: before?.nodes });
  const handled = new Map(
    [...config.ingresses.keys()].map((name) => [name, before?.handled.get(name) ?? new Handled()]),
  );
  const ingresses = new Map(
    [...config.ingresses].map(([name, { adapter }]) => {
      const residents = nodes.residents(name);
      const link = leaseOf(name, 'ingress', () => residents.close());
      const own = { residents, handled: known(handled.get(name), name), link };
      const services = { ...servicesOf({ name, side: 'ingress' }), ...own };
      return [name, adapter.create(aroundOf(config, name, 'ingress'), services)];
    }),
  );
  return {
    config,
    links,
    nodes,
    handled,
    routes: routesOf(config, { ingresses, egresses }, loaded),
    localOnly: nodes.localOnly.map((name) => known(egresses.get(name), name)),
  };
};
