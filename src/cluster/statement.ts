import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { MemberStats } from '../wire/choria/stats-member.ts';

/** What an instance says of its taking part. */
export type Statement = Omit<MemberStats, 'seal'>;

/** Whose statement it is. */
export interface Author {
  readonly cluster: string;
  readonly instance: string;
}

const macOf = (statement: Statement, { cluster, instance }: Author, key: KeyObject): Buffer => {
  const { process, sequence, sent, interval, since, until = null, hearsAll } = statement;
  // Not to be taken for a reply token's, which the same key authenticates.
  return createHmac('sha256', key)
    .update('mcbridge member 1\0')
    .update(JSON.stringify([cluster, instance, process, sequence, sent, interval, since, until, hearsAll]))
    .digest();
};

/** The statement with the proof that somebody made it who has the cluster's key. */
export const seal = (statement: Statement, author: Author, key: KeyObject): MemberStats => ({
  ...statement,
  seal: macOf(statement, author, key).toString('base64url'),
});

export const isSealed = ({ seal, ...statement }: MemberStats, author: Author, key: KeyObject): boolean => {
  const given = Buffer.from(seal, 'base64url');
  const right = macOf(statement, author, key);
  return given.length === right.length && timingSafeEqual(given, right);
};
