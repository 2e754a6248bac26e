import {
  broadcastsSubject,
  collectiveSubject,
  decodeTransport,
  federationSubject,
  nodesSubject,
} from '../../adapters/choria/wire/index.ts';
import {
  BRIDGE_MARKER,
  broadcastDestination,
  broadcastWildcard,
} from '../../adapters/mcollective/wire/addressing.ts';
import { clusterOf, exportedBy, isOpaqueRoute } from '../../setup/ends.ts';
import type { Config } from '../../setup/types.ts';
import type { IncomingMessage } from '../../transport/link.ts';
import type { CassetteMessage } from '../file/format.ts';

/** Where messages of a link can be had without taking them from anyone. */
export interface Source {
  /** A subject, or a topic; never a queue, and never in a queue group: these hand a message to one listener only. */
  readonly destination: string;
  /** From the bridge's point of view. */
  readonly dir: CassetteMessage['dir'];
  /** Whether a message there is one of the bridge's link at all; others use the place too. */
  readonly isOurs?: (message: IncomingMessage) => boolean;
}

export interface Listening {
  readonly link: string;
  readonly side: CassetteMessage['side'];
  readonly sources: readonly Source[];
  /** What goes through this link and cannot be had from outside. */
  readonly missed?: string;
}

const QUEUES =
  'directed requests and replies are in queues, where listening would take them from their receivers';

/** What the bridge puts into a collective asks for its replies at one of its own subjects. */
const repliesTo =
  (subjects: ReadonlySet<string>, maxBytes: number): ((message: IncomingMessage) => boolean) =>
  ({ body }) => {
    try {
      const { replyTo } = decodeTransport(body, { maxBytes });
      return replyTo !== undefined && subjects.has(replyTo);
    } catch {
      return false;
    }
  };

const ingress = (name: string, config: Config): Listening => {
  const it = config.ingresses.get(name);
  const collectives = exportedBy(name, config);
  const replies = collectives.map(
    (collective): Source => ({ destination: `${collective}.reply.>`, dir: 'out' }),
  );
  const of = { link: name, side: 'ingress' } as const;
  switch (it?.type) {
    case undefined:
      return { ...of, sources: [] };
    case 'choria-federation':
      return { ...of, sources: [{ destination: federationSubject(it.cluster), dir: 'in' }, ...replies] };
    case 'choria-collective':
      return {
        ...of,
        sources: [
          ...collectives.flatMap((collective): readonly Source[] => [
            { destination: broadcastsSubject(collective), dir: 'in' },
            { destination: nodesSubject(collective), dir: 'in' },
          ]),
          ...replies,
        ],
      };
    case 'mcollective-stomp':
      if (it.broadcastQueue !== undefined)
        return {
          ...of,
          sources: [],
          missed: `broadcasts come from the queue ${it.broadcastQueue}; ${QUEUES}`,
        };
      return { ...of, sources: topics(collectives, it.agentsMultiplex, { dir: 'in' }), missed: QUEUES };
  }
};

const topics = (
  collectives: readonly string[],
  multiplex: boolean,
  as: Omit<Source, 'destination'>,
): readonly Source[] =>
  collectives.flatMap((collective) => [
    { destination: broadcastWildcard(collective), ...as },
    ...(multiplex ? [{ destination: broadcastDestination(collective, '', true), ...as }] : []),
  ]);

const egress = (name: string, config: Config): Listening => {
  const it = config.egresses.get(name);
  const routes = config.routes.filter(({ to }) => to === name);
  const collectives = [...new Set(routes.flatMap((route) => route.collectives))];
  const of = { link: name, side: 'egress' } as const;
  if (it === undefined) return { ...of, sources: [] };
  if (it.type === 'mcollective-stomp') {
    const isOurs = ({ headers }: IncomingMessage): boolean => headers[BRIDGE_MARKER] === config.cluster;
    return {
      ...of,
      sources: topics(collectives, it.agentsMultiplex, { dir: 'out', isOurs }),
      missed: QUEUES,
    };
  }
  const clusters = new Set([
    ...routes.filter((route) => isOpaqueRoute(route, config)).map(({ from }) => clusterOf(config, from)),
    ...(it.signing === undefined ? [] : [config.cluster]),
  ]);
  const homes = [...clusters].map(collectiveSubject);
  const isOurs = repliesTo(new Set(homes), config.maxMessageBytes);
  return {
    ...of,
    sources: [
      ...collectives.flatMap((collective): readonly Source[] => [
        { destination: broadcastsSubject(collective), dir: 'out', isOurs },
        { destination: nodesSubject(collective), dir: 'out', isOurs },
      ]),
      ...homes.map((destination): Source => ({ destination, dir: 'in' })),
    ],
  };
};

/** What can be heard of each link that a route uses. */
export const sourcesOf = (config: Config): readonly Listening[] => {
  const { routes } = config;
  const used = (names: readonly string[]): readonly string[] => [...new Set(names)];
  return [
    ...used(routes.map(({ from }) => from)).map((name) => ingress(name, config)),
    ...used(routes.map(({ to }) => to)).map((name) => egress(name, config)),
  ];
};
