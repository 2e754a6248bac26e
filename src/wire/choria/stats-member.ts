import { Rejection } from '../../envelope/rejection.ts';
import { isObject, type JsonObject } from './fields.ts';
import { count, textOf } from './stats-fields.ts';

/** How an instance takes part in sharing requests of which each instance gets a copy; see `cluster/timing.ts`. */
export interface MemberStats {
  /** Random, new with each start. */
  readonly process: string;
  /** Greater with each document. */
  readonly sequence: number;
  /** When it says this, in ms since the epoch. */
  readonly sent: number;
  /** Ms between documents. */
  readonly interval: number;
  /** It takes requests sent from here on, in ms since the epoch. */
  readonly since: number;
  /** It hands its share over: it takes no requests sent from here on, in ms since the epoch. */
  readonly until?: number;
  /** Whether all that the cluster shares reaches it now: it is connected to all brokers that send copies. */
  readonly hearsAll: boolean;
  /** Proves that the document's cluster, instance and all of this come from somebody with the cluster's key. */
  readonly seal: string;
}

export const writeMember = (member: MemberStats): JsonObject => ({
  process: member.process,
  sequence: member.sequence,
  sent: member.sent,
  interval: member.interval,
  since: member.since,
  until: member.until,
  hears_all: member.hearsAll,
  seal: member.seal,
});

/** @throws Rejection `invalid_field` */
export const readMember = (value: unknown, what: string): MemberStats | undefined => {
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) throw new Rejection('invalid_field', `the member in ${what} is no object`);
  const of = (key: string): string => `the ${key} of member in ${what}`;
  const number = (key: string): number => count(value[key], of(key));
  const interval = number('interval');
  // Silence is measured in it.
  if (interval === 0) throw new Rejection('invalid_field', `${of('interval')} is missing or 0`);
  return {
    process: textOf(value['process'], of('process')),
    sequence: number('sequence'),
    sent: number('sent'),
    interval,
    since: number('since'),
    ...(value['until'] !== undefined && { until: number('until') }),
    hearsAll: value['hears_all'] === true,
    seal: textOf(value['seal'], of('seal')),
  };
};
