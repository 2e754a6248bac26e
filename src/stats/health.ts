import { isStatsSubject } from '../wire/choria/stats.ts';
import type { MeteredLink, Side } from './meter.ts';

/** `starting` until everything is connected and subscribed for the first time, `draining` from the first signal on. */
export type Phase = 'starting' | 'running' | 'draining';

/** A side that requests or replies do not get through at the moment. */
export interface Trouble {
  readonly name: string;
  readonly side: Side;
  readonly problem: 'not connected' | 'not subscribed';
  /** As an operator would be told. */
  readonly reason: string;
}

export interface Health {
  /** Whether every ingress and egress is connected and subscribed, and the bridge takes requests. */
  readonly ready: boolean;
  readonly phase: Phase;
  readonly troubles: readonly Trouble[];
}

const troubleOf = ({ name, side, uncounted, sources }: MeteredLink): Trouble | undefined => {
  const { up, reason = 'no reason is known', unconfirmed: pending = [] } = uncounted.state();
  // What other instances say of themselves carries no messages.
  const unconfirmed = pending.filter((destination) => !isStatsSubject(destination));
  if (!up) return { name, side, problem: 'not connected', reason };
  if (unconfirmed.length > 0)
    return {
      name,
      side,
      problem: 'not subscribed',
      reason: `the broker has not confirmed ${unconfirmed.join(', ')}`,
    };
  if (sources.length === 0)
    return { name, side, problem: 'not subscribed', reason: 'it waits for the other side' };
  return undefined;
};

export const healthOf = (links: readonly MeteredLink[], phase: Phase): Health => {
  const troubles = links.map(troubleOf).filter((trouble) => trouble !== undefined);
  return { ready: phase === 'running' && troubles.length === 0, phase, troubles };
};
