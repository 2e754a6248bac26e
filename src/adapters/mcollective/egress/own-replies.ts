import type { IncomingMessage, Link } from '../../../transport/link.ts';
import { subscribeOnce } from '../../kit/subscribe-once.ts';
import { replyWildcard } from '../wire/addressing.ts';

/**
 * Where replies come to this instance alone, for clients whose session it has. Each collective is subscribed when it is first needed.
 * @param name in the place of the cluster's
 * @returns a function that gives that name once replies of the collective are heard, and throws Rejection where they cannot be
 */
export const createOwnReplies = (
  link: Link,
  name: string,
  onMessage: (message: IncomingMessage) => void,
): ((collective: string) => Promise<string>) => {
  const subscribe = subscribeOnce(link, { onMessage });
  return async (collective) => {
    await subscribe(replyWildcard(collective, name));
    return name;
  };
};
