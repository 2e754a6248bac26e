import {
  type IncomingMessage,
  type Link,
  LinkError,
  type OutgoingMessage,
  type Subscription,
} from '../transport/link.ts';

/** A link without a network: it hands over what a cassette says has come, and keeps what the bridge sends. */
export interface ReplayLink extends Link {
  /** @returns whether somebody listens where the message was sent to */
  deliver(message: IncomingMessage): boolean;
}

/** `*` stands for one token, `>` for one or more at the end, on NATS as on ActiveMQ. */
const matcher = (pattern: string): ((destination: string) => boolean) => {
  if (!/[*>]/.test(pattern)) return (destination) => destination === pattern;
  const wanted = pattern.split('.');
  if (wanted.at(-1) === '>' && !wanted.slice(0, -1).some((token) => token === '*')) {
    const start = pattern.slice(0, -1);
    return (destination) => destination.startsWith(start) && destination.length > start.length;
  }
  return (destination) => {
    const tokens = destination.split('.');
    for (const [at, want] of wanted.entries()) {
      if (want === '>') return tokens.length > at;
      if (tokens[at] === undefined || (want !== '*' && want !== tokens[at])) return false;
    }
    return tokens.length === wanted.length;
  };
};

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
