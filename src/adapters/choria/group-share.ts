import type { Link, LinkSubscription, Subscription } from '../../transport/link.ts';

/**
 * Joins a queue group with as many members: NATS gives each subscription of a group an equal part of what comes, whoever
 * holds it. go-choria's broker holds ten a side (its broker/federation: ten workers).
 */
export const joinGroup = (
  link: Link,
  subscription: Subscription & { readonly group: string },
  members: number,
): Promise<readonly LinkSubscription[]> =>
  Promise.all(Array.from({ length: members }, () => link.subscribe(subscription)));
