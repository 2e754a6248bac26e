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
  sendErrors: number;
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
  /** Subjects or destinations that messages are taken from, in the order in which they were subscribed to first. */
  readonly sources: readonly string[];
  readonly meter: Meter;
  /**
   * Ms since the epoch, when its connection was made or was lost, or it took the place of another and was not connected yet;
   * undefined before its first.
   */
  readonly since: number | undefined;
  /** Counts what goes through it. */
  readonly link: Link;
  /** The same without counting, for what is not a message of the federation. */
  readonly raw: Link;
}

export interface MeterOptions {
  readonly name: string;
  readonly side: Side;
  readonly clusters: readonly string[];
  /** Ms since the epoch. */
  readonly clock: () => number;
  /** Of the link in whose place it comes, to be counted on. */
  readonly meter?: Meter;
  readonly since?: () => number | undefined;
}

/** Counts what goes through a link, so that adapters need not. */
export const meterLink = (link: Link, options: MeterOptions): MeteredLink => {
  const { name, side, clock } = options;
  const meter: Meter = options.meter ?? {
    received: 0,
    sent: 0,
    sendErrors: 0,
    receivedSeconds: 0,
    sentSeconds: 0,
    lastMessage: undefined,
  };
  const sources: string[] = [];
  /** How many subscriptions each of them has. */
  const standing = new Map<string, number>();
  const begun = (source: string): void => {
    if (!sources.includes(source)) sources.push(source);
    standing.set(source, (standing.get(source) ?? 0) + 1);
  };
  const ended = (source: string): void => {
    const left = (standing.get(source) ?? 1) - 1;
    standing.set(source, left);
    // The last one stays: a link that takes nothing in any more is about to be closed, and is told of until then.
    if (left > 0 || sources.length === 1) return;
    standing.delete(source);
    sources.splice(sources.indexOf(source), 1);
  };

  const sent = (count: number, send: () => void): void => {
    const since = performance.now();
    try {
      send();
      meter.sent += count;
      meter.lastMessage = clock();
    } catch (error) {
      meter.sendErrors += count;
      throw error;
    } finally {
      meter.sentSeconds += (performance.now() - since) / 1000;
    }
  };

  const subscribe = async (subscription: Subscription): Promise<LinkSubscription> => {
    const { destination, onMessage } = subscription;
    begun(destination);
    const confirmed = await link.subscribe({
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
    return {
      unsubscribe: async () => {
        ended(destination);
        await confirmed.unsubscribe();
      },
    };
  };

  return {
    name,
    side,
    get clusters() {
      return options.clusters;
    },
    sources,
    meter,
    get since() {
      return options.since?.();
    },
    raw: link,
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
