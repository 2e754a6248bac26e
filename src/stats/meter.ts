import type { Link, LinkState, LinkSubscription, Subscription } from '../transport/link.ts';

/** Which side of the bridge a link is on, in the words of Federation Brokers. */
export type Side = 'federation' | 'collective';

/** What has gone through a link. Plain numbers: they change with every message. */
export interface Meter {
  /** Messages that came in, whatever became of them. */
  received: number;
  /** Messages handed to the link, which may still wait there. */
  sent: number;
  /** Messages that the link did not take. */
  refused: number;
  /** What the handling of incoming messages has taken, and the handing over of outgoing ones. */
  receivedSeconds: number;
  sentSeconds: number;
  /** Ms since the epoch, in either direction; undefined before the first. */
  lastMessage: number | undefined;
}

/** A link as the bridge uses it, with what is known of it. */
export interface MeteredLink {
  readonly name: string;
  readonly side: Side;
  /** The clusters whose messages it carries. */
  readonly clusters: readonly string[];
  /** Subjects or destinations that messages are taken from, in the order in which they were subscribed to. */
  readonly sources: readonly string[];
  readonly meter: Readonly<Meter>;
  /** Counts what goes through it. */
  readonly link: Link;
  /** The same without counting, for what is no message of the federation. */
  readonly uncounted: Link;
}

export interface MeterOptions {
  readonly name: string;
  readonly side: Side;
  readonly clusters: readonly string[];
  /** Ms since the epoch. */
  readonly clock: () => number;
}

/** Counts what goes through a link, so that adapters need not. */
export const meterLink = (link: Link, { name, side, clusters, clock }: MeterOptions): MeteredLink => {
  const meter: Meter = {
    received: 0,
    sent: 0,
    refused: 0,
    receivedSeconds: 0,
    sentSeconds: 0,
    lastMessage: undefined,
  };
  const sources: string[] = [];

  const sent = (count: number, send: () => void): void => {
    const since = performance.now();
    try {
      send();
      meter.sent += count;
      meter.lastMessage = clock();
    } catch (error) {
      meter.refused += count;
      throw error;
    } finally {
      meter.sentSeconds += (performance.now() - since) / 1000;
    }
  };

  const subscribe = (subscription: Subscription): Promise<LinkSubscription> => {
    const { destination, onMessage } = subscription;
    if (!sources.includes(destination)) sources.push(destination);
    return link.subscribe({
      ...subscription,
      onMessage: (message) => {
        const since = performance.now();
        meter.received++;
        meter.lastMessage = clock();
        try {
          onMessage(message);
        } finally {
          meter.receivedSeconds += (performance.now() - since) / 1000;
        }
      },
    });
  };

  return {
    name,
    side,
    clusters,
    sources,
    meter,
    uncounted: link,
    link: {
      open: () => link.open(),
      subscribe,
      send: (message, unsent) => sent(1, () => link.send(message, unsent)),
      sendAll: (messages, unsent) => sent(messages.length, () => link.sendAll(messages, unsent)),
      close: () => link.close(),
      state: (): LinkState => link.state(),
    },
  };
};
