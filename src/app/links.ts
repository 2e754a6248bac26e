import { isDeepStrictEqual } from 'node:util';
import { natsLinkOptions } from '../adapters/choria/link-options.ts';
import { stompLinkOptions } from '../adapters/mcollective/link-options.ts';
import type { Stats } from '../bridge/stats.ts';
import { within } from '../bridge/within.ts';
import type { ReadFile } from '../config/files.ts';
import type { Log } from '../envelope/log.ts';
import { besideOf, clustersAt, endsOf } from '../setup/ends.ts';
import type { Config, EgressConfig, IngressConfig, Named } from '../setup/types.ts';
import { type Meter, type MeteredLink, meterLink } from '../telemetry/meter.ts';
import type { Link, LinkListener, Right } from '../transport/link.ts';
import { grantOf as natsGrant } from '../transport/nats/grant.ts';
import type { NatsLinkOptions } from '../transport/nats/options.ts';
import type { Requirement } from '../transport/requirement.ts';
import { SharedLink } from '../transport/shared-link.ts';
import { grantOf as stompGrant } from '../transport/stomp/grant.ts';
import type { StompLinkOptions } from '../transport/stomp/options.ts';
import type { LinkSide, Transports } from '../transport/transports.ts';
import { linkLog } from './link-log.ts';
import { egressRequirements, ingressRequirements } from './requirements.ts';

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

/** A link that is there for as long as configurations have it, whoever uses it. */
export interface AppLink {
  readonly spec: LinkSpec;
  readonly metered: MeteredLink;
  readonly shared: SharedLink;
  /** Another configuration has it too. */
  follow(config: Config): void;
}

/** The links of one configuration. */
export type LinkPlan = readonly AppLink[];

/** The links of an app, by what they are: those whose settings stay the same stay connected. */
export class Links {
  readonly #services: LinkServices;
  #plan: LinkPlan = [];
  /** Of what routes use; the list itself follows the configuration, for whoever has it. */
  readonly used: MeteredLink[] = [];
  /** Those, and the ones that were there before. */
  readonly ever: MeteredLink[] = [];

  constructor(services: LinkServices) {
    this.#services = services;
  }

  /**
   * The links that a configuration has, new ones not yet open. Nothing changes by it.
   * @throws ConfigError for a file that cannot be read
   */
  plan(config: Config, read: ReadFile): LinkPlan {
    return linkSpecs(config, read).map((spec) => {
      const before = this.#plan.find((link) => isAt(link.spec, spec));
      // One that nothing uses any more is closed, and is not opened again.
      const isSame = before !== undefined && isNeeded(spec, config) && isDeepStrictEqual(before.spec, spec);
      return isSame ? before : createLink(spec, config, this.#services, before?.metered.meter);
    });
  }

  /** From now on these are the app's. What is no longer one of them is closed when its last user has left it. */
  take(plan: LinkPlan, config: Config): void {
    const gone = this.#plan.filter((link) => !plan.includes(link));
    this.#plan = plan;
    for (const link of plan) link.follow(config);
    const used = plan.map(({ metered }) => metered).filter((metered) => isUsed(metered, config));
    this.used.splice(0, Number.POSITIVE_INFINITY, ...used);
    const former = this.ever.filter((one) => !used.some((metered) => isAt(metered, one)));
    this.ever.splice(0, Number.POSITIVE_INFINITY, ...used, ...former);
    for (const { shared } of gone) shared.retire().catch(() => undefined);
  }

  /** Those on which statistics are published: to NATS on the federation's side. */
  networks(): readonly MeteredLink[] {
    const nats = new Set(
      this.#plan.filter(({ spec }) => spec.transport === 'nats').map(({ metered }) => metered),
    );
    return this.used.filter((one) => one.side === 'federation' && nats.has(one));
  }

  /** Those that carry requests from the federation's side first, then the others: replies go home by those. */
  async close(): Promise<void> {
    for (const side of ['egress', 'ingress'] as const) {
      const closed = this.#plan.filter(({ spec }) => spec.side === side).map(({ shared }) => shared.close());
      await within(Promise.all(closed), CLOSE_TIMEOUT);
    }
  }
}

/** How long a link may take to send what waits and to say goodbye, in ms. */
const CLOSE_TIMEOUT = 6_000;

const isAt = (
  one: { readonly name: string; readonly side: string },
  other: { readonly name: string; readonly side: string },
): boolean => one.name === other.name && one.side === other.side;

/** Each ingress and each egress has one link. */
const linkSpecs = (config: Config, read: ReadFile): readonly LinkSpec[] => [
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
const createLink = (
  spec: LinkSpec,
  config: Config,
  services: LinkServices,
  meter: Meter | undefined,
): AppLink => {
  const { name, side } = spec;
  let clusters = clustersAt(name, side, config);
  const { rights, onEvent } = linkLog(name, needsOf(spec, config), GRANTS[spec.transport], services);
  const metered = meterLink(rights.watch(opened(spec, onEvent, services)), {
    name,
    side: side === 'ingress' ? 'federation' : 'collective',
    get clusters() {
      return clusters;
    },
    clock: services.clock,
    ...(meter !== undefined && { meter }),
  });
  return {
    spec,
    metered,
    shared: new SharedLink(metered.link),
    follow: (next) => {
      clusters = clustersAt(name, side, next);
      rights.require(needsOf(spec, next));
    },
  };
};

const needsOf = ({ name, side }: Place, config: Config): readonly Requirement[] =>
  side === 'ingress' ? ingressRequirements(name, config) : egressRequirements(name, config);

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

/** Whether anything goes through it. */
const isNeeded = ({ name, side }: Place, config: Config): boolean =>
  endsOf(name, side, config).length > 0 ||
  (side === 'egress' && [...besideOf(config).values()].includes(name));

/** Whether a route uses it. */
const isUsed = ({ name, side }: MeteredLink, config: Config): boolean =>
  endsOf(name, side === 'federation' ? 'ingress' : 'egress', config).length > 0;
