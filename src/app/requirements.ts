import * as collective from '../adapters/choria/collective/requirements.ts';
import * as federation from '../adapters/choria/federation/requirements.ts';
import { statsSubject } from '../adapters/choria/wire/stats.ts';
import * as legacy from '../adapters/mcollective/requirements.ts';
import { clusterOf, clustersAt, exportedBy, isOpaqueRoute } from '../setup/ends.ts';
import type { Config, IngressConfig, Named } from '../setup/types.ts';
import { type Requirement, toPublish, toSubscribe } from '../transport/requirement.ts';
import { learningOf } from './learning.ts';

/** The rights that `run` will use on the broker of an ingress. None where no route starts there. */
export const ingressRequirements = (name: string, config: Config): readonly Requirement[] => {
  const it = config.ingresses.get(name);
  if (it === undefined) return [];
  const collectives = exportedBy(it.name, config);
  if (collectives.length === 0) return [];
  return [...ownOfIngress(it, collectives, config), ...ofStatistics(it, config)];
};

const ownOfIngress = (
  it: Named<IngressConfig>,
  collectives: readonly string[],
  { cluster, egresses, routes }: Config,
): readonly Requirement[] => {
  switch (it.type) {
    case 'choria-federation':
      return federation.ingressRequirements({
        cluster: it.cluster,
        replyCollectives: [...new Set([...collectives, ...it.replyCollectives])],
      });
    case 'choria-collective':
      return collective.ingressRequirements({ collectives, cluster });
    case 'mcollective-stomp':
      return legacy.ingressRequirements({
        collectives,
        multiplex: it.agentsMultiplex,
        broadcastQueue: it.share === 'queue' ? it.broadcastQueue : undefined,
        patterned: new Set(
          routes
            .filter(({ from, to }) => from === it.name && (egresses.get(to)?.nodes ?? []).length > 0)
            .flatMap((route) => route.collectives),
        ),
      });
  }
};

/** The rights that `run` will use on the broker of an egress. None where nothing uses it. */
export const egressRequirements = (name: string, config: Config): readonly Requirement[] => {
  const it = config.egresses.get(name);
  if (it === undefined) return [];
  const routes = config.routes.filter(({ to }) => to === name);
  const collectives = [...new Set(routes.flatMap((route) => route.collectives))];
  const learning = learningOf(config).get(name);
  const asked = learning !== undefined && learning.every > 0 ? learning.collectives : [];
  if (it.type === 'mcollective-stomp')
    return legacy.egressRequirements({
      cluster: config.cluster,
      identity: config.identity,
      collectives,
      multiplex: it.agentsMultiplex,
      asked,
    });
  const opaque = routes.filter((route) => isOpaqueRoute(route, config));
  const clusters = new Set([
    ...opaque.map(({ from }) => clusterOf(config, from)),
    ...(it.signing === undefined ? [] : [config.cluster]),
  ]);
  return collective.egressRequirements({
    collectives,
    clusters: [...clusters],
    opaque: opaque.length > 0,
    asked: it.signing === undefined ? [] : asked,
  });
};

/** Where each federation network hears of this bridge, and it hears of others. */
const ofStatistics = (it: Named<IngressConfig>, config: Config): readonly Requirement[] => {
  if (it.type === 'mcollective-stomp' || config.statistics.interval === 0) return [];
  return clustersAt(it.name, 'ingress', config).flatMap((cluster) => {
    const subject = statsSubject(cluster);
    return [
      toPublish('publish statistics', subject, subject),
      toSubscribe('hear of other bridges of the cluster', subject),
    ];
  });
};
