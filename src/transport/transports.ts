import type { Link } from './link.ts';
import { createNatsLink } from './nats/index.ts';
import type { NatsLinkOptions } from './nats/options.ts';
import { createStompLink } from './stomp/index.ts';
import type { StompLinkOptions } from './stomp/options.ts';

/** On which side of the bridge a link is. */
export type LinkSide = 'ingress' | 'egress';

/**
 * Where links come from: real brokers, or whatever takes their place where there is no network.
 * The name is that of the ingress or egress which the link belongs to.
 */
export interface Transports {
  nats(options: NatsLinkOptions, name: string, side: LinkSide): Link;
  stomp(options: StompLinkOptions, name: string, side: LinkSide): Link;
}

export const BROKERS: Transports = { nats: createNatsLink, stomp: createStompLink };
