import { isStatsSubject } from '../adapters/choria/wire/stats.ts';
import type { Denial } from '../transport/link.ts';
import type { MeteredLink, Side } from './meter.ts';

/** `starting` until everything is connected and subscribed for the first time, `draining` from the first signal on. */
export type Phase = 'starting' | 'running' | 'draining';

/** A side that requests or replies do not get through at the moment, or what instances share them by. */
export interface Trouble {
  readonly name: string;
  readonly side: Side | 'cluster';
  readonly problem: 'not connected' | 'not subscribed' | 'not permitted' | 'not alone';
  /** As an operator would be told. */
  readonly reason: string;
}

export interface Health {
  /** Whether every ingress and egress is connected and subscribed, and the bridge takes requests. */
  readonly ready: boolean;
  readonly phase: Phase;
  readonly troubles: readonly Trouble[];
}

/** Destinations that a sentence names. */
const MAX_LISTED = 10;

const toldOf = ({ error, need }: Denial): string => {
  const what = need === undefined ? error.message : `${error.message}; it is needed to ${need.purpose}`;
  const hint = need?.hint ?? error.hint();
  return hint === undefined ? what : `${what} (${hint})`;
};

const listed = (destinations: readonly string[]): string => {
  const more = destinations.length - MAX_LISTED;
  const named = destinations.slice(0, MAX_LISTED).join(', ');
  return more > 0 ? `${named} and ${more} more` : named;
};

const troubleOf = ({ name, side, raw, sources }: MeteredLink): Trouble | undefined => {
  const { up, reason = 'no reason is known', unconfirmed: pending = [], denied: refused = [] } = raw.state();
  // What instances say of themselves carries no messages.
  const counts = (destination: string): boolean => !isStatsSubject(destination);
  const unconfirmed = pending.filter(counts);
  const denied = refused.filter(({ right }) => counts(right.destination));
  if (!up) return { name, side, problem: 'not connected', reason };
  if (denied.length > 0)
    return {
      name,
      side,
      problem: 'not permitted',
      reason: denied.map(toldOf).join('; '),
    };
  if (unconfirmed.length > 0)
    return {
      name,
      side,
      problem: 'not subscribed',
      reason: `the broker has not confirmed ${listed(unconfirmed)}`,
    };
  if (sources.length === 0)
    return { name, side, problem: 'not subscribed', reason: 'it waits for the other side' };
  return undefined;
};

/** @param shared what is wrong with how instances share */
export const healthOf = (
  links: readonly MeteredLink[],
  phase: Phase,
  shared: readonly Trouble[] = [],
): Health => {
  const troubles = [...links.map(troubleOf).filter((trouble) => trouble !== undefined), ...shared];
  return { ready: phase === 'running' && troubles.length === 0, phase, troubles };
};
