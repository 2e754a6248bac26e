import type { KeyObject } from 'node:crypto';
import type { Log } from '../bridge/log.ts';
import type { Stats } from '../bridge/stats.ts';
import type { ChoriaConnection } from '../config/choria-connection.ts';
import type { ParseFile, ReadFile } from '../config/files.ts';
import { natsLinkOptions, stompLinkOptions } from '../config/link-options.ts';
import type { StompConnection } from '../config/stomp-connection.ts';
import type { Config, EgressConfig, IngressConfig, Named } from '../config/types.ts';
import type { Inventory } from '../inventory/inventory.ts';
import { type MeteredLink, meterLink, type Side } from '../stats/meter.ts';
import type { Link, LinkEvent, LinkListener, Right } from '../transport/link.ts';
import { createNatsLink } from '../transport/nats/index.ts';
import type { NatsLinkOptions } from '../transport/nats/options.ts';
import { createStompLink } from '../transport/stomp/index.ts';
import type { StompLinkOptions } from '../transport/stomp/options.ts';
import { isStatsSubject } from '../wire/choria/index.ts';
import type { SigningPool } from '../wire/signing-pool.ts';
import { Reminders } from './reminders.ts';

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

/** Routes that start or end there. */
const endsOf = (name: string, side: Side, { routes }: Config) =>
  routes.filter(({ from, to }) => name === (side === 'federation' ? from : to));

/** The link as its adapter gets it: counted, for whatever tells how the bridge is. */
const metered = (link: Link, name: string, side: Side, { config, clock, links }: Surroundings): Link => {
  const clusters = endsOf(name, side, config).map(({ from }) => clusterOf(config, from));
  const counted = meterLink(link, { name, side, clusters: [...new Set(clusters)], clock });
  links.push(counted);
  return counted.link;
};

/** The cluster that an ingress belongs to: its own where it is a federation's, else the bridge's. */
export const clusterOf = ({ ingresses, cluster }: Config, ingress: string): string => {
  const it = ingresses.get(ingress);
  return it?.type === 'choria-federation' ? it.cluster : cluster;
};

const sideOf = (type: 'ingress' | 'egress'): Side => (type === 'ingress' ? 'federation' : 'collective');

type Kind = 'ingress' | 'egress';

export const natsLink = (
  it: Named<Extract<IngressConfig | EgressConfig, ChoriaConnection>>,
  kind: Kind,
  around: Surroundings,
): Link => {
  const { config, read, clock, transports } = around;
  const options = { ...natsLinkOptions(it, config, read), clock, onEvent: listener(it.name, around) };
  return metered(transports.nats(options, it.name), it.name, sideOf(kind), around);
};

export const stompLink = (
  it: Named<Extract<IngressConfig | EgressConfig, StompConnection>>,
  kind: Kind,
  around: Surroundings,
): Link => {
  const { config, read, clock, transports } = around;
  const options = { ...stompLinkOptions(it, config, read), clock, onEvent: listener(it.name, around) };
  return metered(transports.stomp(options, it.name), it.name, sideOf(kind), around);
};

/** Whether a route uses it. */
export const isUsed = ({ name, side }: MeteredLink, config: Config): boolean =>
  endsOf(name, side, config).length > 0;

const keyOf = ({ kind, destination, group = '' }: Right): string => `${kind} ${destination} ${group}`;

/** A link's events as log lines and counters. */
const listener = (link: string, { log, stats, clock }: Surroundings): LinkListener => {
  const reminders = new Reminders(clock);
  return (event: LinkEvent) => {
    switch (event.kind) {
      case 'connected':
        log.info({ event: 'connected', link, server: event.server, note: event.note }, 'connected');
        break;
      case 'disconnected':
        log.warn({ event: 'disconnected', link, server: event.server, reason: event.reason }, 'disconnected');
        break;
      case 'retry':
        log.warn(
          {
            event: 'connection_failed',
            link,
            server: event.server,
            reason: event.reason,
            hint: event.hint,
            delay_ms: event.delay,
          },
          'connection failed, trying again',
        );
        break;
      case 'denied':
        if (reminders.isDue(keyOf(event.right)))
          log.warn(
            {
              event: 'not_permitted',
              link,
              destination: event.right.destination,
              reason: event.error.message,
              hint: event.error.hint(),
            },
            'the broker does not permit it, trying again',
          );
        break;
      case 'granted':
        if (reminders.isOver(keyOf(event.right)))
          log.info(
            { event: 'permitted', link, destination: event.right.destination },
            'the broker permits it now',
          );
        break;
      case 'expired':
        // Nobody sent it, and the next one says more.
        if (isStatsSubject(event.destination)) break;
        stats.expired(event.count);
        log.warn(
          { event: 'expired', link, destination: event.destination, count: event.count },
          'expired while waiting for the connection',
        );
        break;
      case 'error':
        log.error({ event: 'link_error', link, err: event.error }, 'link error');
        break;
    }
  };
};
