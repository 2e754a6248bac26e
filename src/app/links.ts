import pTimeout from 'p-timeout';
import type { Stats } from '../bridge/stats.ts';
import type { ReadFile } from '../config/files.ts';
import type { Log } from '../envelope/log.ts';
import { sideOf, sidesOf } from '../setup/around.ts';
import { clustersAt, endsOf, localEgressesOf } from '../setup/ends.ts';
import type { Config } from '../setup/types.ts';
import { type Meter, type MeteredLink, meterLink } from '../telemetry/meter.ts';
import type { Requirement } from '../transport/requirement.ts';
import { SharedLink } from '../transport/shared-link.ts';
import { isSameLink, isSamePlace, type LinkPlace, type LinkSpec } from '../transport/spec.ts';
import type { Transports } from '../transport/transports.ts';
import { linkLog } from './link-log.ts';
import { requirementsOf } from './requirements.ts';

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
  /** Names of ingresses whose links carry statistics. */
  #networks: ReadonlySet<string> = new Set();
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
      const before = this.#plan.find((link) => isSamePlace(link.spec, spec));
      // One that nothing uses any more is closed, and is not opened again.
      const isSame = before !== undefined && isNeeded(spec, config) && isSameLink(before.spec, spec);
      return isSame ? before : createLink(spec, config, this.#services, before?.metered.meter);
    });
  }

  /** From now on these are the app's. What is no longer one of them is closed when its last user has left it. */
  take(plan: LinkPlan, config: Config): void {
    const gone = this.#plan.filter((link) => !plan.includes(link));
    this.#plan = plan;
    for (const link of plan) link.follow(config);
    this.#networks = new Set(
      sidesOf(config).flatMap((side) =>
        side.kind === 'ingress' && side.adapter.carriesStatistics ? [side.adapter.name] : [],
      ),
    );
    const used = plan.map(({ metered }) => metered).filter((metered) => isUsed(metered, config));
    this.used.splice(0, Number.POSITIVE_INFINITY, ...used);
    const former = this.ever.filter((one) => !used.some((metered) => isSamePlace(metered, one)));
    this.ever.splice(0, Number.POSITIVE_INFINITY, ...used, ...former);
    for (const { shared } of gone) shared.retire().catch(() => undefined);
  }

  /** Those on which statistics are published. */
  networks(): readonly MeteredLink[] {
    return this.used.filter((one) => this.#networks.has(one.name) && one.side === 'federation');
  }

  /** Those that carry requests from the federation's side first, then the others: replies go home by those. */
  async close(): Promise<void> {
    for (const side of ['egress', 'ingress'] as const) {
      const closed = this.#plan.filter(({ spec }) => spec.side === side).map(({ shared }) => shared.close());
      await pTimeout(Promise.all(closed), { milliseconds: CLOSE_TIMEOUT, message: false });
    }
  }
}

/** How long a link may take to send what waits and to say goodbye, in ms. */
const CLOSE_TIMEOUT = 6_000;

/** Each ingress and each egress has one link. */
const linkSpecs = (config: Config, read: ReadFile): readonly LinkSpec[] =>
  sidesOf(config).map(({ adapter }) => adapter.link(config, read));

/** The link of a spec, counted, its events in the log and its missing rights in its state. Not yet open. */
const createLink = (
  spec: LinkSpec,
  config: Config,
  services: LinkServices,
  meter: Meter | undefined,
): AppLink => {
  const { name, side } = spec;
  let clusters = clustersAt(name, side, config);
  const { rights, onEvent } = linkLog(name, needsOf(spec, config), spec.grantOf, services);
  const metered = meterLink(
    rights.watch(services.transports.open(spec, { clock: services.clock, onEvent })),
    {
      name,
      side: side === 'ingress' ? 'federation' : 'collective',
      get clusters() {
        return clusters;
      },
      clock: services.clock,
      ...(meter !== undefined && { meter }),
    },
  );
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

const needsOf = ({ name, side }: LinkPlace, config: Config): readonly Requirement[] => {
  const found = sideOf(config, name, side);
  return found === undefined ? [] : requirementsOf(found, config);
};

/** Whether anything goes through it. */
const isNeeded = ({ name, side }: LinkPlace, config: Config): boolean =>
  endsOf(name, side, config).length > 0 ||
  (side === 'egress' && [...localEgressesOf(config).values()].includes(name));

/** Whether a route uses it. */
const isUsed = ({ name, side }: MeteredLink, config: Config): boolean =>
  endsOf(name, side === 'federation' ? 'ingress' : 'egress', config).length > 0;
