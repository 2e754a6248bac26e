import { type Requirement, toPublish, toSubscribe } from '../../transport/requirement.ts';
import {
  broadcastDestination,
  broadcastWildcard,
  directedDestination,
  discoveryDestination,
  replyWildcard,
} from './wire/addressing.ts';

export interface EgressNeeds {
  readonly cluster: string;
  readonly identity: string;
  readonly collectives: readonly string[];
  readonly multiplex: boolean;
  /** Whose nodes are asked for. */
  readonly asked: readonly string[];
}

/** What is published here has expired before ActiveMQ looks at it, so any agent's topic will do. */
const AGENT = 'discovery';

/** What an egress `mcollective-stomp` needs: to ask like a client, and to hear what daemons answer. */
export const egressRequirements = (needs: EgressNeeds): readonly Requirement[] => {
  const { cluster, identity, collectives, multiplex, asked } = needs;
  return [
    ...collectives.flatMap((collective) => [
      toSubscribe('hear replies of nodes', replyWildcard(collective, cluster)),
      publishBroadcasts(collective, multiplex),
      publishDirected(collective, 'send directed requests'),
    ]),
    ...asked.flatMap((collective) => [
      ...(collectives.includes(collective) ? [] : [publishBroadcasts(collective, multiplex)]),
      {
        ...toSubscribe('learn which nodes there are', discoveryDestination(collective, identity, 'check')),
        grant: `/queue/${collective}.reply.>`,
      },
    ]),
  ];
};

const publishBroadcasts = (collective: string, multiplex: boolean): Requirement =>
  toPublish(
    'send requests to all nodes',
    multiplex ? broadcastDestination(collective, '', true) : broadcastWildcard(collective),
    broadcastDestination(collective, AGENT, multiplex),
  );

const publishDirected = (collective: string, purpose: string): Requirement =>
  toPublish(purpose, directedDestination(collective), directedDestination(collective));

export interface IngressNeeds {
  readonly collectives: readonly string[];
  readonly multiplex: boolean;
  readonly broadcastQueue: string | undefined;
  /** Collectives whose nodes on the other side are told by patterns, which may take what is for others. */
  readonly patterned: ReadonlySet<string>;
}

/** What an ingress `mcollective-stomp` needs: to hear what clients ask, and to answer like a daemon. */
export const ingressRequirements = ({
  collectives,
  multiplex,
  broadcastQueue,
  patterned,
}: IngressNeeds): readonly Requirement[] =>
  collectives.flatMap((collective) => {
    const topics = [
      broadcastWildcard(collective),
      ...(multiplex ? [broadcastDestination(collective, '', true)] : []),
    ];
    const heard =
      broadcastQueue === undefined ? topics : [broadcastQueue.replaceAll('{collective}', collective)];
    return [
      ...heard.map((destination) => toSubscribe('hear requests to all nodes', destination)),
      toSubscribe('hear directed requests', directedDestination(collective)),
      ...(patterned.has(collective)
        ? [publishDirected(collective, 'give back directed requests that are for others')]
        : []),
      toPublish(
        'answer clients',
        `/queue/${collective}.reply.>`,
        `/queue/${collective}.reply.mcbridge-check.1`,
      ),
    ];
  });
