import type { Subscription as Held } from '@nats-io/transport-node';
import { pauseAfter } from '../denied.ts';
import type { Denial, LinkError, LinkSubscription, Subscription } from '../link.ts';
import type { NatsLinkSettings } from './options.ts';
import { type NatsSession, rightOf } from './session.ts';

/** A subscription as the link keeps it, over all connections. */
interface Wanted {
  readonly subscription: Subscription;
  readonly settle: (error?: LinkError) => void;
  /** The client's, which it makes anew on each of its connections. */
  active?: { readonly held: Held; readonly session: NatsSession };
  /** Whether there was a connection before on which it was made. */
  isOld: boolean;
  /** Whether the server has it, on this connection. */
  isConfirmed: boolean;
  /** The server has refused this one, or another that it had not confirmed. */
  doubt?: LinkError;
  /** Why the server refuses it, how often it has, and when it is asked again. */
  denied?: { readonly error: LinkError; readonly refusals: number; readonly again: NodeJS.Timeout };
}

/** What a link is subscribed to, whatever becomes of its connections. */
export class Subscriptions {
  readonly #settings: Pick<NatsLinkSettings, 'backoff' | 'failFast' | 'onEvent'>;
  readonly #all = new Set<Wanted>();
  #session: NatsSession | undefined;
  /** Those that are asked for alone, one after another. */
  #alone: Promise<void> = Promise.resolve();

  constructor(settings: Pick<NatsLinkSettings, 'backoff' | 'failFast' | 'onEvent'>) {
    this.#settings = settings;
  }

  /** Resolves once a server has it. @throws LinkError when the server refuses it and the link fails fast, or when it ends */
  async add(subscription: Subscription): Promise<LinkSubscription> {
    let wanted: Wanted | undefined;
    await new Promise<void>((resolve, reject) => {
      let isSettled = false;
      const entry: Wanted = {
        subscription,
        isOld: false,
        isConfirmed: false,
        settle: (error) => {
          // One that was confirmed once is wanted on, whatever a later server says to it.
          if (isSettled) return;
          isSettled = true;
          if (error === undefined) return resolve();
          this.#all.delete(entry);
          reject(error);
        },
      };
      wanted = entry;
      this.#all.add(entry);
      if (this.#session !== undefined) this.#activate(entry, this.#session);
    });
    return {
      unsubscribe: async () => {
        if (wanted !== undefined) await this.#remove(wanted);
      },
    };
  }

  /** A connection stands. */
  resume(session: NatsSession): void {
    this.#session = session;
    for (const wanted of this.#all) {
      const { active } = wanted;
      if (wanted.isOld) wanted.subscription.onResubscribed?.();
      // The client has said it again already, unless the server had refused it or the client is another one.
      if (active === undefined || active.session.client !== session.client) this.#activate(wanted, session);
      else void this.#confirm(wanted, session);
    }
  }

  /** The connection is gone. */
  suspend(): void {
    this.#session = undefined;
    for (const wanted of this.#all) {
      wanted.isConfirmed = false;
      delete wanted.doubt;
    }
  }

  /** The server refuses a subscription and does not say which. @returns whether it may be one of these */
  doubt(error: LinkError): boolean {
    const open = [...this.#all].filter(({ active, isConfirmed }) => active !== undefined && !isConfirmed);
    for (const wanted of open) wanted.doubt = error;
    return open.length > 0;
  }

  /** Tells the server that nothing more is to come. @returns when all that was under way has come */
  async release(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    const ends = [...this.#all].map(async (wanted) => {
      const { active } = wanted;
      delete wanted.active;
      if (active !== undefined) await active.held.drain();
    });
    await Promise.race([Promise.allSettled(ends), session?.ended]);
  }

  end(error: LinkError): void {
    for (const wanted of this.#all) {
      clearTimeout(wanted.denied?.again);
      wanted.settle(error);
    }
  }

  unconfirmed(): readonly string[] {
    const open = [...this.#all].filter(({ isConfirmed }) => !isConfirmed);
    return [...new Set(open.map(({ subscription }) => subscription.destination))];
  }

  denied(): readonly Denial[] {
    return [...this.#all].flatMap(({ subscription, denied }): readonly Denial[] =>
      denied === undefined ? [] : [{ right: rightOf(subscription), error: denied.error }],
    );
  }

  #activate(wanted: Wanted, session: NatsSession): void {
    this.#ask(wanted, session);
    void this.#confirm(wanted, session);
  }

  #ask(wanted: Wanted, session: NatsSession): void {
    wanted.isOld = true;
    delete wanted.doubt;
    const held = session.subscribe(wanted.subscription, (error) => this.#refused(wanted, session, error));
    wanted.active = { held, session };
  }

  /** The server handles a connection's commands in order: its PONG comes after what it says to a SUB. */
  async #confirm(wanted: Wanted, session: NatsSession): Promise<void> {
    if (!(await this.#answered(wanted, session))) return;
    if (wanted.doubt !== undefined) this.#alone = this.#alone.then(() => this.#confirmAlone(wanted, session));
    else this.#confirmed(wanted);
  }

  /** The next one is asked for after the answer, so it is known whom the server refuses. */
  async #confirmAlone(wanted: Wanted, session: NatsSession): Promise<void> {
    if (this.#session !== session || !this.#all.has(wanted)) return;
    wanted.active?.held.unsubscribe();
    this.#ask(wanted, session);
    if (!(await this.#answered(wanted, session))) return;
    const { doubt, active } = wanted;
    if (doubt === undefined) return this.#confirmed(wanted);
    active?.held.unsubscribe();
    this.#refused(wanted, session, doubt);
  }

  /** @returns whether the server has answered, and it is still wanted so */
  async #answered(wanted: Wanted, session: NatsSession): Promise<boolean> {
    const { active } = wanted;
    return (await session.flushSoon()) && this.#session === session && wanted.active === active;
  }

  #confirmed(wanted: Wanted): void {
    wanted.isConfirmed = true;
    if (wanted.denied !== undefined) {
      delete wanted.denied;
      this.#settings.onEvent({ kind: 'granted', right: rightOf(wanted.subscription) });
    }
    wanted.settle();
  }

  /** A caller that wants to fail fast gets the error, others get it as soon as it is granted. */
  #refused(wanted: Wanted, session: NatsSession, error: LinkError): void {
    delete wanted.active;
    wanted.isConfirmed = false;
    if (!this.#all.has(wanted)) return;
    this.#settings.onEvent({ kind: 'denied', right: rightOf(wanted.subscription), error });
    if (this.#settings.failFast) wanted.settle(error);
    if (!this.#all.has(wanted)) return;
    const refusals = (wanted.denied?.refusals ?? 0) + 1;
    clearTimeout(wanted.denied?.again);
    const again = setTimeout(
      () => {
        if (this.#session === session && this.#all.has(wanted)) this.#activate(wanted, session);
      },
      pauseAfter(refusals, this.#settings.backoff),
    ).unref();
    wanted.denied = { error, refusals, again };
  }

  async #remove(wanted: Wanted): Promise<void> {
    this.#all.delete(wanted);
    clearTimeout(wanted.denied?.again);
    const { active } = wanted;
    if (active === undefined) return;
    const session = this.#session;
    if (session === undefined) active.held.unsubscribe();
    else await Promise.race([active.held.drain(), session.ended]);
  }
}
