import type { Log } from '../bridge/log.ts';
import type { Stats } from '../bridge/stats.ts';
import type { ReadFile } from '../config/files.ts';
import { natsLinkOptions, stompLinkOptions } from '../config/link-options.ts';
import type { Config, EgressConfig, IngressConfig, Named } from '../config/types.ts';
import { type MeteredLink, meterLink } from '../stats/meter.ts';
import type { Link, LinkListener, Right } from '../transport/link.ts';
import { grantOf as natsGrant } from '../transport/nats/grant.ts';
import type { NatsLinkOptions } from '../transport/nats/options.ts';
import { grantOf as stompGrant } from '../transport/stomp/grant.ts';
import type { StompLinkOptions } from '../transport/stomp/options.ts';
import type { LinkSide, Transports } from '../transport/transports.ts';
import { linkLog } from './link-log.ts';
import { egressRequirements, ingressRequirements } from './requirements.ts';
import { clustersAt, endsOf } from './routes.ts';

interface Place {
  /** Of the ingress or egress that it belongs to. */
  readonly name: string;
  readonly side: LinkSide;
}

/** What a link is: where it leads, and as whom. Data that can be compared. */
export type LinkSpec = Place &
  (
    | { readonly transport: 'nats'; readonly settings: Omit<NatsLinkOptions, 'onEvent' | 'clock'> }
    | { readonly transport: 'stomp'; readonly settings: Omit<StompLinkOptions, 'onEvent' | 'clock'> }
  );

/** What links need of their app. */
export interface LinkServices {
  readonly log: Log;
  readonly stats: Stats;
  /** Ms since the epoch. */
  readonly clock: () => number;
  readonly transports: Transports;
}

/** Each ingress and each egress has one link. */
export const linkSpecs = (config: Config, read: ReadFile): readonly LinkSpec[] => [
  ...[...config.egresses.values()].map((it) => specOf(it, 'egress', config, read)),
  ...[...config.ingresses.values()].map((it) => specOf(it, 'ingress', config, read)),
];

const specOf = (
  it: Named<IngressConfig | EgressConfig>,
  side: LinkSide,
  config: Config,
  read: ReadFile,
): LinkSpec => {
  const { name } = it;
  return it.type === 'mcollective-stomp'
    ? { name, side, transport: 'stomp', settings: stompLinkOptions(it, config, read) }
    : { name, side, transport: 'nats', settings: natsLinkOptions(it, config, read) };
};

/** The link of a spec, counted, its events in the log and its missing rights in its state. Not yet open. */
export const createLink = (spec: LinkSpec, config: Config, services: LinkServices): MeteredLink => {
  const { name, side } = spec;
  const needs = side === 'ingress' ? ingressRequirements(name, config) : egressRequirements(name, config);
  const { rights, onEvent } = linkLog(name, needs, GRANTS[spec.transport], services);
  return meterLink(rights.watch(opened(spec, onEvent, services)), {
    name,
    side: side === 'ingress' ? 'federation' : 'collective',
    clusters: clustersAt(name, side, config),
    clock: services.clock,
  });
};

const GRANTS: Readonly<Record<LinkSpec['transport'], (right: Right) => string>> = {
  nats: natsGrant,
  stomp: stompGrant,
};

const opened = (spec: LinkSpec, onEvent: LinkListener, { transports, clock }: LinkServices): Link => {
  const { name, side } = spec;
  return spec.transport === 'nats'
    ? transports.nats({ ...spec.settings, clock, onEvent }, name, side)
    : transports.stomp({ ...spec.settings, clock, onEvent }, name, side);
};

/** Whether a route uses it. */
export const isUsed = ({ name, side }: MeteredLink, config: Config): boolean =>
  endsOf(name, side === 'federation' ? 'ingress' : 'egress', config).length > 0;
