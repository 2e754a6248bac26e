import { z } from 'zod';
import { isCallerId } from '../envelope/check.ts';
import { isGlob } from '../envelope/glob.ts';
import { type CamelKeys, camelKeys } from './camel-keys.ts';
import { ALWAYS, refuse, seconds, setting, text, token } from './fields.ts';

/** Seconds. */
export const DISCOVERY_INTERVAL_SECONDS = 60;
/** A node may miss two questions. */
const EXPIRY_INTERVALS = 3;
const DAY_SECONDS = 24 * 3600;

const glob = () =>
  text(
    'an identity such as web1.example.net, with * for any text and ? for one character; no regular expression',
    isGlob,
  );

const checkExpire = (
  it: { readonly every?: unknown; readonly expire?: unknown },
  context: z.core.$RefinementCtx,
): void => {
  const { every = DISCOVERY_INTERVAL_SECONDS, expire } = it;
  if (typeof every !== 'number' || typeof expire !== 'number' || expire >= 2 * every) return;
  refuse(
    context,
    ['expire'],
    `is less than two times ${every} s (every), so that nodes which are there would be forgotten`,
  );
};

/** The keys of an egress that say what lies beyond it. */
export const nodesFields = () => ({
  network: setting(
    'the network that it leads to: egresses of one network may hear replies to each other; where it is not given, its own with those that have the same servers and login',
    token('a name for the network').optional(),
  ),
  nodes: setting('who lives there, beside those that are learned', z.array(glob()).default([])),
  discovery: setting(
    'how it is learned who lives there',
    z
      .strictObject({
        every: setting(
          `how often the bridge asks who is there; 0 is off; where it is not given, ${DISCOVERY_INTERVAL_SECONDS}s if an ingress needs to know`,
          seconds(0, DAY_SECONDS).optional(),
        ),
        expire: setting(
          'how long a node counts as there after it was heard of; where it is not given, three times every',
          seconds(1, 7 * DAY_SECONDS).optional(),
        ),
        caller: setting(
          "in whose name the bridge asks; where it is not given, in the bridge's own",
          text('a callerid such as cert=mcbridge or choria=mcbridge.example.net', isCallerId).optional(),
        ),
      })
      .superRefine(checkExpire, ALWAYS)
      .default({}),
  ),
});

type Fields = z.output<z.ZodObject<ReturnType<typeof nodesFields>>>;

/** How the nodes that are there are learned. */
export type DiscoveryConfig = CamelKeys<Fields['discovery']>;

/** What lies behind an egress, the same in every egress; its nodes are globs of identities. */
export interface NodesConfig extends CamelKeys<Pick<Fields, 'nodes'>> {
  readonly network?: string | undefined;
  readonly discovery: DiscoveryConfig;
}

export const nodesOf = ({ network, nodes, discovery }: Fields): NodesConfig => ({
  ...(network !== undefined && { network }),
  nodes: [...new Set(nodes)],
  discovery: camelKeys(discovery),
});

/**
 * The times of discovery with their defaults, in seconds.
 * @param needed whether an ingress asks who lives behind this egress, or whether it is one's local egress
 */
export const discoveryTimes = (
  { every, expire }: DiscoveryConfig,
  needed: boolean,
): { readonly every: number; readonly expire: number } => {
  const interval = every ?? (needed ? DISCOVERY_INTERVAL_SECONDS : 0);
  return {
    every: interval,
    expire: expire ?? EXPIRY_INTERVALS * (interval === 0 ? DISCOVERY_INTERVAL_SECONDS : interval),
  };
};
