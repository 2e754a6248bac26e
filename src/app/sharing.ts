import { createMembership, type Membership } from '../cluster/membership.ts';
import type { Config } from '../config/types.ts';
import type { MeteredLink } from '../stats/meter.ts';
import type { LinkState } from '../transport/link.ts';
import type { Context } from './context.ts';

/** The link over which instances share requests that each of them gets a copy of. */
export interface SharingPlace {
  readonly side: 'ingress' | 'egress';
  readonly name: string;
}

/** @returns undefined where no instance gets copies, or there is no NATS to share them over */
export const sharingPlace = (config: Config): SharingPlace | undefined => {
  const { ingresses, egresses, routes, statistics } = config;
  const copied = routes.filter(({ from }) => {
    const it = ingresses.get(from);
    return it?.type === 'mcollective-stomp' && it.broadcastQueue === undefined;
  });
  if (copied.length === 0 || statistics.interval === 0) return undefined;
  const isNats = (it: { readonly type: string } | undefined): boolean =>
    it !== undefined && it.type !== 'mcollective-stomp';
  const way = copied.find(({ to }) => egresses.get(to)?.type === 'choria-collective')?.to;
  const egress =
    way ??
    [...egresses.keys()].find((name) => routes.some(({ to }) => to === name) && isNats(egresses.get(name)));
  if (egress !== undefined) return { side: 'egress', name: egress };
  const ingress = [...ingresses.keys()].find(
    (name) => routes.some(({ from }) => from === name) && isNats(ingresses.get(name)),
  );
  return ingress === undefined ? undefined : { side: 'ingress', name: ingress };
};

/**
 * Only requests on topics come as a copy to each instance; these are shared over a link to NATS that all instances have,
 * which for their way out is so.
 * @param links those of now: the list may change
 */
export const membershipOf = (
  config: Config,
  links: readonly MeteredLink[],
  { tokenKey: key, clock, log }: Pick<Context, 'tokenKey' | 'clock' | 'log'>,
): Membership | undefined => {
  const { ingresses, routes, statistics, cluster, instance, maxTtl } = config;
  const copied = routes.filter(({ from }) => {
    const it = ingresses.get(from);
    return it?.type === 'mcollective-stomp' && it.broadcastQueue === undefined;
  });
  const place = sharingPlace(config);
  const link = links.find(
    ({ name, side }) =>
      name === place?.name && side === (place.side === 'ingress' ? 'federation' : 'collective'),
  );
  if (copied.length === 0 || statistics.interval === 0) return undefined;
  if (link === undefined) {
    // Between two legacy collectives there is no place to hear of each other.
    log.warn(
      { event: 'alone' },
      'without a connection to NATS only one instance may run: each would handle every broadcast',
    );
    return undefined;
  }
  const from = new Set(copied.map((route) => route.from));
  return createMembership({
    link,
    cluster,
    instance,
    key,
    interval: statistics.interval * 1000,
    maxAge: maxTtl * 1000,
    hearsAll: () =>
      links
        .filter(({ name, side }) => side === 'federation' && from.has(name))
        .every(({ uncounted }) => hearsTopics(uncounted.state())),
    clock,
    log,
  });
};

/** A queue can wait for an instance, a topic does not. */
const hearsTopics = ({ up, unconfirmed = [] }: LinkState): boolean =>
  up && !unconfirmed.some((destination) => destination.startsWith('/topic/'));

/**
 * Whether a new configuration shares as the one before.
 * @param links those that it has
 */
export const sharesAsBefore = (
  membership: Membership | undefined,
  config: Config,
  links: readonly MeteredLink[],
): boolean =>
  membership === undefined ? sharingPlace(config) === undefined : links.includes(membership.link);
