import type { KeyObject } from 'node:crypto';
import type { Requirement } from '../adapter/requirement.ts';
import type { Log } from '../bridge/log.ts';
import type { Stats } from '../bridge/stats.ts';
import type { ChoriaConnection } from '../config/choria-connection.ts';
import type { ParseFile, ReadFile } from '../config/files.ts';
import { natsLinkOptions, stompLinkOptions } from '../config/link-options.ts';
import type { StompConnection } from '../config/stomp-connection.ts';
import type { Config, EgressConfig, IngressConfig, Named } from '../config/types.ts';
import type { Inventory } from '../inventory/inventory.ts';
import { type MeteredLink, meterLink } from '../stats/meter.ts';
import type { Link } from '../transport/link.ts';
import { grantOf as natsGrant } from '../transport/nats/grant.ts';
import { createNatsLink } from '../transport/nats/index.ts';
import type { NatsLinkOptions } from '../transport/nats/options.ts';
import { grantOf as stompGrant } from '../transport/stomp/grant.ts';
import { createStompLink } from '../transport/stomp/index.ts';
import type { StompLinkOptions } from '../transport/stomp/options.ts';
import type { SigningPool } from '../wire/signing-pool.ts';
import { linkLog } from './link-log.ts';
import { egressRequirements, ingressRequirements } from './requirements.ts';
import { clustersAt, endsOf, type Kind } from './routes.ts';

/** Where links come from: real brokers, or whatever takes their place where there is no network. */
export interface Transports {
  nats(options: NatsLinkOptions, name: string): Link;
  stomp(options: StompLinkOptions, name: string): Link;
}

export const BROKERS: Transports = { nats: createNatsLink, stomp: createStompLink };

/** What every part of one bridge shares. */
export interface Surroundings {
  readonly config: Config;
  readonly read: ReadFile;
  readonly parse: ParseFile;
  readonly log: Log;
  readonly stats: Stats;
  /** Ms since the epoch. */
  readonly clock: () => number;
  readonly tokenKey: KeyObject;
  readonly pool: SigningPool;
  readonly transports: Transports;
  readonly links: MeteredLink[];
  readonly inventory: Inventory;
  /** How long copies of one request are collected, in ms. */
  readonly collect: number;
}

/** The link as its adapter gets it: counted, for whatever tells how the bridge is. */
const metered = (link: Link, name: string, kind: Kind, { config, clock, links }: Surroundings): Link => {
  const side = kind === 'ingress' ? 'federation' : 'collective';
  const counted = meterLink(link, { name, side, clusters: clustersAt(name, kind, config), clock });
  links.push(counted);
  return counted.link;
};

const needsOf = (
  it: Named<IngressConfig | EgressConfig>,
  kind: Kind,
  config: Config,
): readonly Requirement[] =>
  kind === 'ingress' ? ingressRequirements(it.name, config) : egressRequirements(it.name, config);

export const natsLink = (
  it: Named<Extract<IngressConfig | EgressConfig, ChoriaConnection>>,
  kind: Kind,
  around: Surroundings,
): Link => {
  const { config, read, clock, transports } = around;
  const { rights, onEvent } = linkLog(it.name, needsOf(it, kind, config), natsGrant, around);
  const options = { ...natsLinkOptions(it, config, read), clock, onEvent };
  return metered(rights.watch(transports.nats(options, it.name)), it.name, kind, around);
};

export const stompLink = (
  it: Named<Extract<IngressConfig | EgressConfig, StompConnection>>,
  kind: Kind,
  around: Surroundings,
): Link => {
  const { config, read, clock, transports } = around;
  const { rights, onEvent } = linkLog(it.name, needsOf(it, kind, config), stompGrant, around);
  const options = { ...stompLinkOptions(it, config, read), clock, onEvent };
  return metered(rights.watch(transports.stomp(options, it.name)), it.name, kind, around);
};

/** Whether a route uses it. */
export const isUsed = ({ name, side }: MeteredLink, config: Config): boolean =>
  endsOf(name, side === 'federation' ? 'ingress' : 'egress', config).length > 0;
