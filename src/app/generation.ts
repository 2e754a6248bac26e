import { Kept } from '../adapters/kit/kept.ts';
import type { RevocationStore } from '../adapters/kit/revocation-store.ts';
import type { Route } from '../bridge/bridge.ts';
import type { Stats } from '../bridge/stats.ts';
import { fileParser, fileReader, type ReadFile } from '../config/files.ts';
import type { KeyFiles } from '../config/key-files.ts';
import type { Log } from '../envelope/log.ts';
import type { Egress } from '../envelope/port.ts';
import { directoryOf } from '../nodes/directory.ts';
import type { Inventory } from '../nodes/inventory.ts';
import type { SigningPool } from '../pki/signing-pool.ts';
import { Decider } from '../policy/decider.ts';
import type { PolicyMemory } from '../policy/memory.ts';
import { adapterContextOf } from '../setup/sides.ts';
import type { Config, LoadedConfig } from '../setup/types.ts';
import type { LinkPlace, LinkSide } from '../transport/spec.ts';
import type { LinkPlan } from './links.ts';
import { createNodes, type Nodes, patternsOf } from './nodes.ts';
import { networkOf, type ReplyNetworks } from './reply-networks.ts';
import { egressKeysOf, type TokenKeys } from './token-keys.ts';
import { known, routesOf } from './wiring.ts';

/** The parts of an app that outlive each configuration. */
export interface Lasting {
  readonly log: Log;
  readonly stats: Stats;
  /** Ms since the epoch. */
  readonly clock: () => number;
  readonly random: (() => number) | undefined;
  readonly keys: KeyFiles;
  /** Where each side's certificates and keys are, where that is elsewhere. */
  readonly sideKeys: ((place: LinkPlace) => KeyFiles) | undefined;
  readonly pool: SigningPool;
  readonly revocation: RevocationStore;
  readonly inventory: Inventory;
  readonly networks: ReplyNetworks;
  /** What policies remember of requests. */
  readonly policyMemory: PolicyMemory;
  /** How long copies of one request are collected, in ms. */
  readonly collect: number;
}

/** What outlives each configuration, what reply tokens are authenticated with by now, and what reads files. */
type Made = Lasting & TokenKeys & { readonly read: ReadFile };

/** The parts of an app that one configuration makes: its two sides, and the routes between them. */
export interface Generation {
  readonly config: Config;
  readonly links: LinkPlan;
  readonly nodes: Nodes;
  /** By ingress; the next configuration goes on with it. */
  readonly kept: ReadonlyMap<string, Kept>;
  readonly routes: readonly Route[];
  /** Egresses that no route leads to. */
  readonly localOnly: readonly Egress[];
  /** Of one that is not taken over: its adapters are told of nothing any more. */
  discard(): Promise<void>;
}

/** What keeps `before` in a closure of its own would keep all configurations before it as well. */
const keptAfter = (config: Config, before: Pick<Generation, 'kept'> | undefined): Map<string, Kept> =>
  new Map([...config.ingresses.keys()].map((name) => [name, before?.kept.get(name) ?? new Kept()]));

/**
 * Nothing is connected or changed by it.
 * @param before the one that it comes after
 * @throws ConfigError for a file that cannot be read or is not what it should be
 */
export const createGeneration = (
  loaded: LoadedConfig,
  links: LinkPlan,
  lasting: Made,
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
    const keys = lasting.sideKeys?.(place) ?? lasting.keys;
    // A side may have files of its own.
    const read = lasting.sideKeys === undefined ? lasting.read : fileReader(loaded, keys);
    return { ...lasting, observer: lasting.stats, keys, parse: fileParser(loaded, read) };
  };
  const patterns = patternsOf(config);
  const egresses = new Map(
    [...config.egresses].map(([name, { adapter }]) => {
      const nodes = directoryOf(inventory, name, patterns);
      const around = adapterContextOf(config, name, 'egress');
      const services = servicesOf({ name, side: 'egress' });
      const tokenKeys = egressKeysOf(lasting, networkOf(config, name), () => lasting.networks.at(name));
      return [
        name,
        adapter.create(around, { ...services, ...tokenKeys, link: leaseOf(name, 'egress'), nodes }),
      ];
    }),
  );
  const nodes = createNodes(config, egresses, { ...lasting, inventory, before: before?.nodes });
  const kept = keptAfter(config, before);
  const ingresses = new Map(
    [...config.ingresses].map(([name, { adapter }]) => {
      const remoteNodes = nodes.remoteNodes(name);
      const link = leaseOf(name, 'ingress', () => remoteNodes.close());
      const own = { remoteNodes, kept: known(kept.get(name), name), link };
      const services = { ...servicesOf({ name, side: 'ingress' }), ...own };
      return [name, adapter.create(adapterContextOf(config, name, 'ingress'), services)];
    }),
  );
  const policies = new Map(
    [...loaded.policies].map(([name, policy]) => [
      name,
      new Decider({
        policy,
        memory: lasting.policyMemory,
        known: (egress, collective) => inventory.learned(egress, collective).size,
        clock: lasting.clock,
      }),
    ]),
  );
  return {
    config,
    links,
    nodes,
    kept,
    routes: routesOf(config, { ingresses, egresses }, loaded, policies),
    localOnly: nodes.localOnly.map((name) => known(egresses.get(name), name)),
    discard: async () => {
      await Promise.all([...ingresses.values(), ...egresses.values()].map((one) => one.close()));
    },
  };
};
