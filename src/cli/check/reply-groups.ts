import { collectiveGroup } from '../../adapters/choria/wire/index.ts';
import { clusterOf, isOpaqueRoute } from '../../setup/ends.ts';
import type { Config } from '../../setup/types.ts';
import type { Checklist } from './checklist.ts';

interface Member {
  readonly egress: string;
  readonly clusters: ReadonlySet<string>;
  readonly servers: ReadonlySet<string>;
}

/**
 * Egresses that join one queue group of replies at one server take each other's: NATS gives a reply to any member, and
 * each knows only its own. What they do, one egress can do: it signs for some routes and passes for others.
 */
export const checkReplyGroups = (list: Checklist, config: Config): void => {
  const members: Member[] = [];
  for (const { name, ...it } of config.egresses.values()) {
    if (it.type !== 'choria-collective') continue;
    const routes = config.routes.filter(({ to }) => to === name);
    const passing = routes.filter((route) => isOpaqueRoute(route, config));
    const clusters = new Set(passing.map(({ from }) => clusterOf(config, from)));
    if (it.signing !== undefined) clusters.add(config.cluster);
    const member = { egress: name, clusters, servers: new Set(it.servers.map(({ url }) => url)) };
    for (const other of members) tellShared(list, member, other);
    members.push(member);
  }
};

const tellShared = (list: Checklist, member: Member, other: Member): void => {
  const server = [...member.servers].find((url) => other.servers.has(url));
  const cluster = [...member.clusters].find((name) => other.clusters.has(name));
  if (server === undefined || cluster === undefined) return;
  list.problem(
    ['egresses', member.egress],
    `it and the egress ${other.egress} are both in the queue group ${collectiveGroup(cluster)} at ${server}, and would take each other's replies`,
    `make one egress of the two, or give the ingress of one of them a cluster of its own`,
  );
};
