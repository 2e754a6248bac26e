import { matcher } from '../../transport/wildcard.ts';
import type { IngressAdapter } from '../descriptor.ts';
import { broadcastDestination, broadcastWildcard, directedDestination } from './wire/addressing.ts';

const [QUEUE_START = '', QUEUE_END = ''] = directedDestination('*').split('*');

/**
 * What comes in by an ingress `mcollective-stomp`: what clients send to a collective's daemons themselves, whichever way
 * their agents' topics are set up.
 */
export const ARRIVALS: Pick<IngressAdapter, 'takes' | 'directedTo'> = {
  takes: (collectives) => {
    const places = collectives.flatMap((it) => [
      matcher(broadcastWildcard(it)),
      matcher(broadcastDestination(it, '', true)),
      matcher(directedDestination(it)),
    ]);
    return (destination) => places.some((isThere) => isThere(destination));
  },
  directedTo: ({ destination, headers }) => {
    const node = headers?.['mc_identity'];
    if (node === undefined || !destination.startsWith(QUEUE_START) || !destination.endsWith(QUEUE_END))
      return undefined;
    return { collective: destination.slice(QUEUE_START.length, -QUEUE_END.length), node };
  },
};
