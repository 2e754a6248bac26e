import type { IncomingMessage, Subscription } from '../link.ts';
import type { Frame } from './frame.ts';

/** Sends a frame without a body on the connection that is up. */
export type SendCommand = (command: string, headers: Readonly<Record<string, string>>) => void;

interface Entry {
  readonly id: string;
  readonly subscription: Subscription;
  readonly confirmed: () => void;
  readonly refused: (error: unknown) => void;
  ended: (() => void) | undefined;
}

/** How many that have ended may still get late messages. */
const LATE = 100;

const SUBSCRIBED = 'subscribed-';
const UNSUBSCRIBED = 'unsubscribed-';

/** The subscriptions of a link, which outlive its connections. */
export class Subscriptions {
  readonly #prefetch: number | undefined;
  readonly #onRefused: (error: unknown) => void;
  readonly #entries = new Map<string, Entry>();
  /** Those that the broker has not confirmed on this connection. */
  readonly #unconfirmed = new Set<string>();
  /**
   * Those that have ended on this connection, the latest last. ActiveMQ confirms an UNSUBSCRIBE before it has sent all
   * that it had given to the subscription. Others get that again, marked `redelivered`.
   */
  readonly #ended = new Map<string, Subscription>();
  #next = 1;

  /** @param onRefused told of a subscription that cannot be made, whoever waits for it */
  constructor(prefetch: number | undefined, onRefused: (error: unknown) => void) {
    this.#prefetch = prefetch;
    this.#onRefused = onRefused;
  }

  /** Whether the broker has confirmed all of them. */
  get settled(): boolean {
    return this.#unconfirmed.size === 0;
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
      const entry: Entry = { id, subscription, confirmed, refused: reject, ended: undefined };
      this.#entries.set(id, entry);
      if (send !== undefined) this.#request(entry, send);
    });
  }

  /** Resolves once the broker sends no more messages for it. */
  remove(id: string, send: SendCommand | undefined): Promise<void> {
    return new Promise((resolve) => {
      const entry = this.#entries.get(id);
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
    for (const entry of this.#entries.values()) this.#request(entry, send);
  }

  /** Subscriptions that were about to end have ended. */
  disconnected(): void {
    this.#unconfirmed.clear();
    for (const entry of this.#entries.values()) if (entry.ended !== undefined) this.#end(entry);
    this.#ended.clear();
  }

  closed(error: Error): void {
    for (const entry of this.#entries.values()) entry.refused(error);
    this.#entries.clear();
  }

  receipt(id: string): void {
    if (id.startsWith(SUBSCRIBED)) {
      const entry = this.#entries.get(id.slice(SUBSCRIBED.length));
      if (entry === undefined) return;
      this.#unconfirmed.delete(entry.id);
      entry.confirmed();
    } else if (id.startsWith(UNSUBSCRIBED)) {
      const entry = this.#entries.get(id.slice(UNSUBSCRIBED.length));
      if (entry !== undefined) this.#end(entry);
    }
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

  #request({ id, subscription, refused }: Entry, send: SendCommand): void {
    this.#unconfirmed.add(id);
    try {
      send('SUBSCRIBE', {
        ...subscription.headers,
        ...(this.#prefetch === undefined ? {} : { 'activemq.prefetchSize': `${this.#prefetch}` }),
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
      this.#onRefused(error);
    }
  }

  #end(entry: Entry): void {
    this.#entries.delete(entry.id);
    this.#unconfirmed.delete(entry.id);
    this.#ended.set(entry.id, entry.subscription);
    const oldest = this.#ended.keys().next().value;
    if (this.#ended.size > LATE && oldest !== undefined) this.#ended.delete(oldest);
    entry.ended?.();
  }
}

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
