import { namedNodes, type Request } from '../envelope/message.ts';
import type { EgressSilence, UnreadReplies } from '../envelope/observer.ts';
import type { Egress } from '../envelope/port.ts';
import type { Rejection } from '../envelope/rejection.ts';
import { own, ownAll } from '../envelope/text.ts';
import { collectivesOf } from './about.ts';
import { evidenceOf } from './evidence.ts';
import { likelyCauses } from './likely-causes.ts';

export interface SilenceOptions {
  readonly tell: (silence: EgressSilence) => void;
  /** Ms since the epoch. */
  readonly clock: () => number;
  /** Nodes of a collective that are known behind an egress; nobody unless told. */
  readonly known?: ((egress: string, collective: string) => ReadonlySet<string>) | undefined;
  /** Other instances of the cluster, which may carry replies; undefined where nobody can tell. */
  readonly others?: (() => number | undefined) | undefined;
}

/** Where nothing comes back from. */
export type Quarter = Pick<Egress, 'name' | 'causes' | 'status'>;

/** What has gone out by an egress since something came back. */
interface Watch {
  timer: NodeJS.Timeout | undefined;
  requests: number;
  /** Of these requests, see `WEIGHT`. */
  weight: number;
  /** When the first of them went out, when its silence is one, and when the last one's life ends; ms since the epoch. */
  since: number;
  due: number;
  expires: number;
  unread: UnreadReplies | undefined;
  /** Of the configuration, and so few. */
  readonly collectives: Set<string>;
  /** Some nodes that were named and are not known; undefined once anybody else was asked for. */
  strangers: readonly string[] | undefined;
  heard: number;
  told: number;
}

/** A request waits for so long before its silence is one, and at most half its life. In ms. */
const SILENCE_TIMEOUT_MS = 10_000;
/** Who has been heard so lately is there, and a line is written no more often. In ms. */
const RECENT_MS = 60_000;
const MAX_NAMED_NODES = 5;
/** How much a request counts. */
const WEIGHT = { none: 0, weak: 1, strong: 10 } as const;
/** How much it takes: one request; ten where other instances may have got the replies. */
const MIN_REQUESTS = 10;
const MIN_REQUESTS_OF_SEVERAL = 100;

/**
 * Reports, while requests still wait, that nothing comes back from an egress. Nodes that cannot read what they get (another
 * serializer, a key that they do not have) say so in their own logs, and to the bridge nothing.
 */
export class Silence {
  readonly #options: SilenceOptions;
  /** By the names of egresses. */
  readonly #watched = new Map<string, Watch>();

  constructor(options: SilenceOptions) {
    this.#options = options;
  }

  /** A request went out there. */
  asked(quarter: Quarter, request: Request): void {
    const weight = WEIGHT[evidenceOf(request)];
    if (weight === 0) return;
    const now = this.#options.clock();
    const { expires } = request.home;
    const watch = this.#watchOf(quarter.name);
    if (watch.requests === 0) {
      watch.since = now;
      watch.due = now + Math.max(0, Math.min(SILENCE_TIMEOUT_MS, (expires - now) / 2));
      watch.expires = expires;
      watch.unread = undefined;
    }
    watch.requests++;
    watch.weight += weight;
    watch.expires = Math.max(watch.expires, expires);
    this.#note(quarter.name, watch, request);
    if (watch.timer === undefined) this.#wait(quarter, watch, now);
  }

  /** A reply has come that can be read. */
  heard({ name }: Pick<Quarter, 'name'>): void {
    const watch = this.#watchOf(name);
    watch.heard = this.#options.clock();
    if (watch.requests > 0 || watch.unread !== undefined) forget(watch);
  }

  /** Something has come in a reply's place. */
  unread({ name }: Pick<Quarter, 'name'>, { code, message }: Rejection): void {
    const watch = this.#watchOf(name);
    watch.unread = { count: (watch.unread?.count ?? 0) + 1, code, sentence: own(message) };
  }

  stop(): void {
    for (const { timer } of this.#watched.values()) clearTimeout(timer);
    this.#watched.clear();
  }

  #note(egress: string, watch: Watch, request: Request): void {
    for (const collective of collectivesOf(request)) watch.collectives.add(own(collective));
    const { strangers } = watch;
    if (strangers === undefined) return;
    const nodes = namedNodes(request.targets);
    const known = this.#options.known?.(egress, request.collective);
    if (nodes === undefined || nodes.some((node) => known?.has(node))) watch.strangers = undefined;
    else if (strangers.length < MAX_NAMED_NODES)
      watch.strangers = [...strangers, ...ownAll(nodes.slice(0, MAX_NAMED_NODES - strangers.length))];
  }

  /** Until it is time to look; where nobody waits by then, the next request does. */
  #wait(quarter: Quarter, watch: Watch, now: number): void {
    const due = Math.max(watch.due, watch.heard + RECENT_MS, watch.told + RECENT_MS);
    if (due < watch.expires) watch.timer = setTimeout(() => this.#look(quarter, watch), due - now).unref();
  }

  #look(quarter: Quarter, watch: Watch): void {
    watch.timer = undefined;
    if (watch.requests === 0) return;
    const now = this.#options.clock();
    // Something has come back meanwhile, and then there were others.
    if (now < Math.max(watch.due, watch.heard + RECENT_MS)) {
      this.#wait(quarter, watch, now);
      return;
    }
    const { name, causes = [] } = quarter;
    // Its link says why it is down, and nothing is awaited by it.
    if (!quarter.status().up) {
      forget(watch);
      return;
    }
    const others = this.#options.others === undefined ? 0 : this.#options.others();
    if (watch.weight < (others !== undefined && others > 0 ? MIN_REQUESTS_OF_SEVERAL : MIN_REQUESTS)) return;
    const { requests, since, unread, strangers } = watch;
    const known = this.#knownIn(name, watch.collectives);
    const silence: EgressSilence = {
      egress: name,
      requests,
      since,
      wait: now - since,
      causes: likelyCauses({ causes, unread: unread === undefined ? [] : [unread.code], known, strangers }),
      ...(unread !== undefined && { unread }),
      known,
      others,
    };
    watch.told = now;
    forget(watch);
    this.#options.tell(silence);
  }

  #knownIn(egress: string, collectives: ReadonlySet<string>): number {
    const nodes = new Set([...collectives].flatMap((one) => [...(this.#options.known?.(egress, one) ?? [])]));
    return nodes.size;
  }

  #watchOf(name: string): Watch {
    const known = this.#watched.get(name);
    if (known !== undefined) return known;
    const watch: Watch = {
      timer: undefined,
      requests: 0,
      weight: 0,
      since: 0,
      due: 0,
      expires: 0,
      unread: undefined,
      collectives: new Set(),
      strangers: [],
      heard: Number.NEGATIVE_INFINITY,
      told: Number.NEGATIVE_INFINITY,
    };
    this.#watched.set(name, watch);
    return watch;
  }
}

/** From now on is counted anew; what waits to look finds out. */
const forget = (watch: Watch): void => {
  watch.requests = 0;
  watch.weight = 0;
  watch.unread = undefined;
  watch.collectives.clear();
  watch.strangers = [];
};
