import type { Right } from '../link.ts';

/**
 * The entry of ActiveMQ's `authorizationMap` that grants a right. `admin` lets a user create a destination that nobody has
 * used yet; ActiveMQ adds up all entries that match.
 */
export const grantOf = ({ kind, destination }: Right): string => {
  const [, type = 'queue', name = destination] = /^\/(queue|topic)\/(.+)$/.exec(destination) ?? [];
  const right = kind === 'publish' ? 'write' : 'read';
  return `<authorizationEntry ${type}="${name}" ${right}="GROUP" admin="GROUP"/>`;
};
