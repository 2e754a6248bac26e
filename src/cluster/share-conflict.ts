import { type KeyObject, randomBytes } from 'node:crypto';
import type { Log } from '../bridge/log.ts';
import type { IncomingMessage, Link, LinkSubscription } from '../transport/link.ts';
import { readHello, writeHello } from './hello.ts';

/** Where an ingress hears broadcasts that one instance alone is to handle. */
export interface LonePlace {
  readonly ingress: string;
  readonly link: Link;
  /** A topic that every instance may read and write. */
  readonly destination: string;
}

export interface ShareConflictOptions {
  readonly places: readonly LonePlace[];
  /** On every hello, for whoever hears it without knowing what it is. */
  readonly headers: Readonly<Record<string, string>>;
  readonly cluster: string;
  readonly instance: string;
  readonly key: KeyObject;
  /** Ms since the epoch. */
  readonly clock: () => number;
  readonly log: Log;
  /** Ms between hellos. */
  readonly interval?: number;
}

/** Another instance that handles the same broadcasts as one of this one's ingresses. */
export interface Conflict {
  readonly instance: string;
  readonly ingress: string;
}

const INTERVAL = 60_000;
/** Intervals after which a silent instance is gone. */
const SILENCE = 3;
/** Ms by which the time of a hello may be off: beyond it is a recording of one. */
const MAX_APART = 300_000;
/** Others that are remembered: whoever has the cluster's key could make up any number. */
const MOST = 100;

/**
 * Hears whether another instance handles the same broadcasts. That is a warning: nothing keeps either of them from going on,
 * and where the topic is refused nobody hears anything.
 */
export class ShareConflict {
  readonly #options: Required<ShareConflictOptions>;
  readonly #process = randomBytes(12).toString('base64url');
  readonly #others = new Map<string, Conflict & { readonly ends: number }>();
  readonly #subscriptions: LinkSubscription[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ShareConflictOptions) {
    this.#options = { interval: INTERVAL, ...options };
  }

  /** Says hello from now on. */
  start(): void {
    for (const place of this.#options.places) {
      const { link, destination } = place;
      const onMessage = ({ headers, body }: IncomingMessage): void => {
        if (Object.keys(this.#options.headers).every((name) => headers[name] !== undefined))
          this.#hear(place, body);
      };
      // A broker that refuses the topic says so in the log; the ingress does without.
      link.subscribe({ destination, onMessage }).then(
        (subscription) => void this.#subscriptions.push(subscription),
        () => undefined,
      );
    }
    this.#sayAll();
    this.#timer = setInterval(() => this.#sayAll(), this.#options.interval).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#subscriptions.splice(0).map((it) => it.unsubscribe().catch(() => undefined)));
  }

  /** Those that were heard of late. */
  conflicts(): readonly Conflict[] {
    const now = this.#options.clock();
    for (const [key, { ends }] of this.#others) if (ends <= now) this.#others.delete(key);
    return [...this.#others.values()].map(({ instance, ingress }) => ({ instance, ingress }));
  }

  #sayAll(): void {
    for (const place of this.#options.places) this.#say(place);
  }

  #say({ ingress, link, destination }: LonePlace): void {
    const { instance, headers, clock, interval } = this.#options;
    if (!link.state().up) return;
    const time = clock();
    const body = writeHello({ instance, ingress, process: this.#process, time }, this.#options);
    try {
      link.send({ destination, headers, body, expires: time + interval });
    } catch {
      // The link has no room: it is said again.
    }
  }

  #hear(place: LonePlace, body: Buffer): void {
    const { clock, log, interval } = this.#options;
    const hello = readHello(body, this.#options);
    const now = clock();
    if (hello === undefined || hello.process === this.#process || Math.abs(now - hello.time) > MAX_APART)
      return;
    this.conflicts();
    const { instance } = hello;
    const { ingress } = place;
    const key = JSON.stringify([ingress, hello.process]);
    const isNew = !this.#others.has(key);
    if (isNew && this.#others.size >= MOST) return;
    this.#others.set(key, { instance, ingress, ends: now + interval * SILENCE });
    if (!isNew) return;
    log.error(
      { event: 'share_conflict', member: instance, ingress },
      `another instance of the cluster handles the broadcasts of ${ingress} too, each of them twice: stop one, or share them by claims`,
    );
    // It hears of this one at once, and not only at the next interval.
    this.#say(place);
  }
}
