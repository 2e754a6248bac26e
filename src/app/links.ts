import pTimeout from 'p-timeout';
import type { Stats } from '../bridge/stats.ts';
import type { ReadFile } from '../config/files.ts';
import type { Log } from '../envelope/log.ts';
import { clustersAt, endsOf, localEgressesOf } from '../setup/ends.ts';
import { sideOf, sidesOf } from '../setup/sides.ts';
import type { Config } from '../setup/types.ts';
import { type Meter, type MeteredLink, meterLink } from '../telemetry/meter.ts';
import type { LinkEvent } from '../transport/link.ts';
import type { Requirement } from '../transport/requirement.ts';
import { SharedLink } from '../transport/shared-link.ts';
import { isSameLink, isSamePlace, type LinkPlace, type LinkSpec } from '../transport/spec.ts';
import type { Transports } from '../transport/transports.ts';
import { linkLog } from './link-log.ts';
import { requirementsOf } from './requirements.ts';

/** What links need from their app. */
export interface LinkServices {
  readonly log: Log;
  readonly stats: Stats;
  /** Ms since the epoch. */
  readonly clock: () => number;
  readonly transports: Transports;
  /** A link as its files are now; undefined where they cannot be used, or nobody looks. */
  readonly fresh?: (place: LinkPlace) => LinkSpec | undefined;
}

/** A link that lives as long as configurations have it, whatever adapters use it. */
export interface AppLink {
  /** As the last attempt to connect was made: its files may have been read anew. */
  readonly spec: LinkSpec;
  readonly metered: MeteredLink;
  readonly shared: SharedLink;
  /** Another configuration has it too. */
  follow(config: Config): void;
}

/** The links of one configuration. */
export type LinkPlan = readonly AppLink[];

/** A link that is not connected. */
export interface LinkDown {
  /** `egress legacy` */
  readonly link: string;
  readonly reason: string;
}

/** What another configuration makes of the links, each as `egress legacy`. */
export interface LinkChanges {
  /** They stay connected. */
  readonly kept: readonly string[];
  /** Other settings: a new connection takes the place of the old one. */
  readonly renewed: readonly string[];
  readonly opened: readonly string[];
  readonly closed: readonly string[];
}

/** The links of an app, by their specs: a link whose settings stay the same stays connected. */
export class Links {
  readonly #services: LinkServices;
  #plan: LinkPlan = [];
  /** Names of ingresses whose links carry statistics. */
  #networks: ReadonlySet<string> = new Set();
  /** Of links that routes use; the list itself follows the configuration. */
  readonly used: MeteredLink[] = [];
  /** Those, and the ones that were there before. */
  readonly ever: MeteredLink[] = [];

  constructor(services: LinkServices) {
    this.#services = services;
  }

  /**
   * The links that a configuration has, new ones not yet open. Nothing changes by it.
   * @param specs as {@link specsOf} gives them
   */
  plan(specs: readonly LinkSpec[], config: Config): LinkPlan {
    return specs.map((spec) => {
      const before = this.#plan.find((link) => isSamePlace(link.spec, spec));
      // A link without users is closed, and is not opened again.
      const isSame = before !== undefined && isNeeded(spec, config) && canStay(before, spec);
      return isSame ? before : createLink(spec, config, this.#services, before?.metered.meter);
    });
  }

  /** What would change with a plan. */
  compare(plan: LinkPlan): LinkChanges {
    const changes: Record<keyof LinkChanges, string[]> = { kept: [], renewed: [], opened: [], closed: [] };
    const before = this.#plan;
    for (const link of plan) {
      const isThere = before.some(({ spec }) => isSamePlace(spec, link.spec));
      (before.includes(link) ? changes.kept : isThere ? changes.renewed : changes.opened).push(
        placeName(link.spec),
      );
    }
    for (const { spec } of before)
      if (!plan.some((link) => isSamePlace(link.spec, spec))) changes.closed.push(placeName(spec));
    return changes;
  }

  /** Those that routes use and that are not connected. */
  down(): readonly LinkDown[] {
    return this.#plan.flatMap(({ spec, metered }) => {
      const { up, reason = 'it has not been tried yet' } = metered.raw.state();
      return up || !this.used.includes(metered) ? [] : [{ link: placeName(spec), reason }];
    });
  }

  /** The links that stand, as they were connected. */
  standing(): readonly LinkSpec[] {
    return this.#plan.filter(({ metered }) => metered.raw.state().up).map(({ spec }) => spec);
  }

  /** Those specs that no link of now was made with, also of one that is down and will stay. */
  changed(specs: readonly LinkSpec[]): readonly LinkSpec[] {
    return specs.filter(
      (next) => !this.#plan.some(({ spec }) => isSamePlace(spec, next) && isSameLink(spec, next)),
    );
  }

  /** From now on these are the app's links. A link that is no longer one of them is closed after its last user has left it. */
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

  /** Those that carry requests from the federation's side first, then the others: replies go out by those. */
  async close(): Promise<void> {
    for (const side of ['egress', 'ingress'] as const) {
      const closed = this.#plan.filter(({ spec }) => spec.side === side).map(({ shared }) => shared.close());
      await pTimeout(Promise.all(closed), { milliseconds: CLOSE_TIMEOUT_MS, message: false });
    }
  }
}

const placeName = ({ side, name }: LinkPlace): string => `${side} ${name}`;

/** How long a link may take to send what waits and to disconnect, in ms. */
const CLOSE_TIMEOUT_MS = 6_000;

/** Each ingress and each egress has one link. @throws ConfigError for a file that cannot be read */
export const specsOf = (config: Config, read: ReadFile): readonly LinkSpec[] =>
  sidesOf(config).map(({ adapter }) => adapter.link(config, read));

/** One that is down reads its files anew at its next attempt, and keeps what waits for it. */
const canStay = ({ spec, metered }: AppLink, next: LinkSpec): boolean =>
  isSameLink(spec, next) || (!metered.raw.state().up && spec.isRenewedBy?.(next) === true);

/** The link of a spec, counted, its events in the log and its missing rights in its state. Not yet open. */
const createLink = (
  spec: LinkSpec,
  config: Config,
  services: LinkServices,
  meter: Meter | undefined,
): AppLink => {
  const { name, side } = spec;
  let attempted = spec;
  const current = (): LinkSpec => {
    const now = services.fresh?.({ name, side });
    if (now !== undefined && attempted.isRenewedBy?.(now) === true) attempted = now;
    return attempted;
  };
  let clusters = clustersAt(name, side, config);
  const { rights, onEvent } = linkLog(name, needsOf(spec, config), spec.grantOf, services);
  const { clock } = services;
  // The one in whose place it comes has times of its own.
  let since = meter === undefined ? undefined : clock();
  const followed = (event: LinkEvent): void => {
    if (event.kind === 'connected' || event.kind === 'disconnected') since = clock();
    onEvent(event);
  };
  const link = services.transports.open(spec, { clock, onEvent: followed, current });
  const metered = meterLink(rights.watch(link), {
    name,
    side: side === 'ingress' ? 'federation' : 'collective',
    get clusters() {
      return clusters;
    },
    clock,
    ...(meter !== undefined && { meter }),
    since: () => since,
  });
  return {
    get spec() {
      return attempted;
    },
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

/** Whether it carries any messages. */
const isNeeded = ({ name, side }: LinkPlace, config: Config): boolean =>
  endsOf(name, side, config).length > 0 ||
  (side === 'egress' && [...localEgressesOf(config).values()].includes(name));

/** Whether a route uses it. */
const isUsed = ({ name, side }: MeteredLink, config: Config): boolean =>
  endsOf(name, side === 'federation' ? 'ingress' : 'egress', config).length > 0;
