import { randomBytes } from 'node:crypto';
import type { IncomingMessage, Link } from '../../../transport/link.ts';
import { subscribeOnce } from '../../kit/subscribe-once.ts';
import { collectiveSubject } from '../wire/index.ts';

/**
 * Where replies come to this instance alone, for clients whose session it has: the subject of a cluster without other members. It
 * is subscribed when it is first needed.
 * @returns a function that gives the subject once it is heard, and throws Rejection where it cannot be
 */
export const createOwnReplies = (
  link: Link,
  onMessage: (message: IncomingMessage) => void,
): (() => Promise<string>) => {
  const destination = collectiveSubject(randomBytes(12).toString('hex'));
  const subscribe = subscribeOnce(link, { onMessage });
  return async () => {
    await subscribe(destination);
    return destination;
  };
};
