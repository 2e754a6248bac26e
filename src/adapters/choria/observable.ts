import type { IncomingMessage } from '../../transport/link.ts';
import type { AdapterContext, Observable, Source } from '../descriptor.ts';
import {
  broadcastsSubject,
  collectiveSubject,
  decodeTransport,
  federationSubject,
  nodesSubject,
  type Transport,
} from './wire/index.ts';

type Limits = Pick<AdapterContext, 'maxMessageBytes'>;

/** The headers of a transport message; undefined for anything else. */
const transportOf = (
  { body }: IncomingMessage,
  { maxMessageBytes: maxBytes }: Limits,
): Transport | undefined => {
  try {
    return decodeTransport(body, { maxBytes });
  } catch {
    return undefined;
  }
};

const requests = (collectives: readonly string[], as: Omit<Source, 'destination'>): readonly Source[] =>
  collectives.flatMap((collective) => [
    { destination: broadcastsSubject(collective), ...as },
    { destination: nodesSubject(collective), ...as },
  ]);

/** Clients get their replies where their requests say; a broker's federation header is not one of theirs. */
const ofIngress = (asked: readonly Source[], around: AdapterContext): Observable => ({
  sources: [
    ...asked,
    ...around.collectives.map((collective): Source => ({ destination: `${collective}.reply.>`, dir: 'out' })),
  ],
  correlate: (message) => {
    const transport = transportOf(message, around);
    const places = transport ? [message.destination, message.replyTo, transport.replyTo] : [];
    return places.filter((place) => place !== undefined);
  },
});

/** What can be heard of an ingress `choria-federation`. */
export const ofFederation = (cluster: string, around: AdapterContext): Observable =>
  ofIngress([{ destination: federationSubject(cluster), dir: 'in' }], around);

/** What can be heard of an ingress `choria-collective`. */
export const ofCollectiveIngress = (around: AdapterContext): Observable =>
  ofIngress(requests(around.collectives, { dir: 'in' }), around);

/**
 * What can be heard of an egress `choria-collective`.
 * @param clusters whose replies it hears
 */
export const ofCollectiveEgress = (clusters: readonly string[], around: AdapterContext): Observable => {
  const homes = new Set(clusters.map(collectiveSubject));
  // What the bridge puts into a collective asks for its replies at one of its own subjects.
  const isOurs = (message: IncomingMessage): boolean =>
    homes.has(transportOf(message, around)?.replyTo ?? '');
  return {
    sources: [
      ...requests(around.collectives, { dir: 'out', isOurs }),
      ...[...homes].map((destination): Source => ({ destination, dir: 'in' })),
    ],
    correlate: (message) => {
      const { request = '', home } = transportOf(message, around)?.federation ?? {};
      return home === undefined ? [] : [`${request} ${home}`];
    },
  };
};
