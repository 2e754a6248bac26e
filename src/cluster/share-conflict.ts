import { randomBytes } from 'node:crypto';
import type { Log } from '../envelope/log.ts';
import { own } from '../envelope/text.ts';
import type { IncomingMessage, Link } from '../transport/link.ts';
import { type HelloContext, readHello, writeHello } from './hello.ts';

/** Where an ingress hears broadcasts that one instance alone is to handle. */
export interface LonePlace {
  readonly ingress: string;
  readonly link: Link;
  /** A topic that every instance may read and write. */
  readonly destination: string;
}

/** An instance as it listens there, until it leaves. */
interface Presence {
  readonly place: LonePlace;
  /** Hears nothing more at once, and resolves when the broker knows. */
  readonly leave: () => Promise<void>;
}

export interface ShareConflictOptions {
  /** On every hello, for readers that do not know what it is. */
  readonly headers: Readonly<Record<string, string>>;
  readonly cluster: string;
  readonly instance: string;
  /** The cluster's, which may become another. */
  readonly keys: () => Pick<HelloContext, 'key' | 'nextKey'>;
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

const HELLO_INTERVAL_MS = 60_000;
/** Intervals after which a silent instance is gone. */
const SILENT_INTERVALS = 3;
/** Ms by which the time of a hello may be off: beyond it is a recording of one. */
const MAX_CLOCK_SKEW_MS = 300_000;
/** Others that are remembered: a holder of the cluster's key could make up any number. */
const MAX_OTHERS = 100;

const isSame = (one: LonePlace, other: LonePlace): boolean =>
  one.link === other.link && one.ingress === other.ingress && one.destination === other.destination;

/**
 * Hears whether another instance handles the same broadcasts. That is a warning: nothing keeps either of them from going on,
 * and where the topic is refused no instance hears another.
 *
 * There is one for the life of an instance, wherever its ingresses are: what it said at the place before is no other's.
 */
export class ShareConflict {
  readonly #options: Required<ShareConflictOptions>;
  readonly #process = randomBytes(12).toString('base64url');
  readonly #others = new Map<string, Conflict & { readonly ends: number }>();
  #phase: 'new' | 'running' | 'stopped' = 'new';
  #places: readonly LonePlace[] = [];
  /** At each of the places while it runs. */
  #presences: readonly Presence[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ShareConflictOptions) {
    this.#options = { interval: HELLO_INTERVAL_MS, ...options };
  }

  /** Whether any ingress is to be the only one. */
  get isNeeded(): boolean {
    return this.#places.length > 0;
  }

  /** These are the places from now on: it stays where it is already, and is at a new place before it leaves an old one. */
  follow(places: readonly LonePlace[]): void {
    if (this.#phase === 'stopped') return;
    this.#places = places;
    for (const [key, { ingress }] of this.#others)
      if (!places.some((place) => place.ingress === ingress)) this.#others.delete(key);
    if (this.#phase === 'running') this.#move();
  }

  /** Says hello from now on; once, and not after the end. */
  start(): void {
    if (this.#phase !== 'new') return;
    this.#phase = 'running';
    this.#move();
    this.#timer = setInterval(() => {
      for (const place of this.#places) this.#say(place);
    }, this.#options.interval).unref();
  }

  /** Hears and says nothing more. @returns when its brokers know; never, where one has stalled */
  async stop(): Promise<void> {
    this.#phase = 'stopped';
    clearInterval(this.#timer);
    this.#places = [];
    const leaving = this.#presences;
    this.#presences = [];
    await Promise.all(leaving.map(({ leave }) => leave()));
  }

  /** Those that were heard of late. */
  conflicts(): readonly Conflict[] {
    const now = this.#options.clock();
    for (const [key, { ends }] of this.#others) if (ends <= now) this.#others.delete(key);
    return [...this.#others.values()].map(({ instance, ingress }) => ({ instance, ingress }));
  }

  #move(): void {
    const before = this.#presences;
    const fresh: LonePlace[] = [];
    this.#presences = this.#places.map((place) => {
      const standing = before.find((one) => isSame(one.place, place));
      if (standing === undefined) fresh.push(place);
      return standing ?? this.#enter(place);
    });
    for (const one of before) if (!this.#presences.includes(one)) void one.leave();
    for (const place of fresh) this.#say(place);
  }

  #enter(place: LonePlace): Presence {
    const { link, destination } = place;
    let isLeft = false;
    const onMessage = ({ headers, body }: IncomingMessage): void => {
      if (isLeft) return;
      if (Object.keys(this.#options.headers).every((name) => headers[name] !== undefined))
        this.#hear(place, body);
    };
    // A broker that refuses the topic says so in the log; the ingress does without. While a link is down this waits for it.
    const subscribed = link.subscribe({ destination, purpose: 'cluster', onMessage }).catch(() => undefined);
    return {
      place,
      leave: async () => {
        isLeft = true;
        await (await subscribed)?.unsubscribe().catch(() => undefined);
      },
    };
  }

  #say({ ingress, link, destination }: LonePlace): void {
    const { instance, headers, clock, interval } = this.#options;
    if (!link.state().up) return;
    const time = clock();
    const body = writeHello({ instance, ingress, process: this.#process, time }, this.#context());
    try {
      link.send({ destination, headers, body, expires: time + interval, purpose: 'cluster' });
    } catch {
      // The link has no room: it is said again.
    }
  }

  #context(): HelloContext {
    return { cluster: this.#options.cluster, ...this.#options.keys() };
  }

  #hear(place: LonePlace, body: Buffer): void {
    const { clock, log, interval } = this.#options;
    const hello = readHello(body, this.#context());
    const now = clock();
    if (
      hello === undefined ||
      hello.process === this.#process ||
      Math.abs(now - hello.time) > MAX_CLOCK_SKEW_MS
    )
      return;
    this.conflicts();
    const { instance } = hello;
    const { ingress } = place;
    const key = JSON.stringify([ingress, hello.process]);
    const isNew = !this.#others.has(key);
    if (isNew && this.#others.size >= MAX_OTHERS) return;
    this.#others.set(key, { instance: own(instance), ingress, ends: now + interval * SILENT_INTERVALS });
    if (!isNew) return;
    log.error(
      { event: 'share_conflict', member: instance, ingress },
      `another instance of the cluster handles the broadcasts of ${ingress} too, each of them twice: stop one, or share them by claims`,
    );
    // It hears of this one at once, and not only at the next interval.
    this.#say(place);
  }
}
