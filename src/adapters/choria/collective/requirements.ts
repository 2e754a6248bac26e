import { type Requirement, toPublish, toSubscribe } from '../../../transport/requirement.ts';
import {
  bridgeGroup,
  broadcastSubject,
  broadcastsSubject,
  collectiveGroup,
  collectiveSubject,
  nodeSubject,
  nodesSubject,
} from '../wire/index.ts';

/** Agents and nodes of these names do not exist. */
const NOBODY = 'mcbridge_check';

export interface EgressNeeds {
  readonly collectives: readonly string[];
  /** Clusters whose replies it hears. */
  readonly clusters: readonly string[];
  /** Whether requests pass unchanged, so also those to services. */
  readonly opaque: boolean;
  /** Whose nodes are asked for. */
  readonly asked: readonly string[];
}

/** What an egress `choria-collective` needs. */
export const egressRequirements = (needs: EgressNeeds): readonly Requirement[] => {
  const { collectives, clusters, opaque, asked } = needs;
  const all = [...new Set([...collectives, ...asked])];
  return [
    ...clusters.map((cluster) =>
      toSubscribe('hear replies of nodes', collectiveSubject(cluster), collectiveGroup(cluster)),
    ),
    ...all.map((collective) =>
      toPublish(
        'send requests to all nodes',
        broadcastsSubject(collective),
        broadcastSubject(collective, NOBODY),
      ),
    ),
    ...collectives.map((collective) =>
      toPublish('send directed requests', nodesSubject(collective), nodeSubject(collective, NOBODY)),
    ),
    ...(opaque ? collectives : []).map((collective) =>
      toPublish(
        'send requests to services',
        `${collective}.broadcast.service.*`,
        `${collective}.broadcast.service.${NOBODY}`,
      ),
    ),
    ...(asked.length === 0
      ? []
      : [
          {
            ...toSubscribe('learn which nodes there are', collectiveSubject(NOBODY)),
            grant: collectiveSubject('*'),
          },
        ]),
  ];
};

export interface IngressNeeds {
  readonly collectives: readonly string[];
  readonly cluster: string;
}

/** What an ingress `choria-collective` needs. */
export const ingressRequirements = ({ collectives, cluster }: IngressNeeds): readonly Requirement[] =>
  collectives.flatMap((collective) => [
    toSubscribe('hear requests to all nodes', broadcastsSubject(collective), bridgeGroup(cluster)),
    {
      ...toSubscribe('hear directed requests', nodeSubject(collective, NOBODY), bridgeGroup(cluster)),
      grant: nodesSubject(collective),
    },
    publishReplies(collective),
  ]);

/** What each ingress needs that answers clients of Choria. */
export const publishReplies = (collective: string): Requirement =>
  toPublish('answer clients', `${collective}.reply.>`, `${collective}.reply.${NOBODY}.1`);
