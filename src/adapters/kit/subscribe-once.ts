import { asRejection } from '../../envelope/rejection.ts';
import type { Link, Subscription } from '../../transport/link.ts';

/**
 * Subscriptions that not every bridge needs: each destination is subscribed once, when it is first needed.
 * @returns a function that resolves once a destination is heard, and throws Rejection where it cannot be; then the next one tries anew
 */
export const subscribeOnce = (
  link: Link,
  how: Omit<Subscription, 'destination'>,
): ((destination: string) => Promise<void>) => {
  const subscribed = new Map<string, Promise<unknown>>();
  return async (destination) => {
    const standing = subscribed.get(destination) ?? link.subscribe({ ...how, destination });
    subscribed.set(destination, standing);
    try {
      await standing;
    } catch (error) {
      subscribed.delete(destination);
      throw asRejection(error);
    }
  };
};
