import { z } from 'zod';
import { isCallerId } from '../envelope/check.ts';
import { isGlob } from '../envelope/glob.ts';
import { ALWAYS, refuse, seconds, text } from './fields.ts';

/** Which nodes live beyond an egress, the same in every egress. */
export interface NodesConfig {
  /** Globs of identities: `*` is any text, `?` one character. */
  readonly nodes: readonly string[];
  readonly discovery: DiscoveryConfig;
}

/** How the nodes that are there are learned. */
export interface DiscoveryConfig {
  /** Seconds between questions; 0 is off; undefined: {@link DISCOVERY_EVERY} where an ingress needs to know. */
  readonly every: number | undefined;
  /** Seconds for which a node counts as there after it was heard of; undefined: three intervals. */
  readonly expire: number | undefined;
  /** In whose name the bridge asks; undefined: its own. */
  readonly caller: string | undefined;
}

/** Seconds. */
export const DISCOVERY_EVERY = 60;
/** A node may miss two questions. */
const INTERVALS = 3;
const DAY = 24 * 3600;

const glob = () =>
  text(
    'an identity such as web1.example.net, with * for any text and ? for one character; no regular expression',
    isGlob,
  );

const checkExpire = (
  it: { readonly every?: unknown; readonly expire?: unknown },
  context: z.core.$RefinementCtx,
): void => {
  const { every = DISCOVERY_EVERY, expire } = it;
  if (typeof every !== 'number' || typeof expire !== 'number' || expire >= 2 * every) return;
  refuse(
    context,
    ['expire'],
    `is less than two times ${every} s (every), so that nodes which are there would be forgotten`,
  );
};

/** The keys of an egress that say who lives beyond it. */
export const nodesFields = () => ({
  nodes: z.array(glob()).default([]),
  discovery: z
    .strictObject({
      every: seconds(0, DAY).optional(),
      expire: seconds(1, 7 * DAY).optional(),
      caller: text('a callerid such as cert=mcbridge or choria=mcbridge.example.net', isCallerId).optional(),
    })
    .superRefine(checkExpire, ALWAYS)
    .default({}),
});

type Fields = z.output<z.ZodObject<ReturnType<typeof nodesFields>>>;

export const nodesOf = ({ nodes, discovery: { every, expire, caller } }: Fields): NodesConfig => ({
  nodes: [...new Set(nodes)],
  discovery: { every, expire, caller },
});

/**
 * The times of discovery with their defaults, in seconds.
 * @param needed whether an ingress asks who lives beyond this egress, or whether it is one's local egress
 */
export const discoveryTimes = (
  { every, expire }: DiscoveryConfig,
  needed: boolean,
): { readonly every: number; readonly expire: number } => {
  const interval = every ?? (needed ? DISCOVERY_EVERY : 0);
  return { every: interval, expire: expire ?? INTERVALS * (interval === 0 ? DISCOVERY_EVERY : interval) };
};
