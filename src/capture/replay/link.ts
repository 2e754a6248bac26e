import {
  type IncomingMessage,
  type Link,
  LinkError,
  type OutgoingMessage,
  type Subscription,
} from '../../transport/link.ts';
import { matcher } from '../../transport/wildcard.ts';

/** A link without a network: it hands over what a cassette says has come, and keeps what the bridge sends. */
export interface ReplayLink extends Link {
  /** @returns whether the destination has a listener */
  deliver(message: IncomingMessage): boolean;
}

interface Listener {
  readonly matches: (destination: string) => boolean;
  readonly onMessage: Subscription['onMessage'];
}

/**
 * What a broker gives to one of several subscriptions goes to the first that fits: selectors are not looked at, for
 * that the message came to the bridge says that one of them let it through.
 */
export const replayLink = (server: string, onSend: (message: OutgoingMessage) => void): ReplayLink => {
  const listeners = new Set<Listener>();
  let closed = false;
  const send = (message: OutgoingMessage): void => {
    if (closed) throw new LinkError('closed', 'the link is closed');
    onSend(message);
  };
  return {
    open: async () => undefined,
    subscribe: async ({ destination, onMessage }) => {
      const listener = { matches: matcher(destination), onMessage };
      listeners.add(listener);
      return {
        unsubscribe: async () => {
          listeners.delete(listener);
        },
      };
    },
    send,
    sendAll: (messages) => messages.forEach(send),
    close: async () => {
      closed = true;
      listeners.clear();
    },
    state: () => ({ up: !closed, server, buffered: 0 }),
    deliver: (message) => {
      for (const { matches, onMessage } of listeners) {
        if (!matches(message.destination)) continue;
        onMessage(message);
        return true;
      }
      return false;
    },
  };
};
