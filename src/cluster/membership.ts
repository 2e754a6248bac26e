import { type KeyObject, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ownership } from '../adapter/port.ts';
import type { Log } from '../bridge/log.ts';
import type { MeteredLink } from '../stats/meter.ts';
import { publishDocument } from '../stats/publisher.ts';
import { LinkError, type LinkSubscription } from '../transport/link.ts';
import { decodeStats, type StatsDocument, statsSubject } from '../wire/choria/stats.ts';
import type { MemberStats } from '../wire/choria/stats-member.ts';
import { Members } from './members.ts';
import { Notices } from './notices.ts';
import type { Member } from './others.ts';
import { isSealed, seal } from './statement.ts';
import type { Moment } from './timing.ts';

export interface MembershipOptions {
  /** To NATS, and the same network for all instances of the cluster: where they hear each other. */
  readonly link: MeteredLink;
  readonly cluster: string;
  readonly instance: string;
  /** The cluster's key, without which nobody is a member. */
  readonly key: KeyObject;
  /** Ms between documents, greater than 0; those longer than `LONGEST_INTERVAL` are cut to it. */
  readonly interval: number;
  /** Ms that a request may be old. */
  readonly maxAge: number;
  /** Whether all brokers that send copies reach this instance now. */
  readonly hearsAll: () => boolean;
  /** Ms since the epoch. */
  readonly clock: () => number;
  /** Ms, never set; by default Node's monotonic clock. */
  readonly steady?: () => number;
  readonly log: Log;
}

/** An instance of the cluster as this one knows it. */
export interface ClusterMember extends Member {
  readonly isSelf: boolean;
  /** Whether it takes requests that are sent now, as far as this instance knows. */
  readonly takesPart: boolean;
}

/** This instance's part in a cluster whose instances each get a copy of a request. */
export interface Membership extends Ownership {
  readonly link: MeteredLink;
  readonly cluster: string;
  /** Ms between documents. */
  readonly interval: number;
  /**
   * Publishes and listens from now on, on a link that is open.
   * @param document what this instance says of itself, with this part in it
   * @returns once it takes all requests that are sent from then on and fall to it: on a whole second, two and a half
   *   intervals later at the earliest
   * @throws LinkError where the broker refuses the subscription, or when it is stopped before
   */
  start(document: (member: MemberStats) => StatsDocument): Promise<void>;
  /** Hands its share over. @returns once the others have it; where there are none, at once. Never rejects. */
  stop(): Promise<void>;
  members(): readonly ClusterMember[];
  /** Members that take requests, this one among them; 0 while this one takes none. */
  count(): number;
}

/**
 * Ms. For people a document every 10 s will do; of a crashed instance's share all is lost until the others know, and
 * a start takes two and a half times as long.
 */
export const LONGEST_INTERVAL = 2_000;

/** Ms by which a statement's time may be off before an operator should know: clocks, or a recording. */
const MAX_APART = 60_000;

/** Ms for requests on their way when an instance leaves. */
const LAST_REQUESTS = 250;

/** Where nothing is published there is but one instance. */
export const ALONE: Ownership = { isMine: () => true, takesPart: () => true };

/** See {@link createMembership}. */
class DocumentedMembership implements Membership {
  readonly link: MeteredLink;
  readonly cluster: string;
  readonly interval: number;
  readonly #options: MembershipOptions;
  readonly #process = randomBytes(16).toString('hex');
  readonly #members: Members;
  readonly #notices: Notices;
  #document: ((member: MemberStats) => StatsDocument) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #subscription: LinkSubscription | undefined;
  #joined: { readonly resolve: () => void; readonly reject: (error: LinkError) => void } | undefined;
  #stopped: Promise<void> | undefined;
  #isOver = false;

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.link = options.link;
    this.cluster = options.cluster;
    this.interval = Math.min(options.interval, LONGEST_INTERVAL);
    this.#members = new Members(
      {
        instance: options.instance,
        process: this.#process,
        interval: this.interval,
        keep: options.maxAge,
      },
      this.#now(),
    );
    this.#notices = new Notices(options.log);
  }

  isMine(requestId: string, time: number): boolean {
    return !this.#isOver && this.#members.isMine(requestId, time, this.#now());
  }

  takesPart(): boolean {
    return this.#takesPart(this.#now());
  }

  async start(document: (member: MemberStats) => StatsDocument): Promise<void> {
    this.#document = document;
    const subscription = await this.link.uncounted.subscribe({
      destination: statsSubject(this.cluster),
      // No queue group: each instance hears all, itself too.
      onMessage: ({ body }) => this.#hear(body),
      onGap: () => this.#members.gap(this.#now()),
    });
    if (this.#stopped !== undefined) {
      await subscription.unsubscribe();
      throw new LinkError('closed', 'stopped before it took part in the cluster');
    }
    this.#subscription = subscription;
    await new Promise<void>((resolve, reject) => {
      this.#joined = { resolve, reject };
      this.#timer = setInterval(() => this.#tick(), this.interval / 10);
      this.#timer.unref();
      this.#tick();
    });
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  members(): readonly ClusterMember[] {
    const now = this.#now();
    const others = this.#members.others(now).map((other) => ({
      ...other,
      isSelf: false,
      takesPart: other.since <= now.epoch,
    }));
    return [{ ...this.#members.self(), isSelf: true, takesPart: this.#takesPart(now) }, ...others];
  }

  count(): number {
    return this.takesPart() ? this.members().filter(({ takesPart }) => takesPart).length : 0;
  }

  #now(): Moment {
    const { clock, steady = () => performance.now() } = this.#options;
    return { steady: steady(), epoch: clock() };
  }

  #takesPart(now: Moment): boolean {
    return !this.#isOver && this.#members.takesPart(now);
  }

  #tick(): void {
    const now = this.#now();
    const isNews = this.#members.hears(this.#options.hearsAll(), now);
    if (isNews || this.#members.due(now) <= now.steady) this.#publish(now);
    const takesPart = this.#takesPart(now);
    if (this.#stopped === undefined) this.#notices.takesPart(takesPart, this.#members.isAway);
    if (takesPart) this.#joined?.resolve();
  }

  #publish(now: Moment): void {
    const { link, cluster, interval } = this;
    const { instance, key, log } = this.#options;
    if (this.#document === undefined || !link.uncounted.state().up) return;
    try {
      const member = seal(this.#members.state(now), { cluster, instance }, key);
      publishDocument({ link, cluster }, this.#document(member), { now: now.epoch, interval });
    } catch (error) {
      log.warn({ event: 'statistics', link: link.name, err: error }, 'statistics not published');
    }
  }

  #hear(body: Buffer): void {
    const { cluster } = this;
    const { key, log } = this.#options;
    let document: StatsDocument;
    try {
      document = decodeStats(body);
    } catch (error) {
      log.debug({ event: 'statistics', err: error }, 'statistics document that cannot be read');
      return;
    }
    const { instance, bridge: { member } = {} } = document;
    // Brokers that share by queue groups alone say nothing of it.
    if (member === undefined || document.cluster !== cluster) return;
    if (!isSealed(member, { cluster, instance }, key)) {
      this.#notices.unsealed(instance);
      return;
    }
    const now = this.#now();
    const apart = now.epoch - member.sent;
    if (Math.abs(apart) > MAX_APART && member.process !== this.#process) {
      // An instance whose clock is off takes requests that live as long as that, and counts. Beyond it is a recording
      // of one that may be long gone.
      const counts = Math.abs(apart) <= this.#options.maxAge;
      this.#notices.apart(instance, apart, counts);
      if (!counts) return;
    }
    const heard = this.#members.hear(instance, member, now);
    if (heard === 'own') for (const dropped of this.#members.drop(now)) this.#notices.silent(dropped);
    if (heard === 'new' || heard === 'known') this.#notices.heard(instance, member, heard === 'new');
    if (instance === this.#options.instance && heard === 'new' && member.until === undefined)
      this.#notices.namesake(instance);
    // It learns of this one at once, and not only at the next interval.
    if (heard === 'new') this.#publish(now);
    this.#tick();
  }

  async #stop(): Promise<void> {
    const now = this.#now();
    const isMissed = this.#takesPart(now) && this.#members.others(now).length > 0;
    const until = this.#members.leave(now);
    this.#publish(now);
    this.#joined?.reject(new LinkError('closed', 'stopped before it took part in the cluster'));
    if (isMissed && this.link.uncounted.state().up) await sleep(until - now.epoch + LAST_REQUESTS);
    this.#isOver = true;
    clearInterval(this.#timer);
    // A link that has been closed meanwhile has no subscriptions any more.
    await this.#subscription?.unsubscribe().catch(() => undefined);
  }
}

/** Shares requests among the instances of a cluster by what they publish of themselves; see `timing.ts`. */
export const createMembership = (options: MembershipOptions): Membership => new DocumentedMembership(options);
