import type { Right } from './link.ts';
import { matcher } from './wildcard.ts';

/** A right that an adapter needs on its broker. */
export interface Requirement {
  /** What for, in a few words that go on "to …". */
  readonly purpose: string;
  /** What is asked for when it is proved: such a destination as will be used, without listeners. */
  readonly right: Right;
  /** What is to be granted: a destination, or a wildcard that holds all that will be used. */
  readonly grant: string;
}

export const toSubscribe = (purpose: string, destination: string, group?: string): Requirement => ({
  purpose,
  right: { kind: 'subscribe', destination, ...(group === undefined ? {} : { group }) },
  grant: destination,
});

/** @param probe one of those that `grant` stands for, without listeners */
export const toPublish = (purpose: string, grant: string, probe: string): Requirement => ({
  purpose,
  right: { kind: 'publish', destination: probe },
  grant,
});

export type IsPart = (right: Right) => boolean;

/** Which rights a requirement is for. */
export const partOf = ({ right: { kind }, grant }: Requirement): IsPart => {
  const matches = matcher(grant);
  return (right) => right.kind === kind && matches(right.destination);
};
