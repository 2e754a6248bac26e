import { LRUCache } from 'lru-cache';
import { pauseAfter } from '../denied.ts';
import type { Denial, IncomingMessage, LinkError, Right, Subscription } from '../link.ts';
import type { Frame } from './frame.ts';

/** Sends a frame without a body on the connection that is up. */
export type SendCommand = (command: string, headers: Readonly<Record<string, string>>) => void;

interface Entry {
  readonly id: string;
  readonly subscription: Subscription;
  readonly confirmed: () => void;
  readonly refused: (error: unknown) => void;
  ended: (() => void) | undefined;
  denied: Denied | undefined;
}

interface Denied {
  /** Why the broker refuses it. */
  readonly error: LinkError;
  /** How often it has. */
  readonly refusals: number;
  /** The last time, by the monotonic clock. */
  readonly at: number;
  /** When it is asked again, also by another connection. */
  readonly again: NodeJS.Timeout;
  /** Whether the connection lasted on after it: the next one asks at once. */
  readonly lasted: boolean;
}

/** Ms within which a broker closes a connection because of what it has refused. */
const FAREWELL_MS = 1_000;

export interface SubscriptionsOptions {
  readonly prefetch: number | undefined;
  /** Ms. */
  readonly backoff: { readonly initial: number; readonly max: number };
  /** `add` rejects what the broker refuses, instead of waiting for the right. */
  readonly failFast: boolean;
  /** How to send a command now; undefined while there is no connection. */
  readonly command: () => SendCommand | undefined;
  /** Called for each subscription that cannot be made. */
  readonly onRefused: (error: unknown) => void;
  readonly onGranted: (right: Right) => void;
}

/** How many that have ended may still get late messages. */
const MAX_ENDED_SUBSCRIPTIONS = 100;

const SUBSCRIBED = 'subscribed-';
const UNSUBSCRIBED = 'unsubscribed-';

/** The subscriptions of a link, which outlive its connections. */
export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #entries = new Map<string, Entry>();
  /** Those that the broker has not confirmed on this connection. */
  readonly #unconfirmed = new Set<string>();
  /**
   * Those that have ended on this connection, the latest last. ActiveMQ confirms an UNSUBSCRIBE before it has sent all
   * that it had given to the subscription.
   */
  readonly #ended = new LRUCache<string, Subscription>({ max: MAX_ENDED_SUBSCRIPTIONS });
  #next = 1;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  /** Whether the broker has answered all of them. */
  get settled(): boolean {
    return [...this.#unconfirmed].every((id) => this.#entries.get(id)?.denied !== undefined);
  }

  /** Those that the broker refuses. */
  get denied(): readonly Denial[] {
    return [...this.#entries.values()].flatMap(({ denied, subscription }) =>
      denied === undefined ? [] : [{ right: rightOf(subscription), error: denied.error }],
    );
  }

  /** Destinations of those that the broker has not confirmed on this connection. */
  get unconfirmed(): readonly string[] {
    return [...this.#unconfirmed].map((id) => this.#entries.get(id)?.subscription.destination ?? '');
  }

  /**
   * @param send undefined while there is no connection: the next one brings it
   * @returns its id, once the broker has confirmed it for the first time
   */
  add(subscription: Subscription, send: SendCommand | undefined): Promise<string> {
    return new Promise((resolve, reject) => {
      const id = `${this.#next++}`;
      const confirmed = () => resolve(id);
      const entry: Entry = {
        id,
        subscription,
        confirmed,
        refused: reject,
        ended: undefined,
        denied: undefined,
      };
      this.#entries.set(id, entry);
      if (send !== undefined) this.#request(entry, send);
    });
  }

  /** Resolves once the broker sends no more messages for it. */
  remove(id: string, send: SendCommand | undefined): Promise<void> {
    return new Promise((resolve) => {
      const entry = this.#entries.get(id);
      clearTimeout(entry?.denied?.again);
      if (entry === undefined || send === undefined) {
        this.#entries.delete(id);
        resolve();
        return;
      }
      const before = entry.ended;
      entry.ended = () => {
        before?.();
        resolve();
      };
      if (before !== undefined) return;
      const { destination } = entry.subscription;
      send('UNSUBSCRIBE', { id, destination, receipt: `${UNSUBSCRIBED}${id}` });
    });
  }

  /** Makes all of them anew. */
  connected(send: SendCommand): void {
    // What ended a connection by being refused has a time of its own: it would do so at once again.
    for (const entry of this.#entries.values())
      if (entry.denied === undefined || entry.denied.lasted) this.#request(entry, send);
      else this.#unconfirmed.add(entry.id);
  }

  /** Subscriptions that were about to end have ended. */
  disconnected(): void {
    this.#unconfirmed.clear();
    const since = performance.now() - FAREWELL_MS;
    for (const entry of this.#entries.values()) {
      const { denied, ended } = entry;
      if (ended !== undefined) this.#end(entry);
      else if (denied !== undefined && denied.at < since) {
        clearTimeout(denied.again);
        entry.denied = { ...denied, lasted: true };
      }
    }
    this.#ended.clear();
  }

  closed(error: Error): void {
    for (const entry of this.#entries.values()) {
      clearTimeout(entry.denied?.again);
      entry.refused(error);
    }
    this.#entries.clear();
  }

  receipt(id: string): void {
    if (id.startsWith(SUBSCRIBED)) {
      const entry = this.#subscribing(id);
      if (entry === undefined) return;
      this.#unconfirmed.delete(entry.id);
      if (entry.denied !== undefined) {
        clearTimeout(entry.denied.again);
        entry.denied = undefined;
        this.#options.onGranted(rightOf(entry.subscription));
      }
      entry.confirmed();
    } else if (id.startsWith(UNSUBSCRIBED)) {
      const entry = this.#entries.get(id.slice(UNSUBSCRIBED.length));
      if (entry !== undefined) this.#end(entry);
    }
  }

  /** What was asked for with this receipt. */
  asked(receipt: string): Right | undefined {
    const entry = this.#subscribing(receipt);
    return entry && rightOf(entry.subscription);
  }

  /** The broker does not let this user subscribe; it is asked again, until it does. */
  refused(receipt: string, error: LinkError): void {
    const entry = this.#subscribing(receipt);
    if (entry === undefined) return;
    const { backoff, command, failFast } = this.#options;
    if (failFast) entry.refused(error);
    if (failFast || entry.ended !== undefined) {
      this.#end(entry);
      return;
    }
    const refusals = (entry.denied?.refusals ?? 0) + 1;
    clearTimeout(entry.denied?.again);
    const again = (): void => {
      const send = command();
      // By the next connection.
      if (send === undefined) entry.denied = undefined;
      else if (this.#entries.has(entry.id)) this.#request(entry, send);
    };
    const timer = setTimeout(again, pauseAfter(refusals, backoff)).unref();
    entry.denied = { error, refusals, at: performance.now(), again: timer, lasted: false };
  }

  #subscribing(receipt: string): Entry | undefined {
    return receipt.startsWith(SUBSCRIBED) ? this.#entries.get(receipt.slice(SUBSCRIBED.length)) : undefined;
  }

  /** The subscription that a MESSAGE is for. */
  find(frame: Frame): Subscription | undefined {
    const id = frame.headers['subscription'];
    if (id !== undefined) return this.#entries.get(id)?.subscription ?? this.#ended.get(id);
    // STOMP 1.0 does not promise the header.
    for (const { subscription } of this.#entries.values())
      if (subscription.destination === frame.headers['destination']) return subscription;
    return undefined;
  }

  /**
   * Whether a MESSAGE for a subscription that ends, or has ended, is another's by now. ActiveMQ acknowledges what it gives a
   * subscription just before it writes it (`ack:auto`, StompSubscription of 5.17.2). What it has not come to when the
   * UNSUBSCRIBE takes effect it puts back, marks as `redelivered`, gives to another, and writes here as well.
   */
  isTakenBack({ headers }: Frame): boolean {
    const id = headers['subscription'];
    if (id === undefined || headers['redelivered'] !== 'true') return false;
    return this.#ended.has(id) || this.#entries.get(id)?.ended !== undefined;
  }

  #request({ id, subscription, refused }: Entry, send: SendCommand): void {
    const { prefetch, onRefused } = this.#options;
    this.#unconfirmed.add(id);
    try {
      send('SUBSCRIBE', {
        ...subscription.headers,
        ...(prefetch === undefined ? {} : { 'activemq.prefetchSize': `${prefetch}` }),
        id,
        destination: subscription.destination,
        ack: 'auto',
        receipt: `${SUBSCRIBED}${id}`,
      });
    } catch (error) {
      // Headers that STOMP cannot say: no connection will make it better.
      this.#entries.delete(id);
      this.#unconfirmed.delete(id);
      refused(error);
      onRefused(error);
    }
  }

  #end(entry: Entry): void {
    this.#entries.delete(entry.id);
    this.#unconfirmed.delete(entry.id);
    this.#ended.set(entry.id, entry.subscription);
    entry.ended?.();
  }
}

const rightOf = ({ destination }: Subscription): Right => ({ kind: 'subscribe', destination });

export const toMessage = (frame: Frame): IncomingMessage => {
  const { headers, body } = frame;
  const replyTo = headers['reply-to'];
  return {
    destination: headers['destination'] ?? '',
    ...(replyTo === undefined ? {} : { replyTo }),
    headers,
    body,
  };
};
