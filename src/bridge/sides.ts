import type { Egress, Ingress, LinkStatus, ReplySink, RequestSink } from '../envelope/port.ts';
import { CurrentRouting, IN_FLIGHT_MS, type Routing } from './routing.ts';
import { withTimeout } from './with-timeout.ts';

export interface SidesOptions {
  readonly routing: Routing;
  /** What a side hands over to the bridge. */
  readonly requests: (ingress: Ingress) => RequestSink;
  readonly replies: (egress: Egress) => ReplySink;
  /** Ms since the epoch. */
  readonly clock: () => number;
  /** Told why a side of a changed routing cannot be started; the one before it stays. */
  readonly onFailed?: (name: string, error: unknown) => void;
}

/** What an ingress waits for before it takes requests, called when its way out is there. */
export type Known = () => Promise<void>;

/** How long a side may take to send what waits and to disconnect, in ms. */
const CLOSE_TIMEOUT_MS = 6_000;
/** How long a change waits for new sides, in ms. Those that cannot be reached yet follow when they can. */
const CHANGE_TIMEOUT_MS = 10_000;
/** How often it is seen whether an adapter is still needed, at least, in ms. */
const MAX_RECHECK_DELAY_MS = 1_000;

/** The adapters of a bridge: it starts and stops them in order, and exchanges them while the bridge works. */
export class Sides {
  readonly #options: SidesOptions;
  /** By it requests find their routes. */
  readonly current: CurrentRouting;
  /** That, or the one that is about to take its place. */
  #meant: Routing;
  /** Adapters that are not part of the routing any more, and still needed. */
  readonly #leaving = new Set<Ingress | Egress>();
  /** By adapter, when the last request that went through it ends, in ms since the epoch. */
  readonly #needed = new WeakMap<Ingress | Egress, number>();
  readonly #up = new WeakSet<Ingress>();
  #stopped = false;
  #isChanged: () => void = () => undefined;
  /** Resolves when another routing is in force. */
  readonly #changed: Promise<void>;
  #takes: () => void = () => undefined;
  /** Resolves when the first ingress takes requests. */
  readonly taking: Promise<void>;

  constructor(options: SidesOptions) {
    this.#options = options;
    this.#meant = options.routing;
    this.current = new CurrentRouting(options.routing, options.clock);
    this.taking = new Promise((resolve) => {
      this.#takes = resolve;
    });
    this.#changed = new Promise((resolve) => {
      this.#isChanged = resolve;
    });
  }

  /**
   * The ingresses of a name, by which replies go home: first the one of now, then those before it that may still be needed,
   * for each sends replies to what it has exported.
   */
  ingresses(name: string): readonly Ingress[] {
    const now = this.current.now.ingresses.get(name);
    const known = now === undefined ? [] : [now];
    if (this.#leaving.size === 0) return known;
    const before = [...this.#leaving].filter(isIngress).filter((one) => one.name === name);
    const all = [...known, ...before.toReversed()];
    const isUp = (one: Ingress): boolean => this.#up.has(one);
    return [...all.filter(isUp), ...all.filter((one) => !isUp(one))];
  }

  /** A request goes that way. @param expires ms since the epoch when no more replies to it count */
  uses(from: Ingress, to: Egress, expires: number): void {
    for (const one of [from, to]) this.#needed.set(one, Math.max(expires, this.#needed.get(one) ?? 0));
  }

  status(): readonly LinkStatus[] {
    return [...this.current.now.ingresses.values(), ...this.current.now.egresses].map((one) => one.status());
  }

  /**
   * An ingress takes requests once one of its ways out is there, so that an instance which reaches no broker leaves them
   * to the others of its cluster. What goes another way waits for it until its ttl ends.
   * @returns once all sides are there
   */
  async start(known: Known): Promise<void> {
    const egresses = this.#startEgresses(this.current.now);
    const ingresses = [...this.current.now.ingresses.values()].map((one): [Ingress, Promise<void>] => [
      one,
      this.#startIngress(one, this.current.now, egresses, known),
    ]);
    const all = [...egresses, ...ingresses].map(([one, started]) => this.#whileMeant(one, started));
    // A broker that could not be reached may have been replaced.
    await Promise.race([Promise.all(all), this.#changed]);
  }

  /**
   * Goes on with other adapters and by other rules, and loses nothing: new egresses are there first; then requests go by the
   * new rules; a new ingress is subscribed before the one of its name leaves. What has left stays for replies, until the last
   * ttl of a request that went through it.
   * @returns once the new sides are there, or have had the time
   */
  async change(routing: Routing, known: Known): Promise<void> {
    const before = this.current.now;
    this.#meant = routing;
    const egresses = this.#startEgresses(routing);
    await withTimeout(Promise.allSettled(egresses.values()), CHANGE_TIMEOUT_MS);
    if (this.#stopped) {
      for (const egress of routing.egresses) await egress.close();
      return;
    }
    this.current.become(routing);
    const kept = new Set<Ingress | Egress>([...routing.ingresses.values(), ...routing.egresses]);
    for (const one of [...before.ingresses.values(), ...before.egresses])
      if (!kept.has(one)) this.#leaving.add(one);
    const changed = [...routing.ingresses.values()].map(async (one) => {
      await this.#startIngress(one, routing, egresses, known);
      await this.#end(this.#predecessorsOf(one));
    });
    const removed = this.#end(
      [...before.ingresses.values()].filter(({ name }) => !routing.ingresses.has(name)),
    );
    for (const [egress, started] of egresses) this.#tellFailure(egress, started);
    for (const [i, ingress] of [...routing.ingresses.values()].entries())
      this.#tellFailure(ingress, changed[i]);
    for (const one of before.egresses) if (!kept.has(one)) void this.#closeWhenDone(one);
    await withTimeout(Promise.allSettled([...changed, removed]), CHANGE_TIMEOUT_MS);
    if (!this.#stopped) this.#isChanged();
  }

  /** Takes no more requests. @returns once none is to be expected any more */
  async drain(timeout: number): Promise<void> {
    this.#stopped = true;
    const all = [...this.current.now.ingresses.values(), ...this.#leaving].filter(isIngress);
    // A broker that has stalled confirms nothing, and must not hold up the end.
    await withTimeout(Promise.all(all.map((ingress) => ingress.drain())), timeout);
  }

  async close(): Promise<void> {
    const leaving = [...this.#leaving];
    const egresses = [...this.current.now.egresses, ...leaving.filter((one) => !isIngress(one))];
    const ingresses = [...this.current.now.ingresses.values(), ...leaving.filter(isIngress)];
    for (const side of [egresses, ingresses])
      await withTimeout(Promise.all(side.map((one) => one.close())), CLOSE_TIMEOUT_MS);
    this.#leaving.clear();
  }

  #startEgresses({ egresses }: Routing): ReadonlyMap<Egress, Promise<void>> {
    const { replies } = this.#options;
    return new Map([...egresses].map((egress) => [egress, egress.start(replies(egress))]));
  }

  async #startIngress(
    ingress: Ingress,
    routing: Routing,
    egresses: ReadonlyMap<Egress, Promise<void>>,
    known: Known,
  ): Promise<void> {
    await Promise.race(routing.replyPathsOf(ingress).map((egress) => egresses.get(egress)));
    await known();
    // What it took now would be lost: it has not been drained.
    if (this.#stopped) throw new Error(`${ingress.name} is closed`);
    await ingress.start(this.#options.requests(ingress));
    this.#up.add(ingress);
    this.#takes();
  }

  /** Ingresses of its name that came before it, whether they have ever been up or not. */
  #predecessorsOf(ingress: Ingress): readonly Ingress[] {
    const alike = [...this.#leaving].filter(isIngress).filter(({ name }) => name === ingress.name);
    const own = alike.indexOf(ingress);
    return own === -1 ? alike : alike.slice(0, own);
  }

  async #end(ingresses: readonly Ingress[]): Promise<void> {
    await Promise.all(
      ingresses.map(async (one) => {
        await one.drain();
        void this.#closeWhenDone(one);
      }),
    );
  }

  async #closeWhenDone(one: Ingress | Egress): Promise<void> {
    const soonest = this.#options.clock() + IN_FLIGHT_MS;
    for (;;) {
      const left = Math.max(soonest, this.#needed.get(one) ?? 0) - this.#options.clock();
      if (left <= 0) break;
      await new Promise((resolve) => setTimeout(resolve, Math.min(left, MAX_RECHECK_DELAY_MS)).unref());
      // Closed with all others.
      if (!this.#leaving.has(one)) return;
    }
    this.#leaving.delete(one);
    await one.close();
  }

  /** What is not part of the routing any more may fail: its link is closed. */
  async #whileMeant(one: Ingress | Egress, started: Promise<void>): Promise<void> {
    try {
      await started;
    } catch (error) {
      if (this.#isMeant(one)) throw error;
      await this.#changed;
    }
  }

  #isMeant(one: Ingress | Egress): boolean {
    const { ingresses, egresses } = this.#meant;
    return isIngress(one) ? ingresses.get(one.name) === one : egresses.has(one);
  }

  /** What the next routing has replaced before it was there has not failed. */
  #tellFailure(one: Ingress | Egress, started: Promise<void> | undefined): void {
    started?.catch((error: unknown) => {
      if (!this.#stopped && this.#isMeant(one)) this.#options.onFailed?.(one.name, error);
    });
  }
}

const isIngress = (one: Ingress | Egress): one is Ingress => 'drain' in one;
