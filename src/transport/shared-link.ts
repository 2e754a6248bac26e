import pTimeout from 'p-timeout';
import {
  type Link,
  LinkError,
  type LinkState,
  type LinkSubscription,
  type OutgoingMessage,
  type Subscription,
  type Unsent,
} from './link.ts';

/** How long a broker may take to confirm that subscriptions have ended, in ms. */
const LEAVE_TIMEOUT_MS = 5_000;

/** A user's share of a subscription. */
interface Taker {
  readonly lease: object;
  readonly subscription: Subscription;
}

/** A subscription as the broker has it. */
interface Standing {
  /** The last of them gets what comes. */
  readonly takers: Taker[];
  readonly confirmed: Promise<LinkSubscription>;
}

/** What the broker would hold for another subscription. */
const keyOf = ({ destination, group, headers = {} }: Subscription): string =>
  JSON.stringify([destination, group, Object.entries(headers).toSorted()]);

/**
 * A connection that outlives its users: each has a lease of it, and closes that. Where a new user subscribes to what an old
 * one is subscribed to, the subscription passes to it at once and the broker sees nothing of it: nothing is lost, and
 * nothing comes twice. While both are there they count as one; should the new one leave first, the old one has it again.
 */
export class SharedLink {
  readonly #link: Link;
  readonly #standing = new Map<string, Standing[]>();
  /** Those that are in use. */
  readonly #leases = new Set<object>();
  #isRetired = false;
  #opened: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(link: Link) {
    this.#link = link;
  }

  /** @param onClosed called once its user has closed it */
  lease(onClosed: () => void = () => undefined): Link {
    const lease = {};
    const mine = new Map<Taker, Standing>();
    let closed = false;
    const mustBeOpen = (): void => {
      if (closed || this.#closed !== undefined) throw new LinkError('closed', 'the link is closed');
    };
    const leave = async (taker: Taker): Promise<void> => {
      const standing = mine.get(taker);
      mine.delete(taker);
      if (standing !== undefined) await this.#leave(standing, taker);
    };
    const link = this.#link;
    return {
      open: async () => {
        mustBeOpen();
        this.#leases.add(lease);
        this.#opened ??= link.open();
        await this.#opened;
        mustBeOpen();
      },
      subscribe: async (subscription) => {
        mustBeOpen();
        this.#leases.add(lease);
        const taker = { lease, subscription };
        const standing = this.#join(taker);
        mine.set(taker, standing);
        try {
          await standing.confirmed;
        } catch (error) {
          mine.delete(taker);
          throw error;
        }
        return { unsubscribe: () => leave(taker) };
      },
      send: (message: OutgoingMessage, unsent?: Unsent) => {
        mustBeOpen();
        link.send(message, unsent);
      },
      sendAll: (messages: readonly OutgoingMessage[], unsent?: Unsent) => {
        mustBeOpen();
        link.sendAll(messages, unsent);
      },
      // Do not wait for a broker that may have stalled; messages that wait go out by the link.
      close: async () => {
        if (closed) return;
        closed = true;
        const left = Promise.allSettled([...mine.keys()].map(leave));
        this.#leases.delete(lease);
        onClosed();
        if (!this.#isRetired || this.#leases.size > 0) return;
        // What the broker has given to this connection, in the place of another, would be lost with it.
        await pTimeout(left, { milliseconds: LEAVE_TIMEOUT_MS, message: false });
        await this.close();
      },
      state: (): LinkState => link.state(),
      ...(link.prove && { prove: link.prove.bind(link) }),
    };
  }

  /** There are no new users: it is closed when the last one has left. */
  async retire(): Promise<void> {
    this.#isRetired = true;
    if (this.#leases.size === 0) await this.close();
  }

  /** For all of its users. */
  close(): Promise<void> {
    this.#closed ??= this.#link.close();
    return this.#closed;
  }

  /** Several subscriptions of one user to the same are members of a group, and stay several. */
  #join(taker: Taker): Standing {
    const key = keyOf(taker.subscription);
    const all = this.#standing.get(key) ?? [];
    this.#standing.set(key, all);
    const free = all.find(({ takers }) => takers.every(({ lease }) => lease !== taker.lease));
    if (free !== undefined) {
      free.takers.push(taker);
      return free;
    }
    const takers = [taker];
    const last = (): Subscription => takers.at(-1)?.subscription ?? taker.subscription;
    const standing: Standing = {
      takers,
      confirmed: this.#link.subscribe({
        ...taker.subscription,
        onMessage: (message) => last().onMessage(message),
        ...(taker.subscription.onNoResponders && { onNoResponders: () => last().onNoResponders?.() }),
        ...(taker.subscription.onResubscribed && { onResubscribed: () => last().onResubscribed?.() }),
      }),
    };
    all.push(standing);
    // Its waiters get the error.
    standing.confirmed.catch(() => this.#forget(key, standing));
    return standing;
  }

  async #leave(standing: Standing, taker: Taker): Promise<void> {
    const { takers } = standing;
    if (takers.length > 1) {
      takers.splice(takers.indexOf(taker), 1);
      return;
    }
    // What has arrived, and what still does until the broker has confirmed the end, is this one's.
    this.#forget(keyOf(taker.subscription), standing);
    const subscription = await standing.confirmed;
    await subscription.unsubscribe();
  }

  #forget(key: string, standing: Standing): void {
    const left = this.#standing.get(key)?.filter((one) => one !== standing) ?? [];
    if (left.length === 0) this.#standing.delete(key);
    else this.#standing.set(key, left);
  }
}
