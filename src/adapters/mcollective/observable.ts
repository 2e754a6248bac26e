import type { IncomingMessage } from '../../transport/link.ts';
import type { AdapterContext, Observable, Source } from '../descriptor.ts';
import { BRIDGE_MARKER, broadcastDestination, broadcastWildcard } from './wire/addressing.ts';

const QUEUES =
  'directed requests and replies are in queues, where listening would take them from their receivers';

const topics = (
  collectives: readonly string[],
  multiplex: boolean,
  as: Omit<Source, 'destination'>,
): readonly Source[] =>
  collectives.flatMap((collective) => [
    { destination: broadcastWildcard(collective), ...as },
    ...(multiplex ? [{ destination: broadcastDestination(collective, '', true), ...as }] : []),
  ]);

/** What can be heard of an ingress `mcollective-stomp`. @param broadcastQueue where broadcasts come from, if not from topics */
export const ofIngress = (
  multiplex: boolean,
  broadcastQueue: string | undefined,
  { collectives }: AdapterContext,
): Observable =>
  broadcastQueue === undefined
    ? { sources: topics(collectives, multiplex, { dir: 'in' }), missed: QUEUES }
    : { sources: [], missed: `broadcasts come from the queue ${broadcastQueue}; ${QUEUES}` };

/** What can be heard of an egress `mcollective-stomp`. */
export const ofEgress = (multiplex: boolean, { collectives, cluster }: AdapterContext): Observable => {
  const isOurs = ({ headers }: IncomingMessage): boolean => headers[BRIDGE_MARKER] === cluster;
  return { sources: topics(collectives, multiplex, { dir: 'out', isOurs }), missed: QUEUES };
};
