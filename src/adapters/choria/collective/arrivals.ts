import { matcher } from '../../../transport/wildcard.ts';
import type { IngressAdapter } from '../../descriptor.ts';
import { broadcastsSubject, nodesSubject } from '../wire/index.ts';
import { nodeOf } from './node-subscriptions.ts';

const isDirected = matcher(nodesSubject('*'));

/** What comes in by an ingress `choria-collective`: what clients send to a collective's nodes themselves. */
export const ARRIVALS: Pick<IngressAdapter, 'takes' | 'directedTo'> = {
  takes: (collectives) => {
    const places = collectives.flatMap((it) => [matcher(broadcastsSubject(it)), matcher(nodesSubject(it))]);
    return (destination) => places.some((isThere) => isThere(destination));
  },
  directedTo: ({ destination }) => (isDirected(destination) ? nodeOf(destination) : undefined),
};
