import type { LinkError } from '../transport/link.ts';
import { isStatsSubject } from '../wire/choria/stats.ts';
import type { MeteredLink, Side } from './meter.ts';

/** `starting` until everything is connected and subscribed for the first time, `draining` from the first signal on. */
export type Phase = 'starting' | 'running' | 'draining';

/** A side that requests or replies do not get through at the moment. */
export interface Trouble {
  readonly name: string;
  readonly side: Side;
  readonly problem: 'not connected' | 'not subscribed' | 'not permitted';
  /** As an operator would be told. */
  readonly reason: string;
}

export interface Health {
  /** Whether every ingress and egress is connected and subscribed, and the bridge takes requests. */
  readonly ready: boolean;
  readonly phase: Phase;
  readonly troubles: readonly Trouble[];
}

const toldOf = (error: LinkError): string => {
  const hint = error.hint();
  return hint === undefined ? error.message : `${error.message} (${hint})`;
};

const troubleOf = ({ name, side, uncounted, sources }: MeteredLink): Trouble | undefined => {
  const {
    up,
    reason = 'no reason is known',
    unconfirmed: pending = [],
    denied: refused = [],
  } = uncounted.state();
  // What other instances say of themselves carries no messages.
  const unconfirmed = pending.filter((destination) => !isStatsSubject(destination));
  const denied = refused.filter(({ right }) => !isStatsSubject(right.destination));
  if (!up) return { name, side, problem: 'not connected', reason };
  if (denied.length > 0)
    return {
      name,
      side,
      problem: 'not permitted',
      reason: denied.map(({ error }) => toldOf(error)).join('; '),
    };
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
