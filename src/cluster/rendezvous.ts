import { createHash } from 'node:crypto';

/**
 * Rendezvous hashing (highest random weight): each member has a weight for each request, and the request is the
 * heaviest one's. Of any two members that know each other at most one holds itself for the heaviest, and when one
 * comes or goes, no request changes between two others.
 * @returns 64 hexadecimal digits, to be compared as texts
 */
export const weightOf = (member: string, requestId: string): string =>
  createHash('sha256').update(`${member}\0${requestId}`).digest('hex');

/** Whose the request is; undefined where there is nobody. */
export const heaviest = (members: Iterable<string>, requestId: string): string | undefined => {
  let best: { readonly member: string; readonly weight: string } | undefined;
  for (const member of members) {
    const weight = weightOf(member, requestId);
    if (best === undefined || weight > best.weight) best = { member, weight };
  }
  return best?.member;
};
