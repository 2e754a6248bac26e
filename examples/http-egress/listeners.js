// @ts-check
import { checkSubject, matcher } from 'mcbridge/adapter';

/** @import { IncomingMessage, LinkListener, LinkSubscription, Subscription } from 'mcbridge/adapter' */

/** Who awaits messages of a link, and where. */
export class Listeners {
  #onEvent;
  /** @type {Set<{ readonly matches: (destination: string) => boolean, readonly onMessage: Subscription['onMessage'] }>} */
  #all = new Set();

  /** @param {LinkListener} onEvent told of what a listener throws, which is a bug */
  constructor(onEvent) {
    this.#onEvent = onEvent;
  }

  /** @param {Subscription} subscription @returns {LinkSubscription} */
  add({ destination, onMessage }) {
    checkSubject(destination);
    const listener = { matches: matcher(destination), onMessage };
    this.#all.add(listener);
    return {
      unsubscribe: async () => {
        this.#all.delete(listener);
      },
    };
  }

  /** @param {IncomingMessage} message */
  hand(message) {
    for (const { matches, onMessage } of this.#all) {
      if (!matches(message.destination)) continue;
      try {
        onMessage(message);
      } catch (error) {
        this.#onEvent({ kind: 'error', error: error instanceof Error ? error : new Error(String(error)) });
      }
    }
  }
}
