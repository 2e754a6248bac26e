import { type Hop, UNKNOWN_SERVER } from '../envelope/message.ts';
import type { LinkStatus } from '../envelope/port.ts';
import { Rejection } from '../envelope/rejection.ts';

/** What both ways home have of a trail. */
export interface Trail {
  readonly hops?: readonly Hop[];
}

/** Together what a broker calls itself in a trail, `<cluster>:<instance>`. */
interface Broker {
  readonly cluster: string;
  readonly instance: string;
}

/** More hops than any sensible federation has: a message that goes round. */
const MAX_HOPS = 32;

const serverOf = ({ server }: LinkStatus): string => server ?? UNKNOWN_SERVER;

const hopName = ({ cluster, instance }: Broker): string => `${cluster}:${instance}`;

/**
 * The reply address of a request, with this broker in its trail where one is kept.
 * @throws Rejection `loop`
 */
export const withHop = <T extends Trail>(home: T, broker: Broker, from: LinkStatus, to: LinkStatus): T => {
  const { hops } = home;
  if (hops === undefined) return home;
  if (hops.length >= MAX_HOPS || hops.some((hop) => hop[1]?.startsWith(`${broker.cluster}:`)))
    throw new Rejection('loop', `the request has been here before: its trail has ${hops.length} hops`);
  return { ...home, hops: [...hops, [serverOf(from), hopName(broker), serverOf(to)]] };
};

/** The same for a reply. The way back starts where the way out ended; that of the bridge's own answer where it goes. */
export const withReplyHop = <T extends Trail>(home: T, broker: Broker, to: LinkStatus): T => {
  const { hops } = home;
  if (hops === undefined) return home;
  const last = hops.at(-1);
  const from = last === undefined ? serverOf(to) : last[2] || UNKNOWN_SERVER;
  return { ...home, hops: [...hops, [from, hopName(broker), serverOf(to)]] };
};
