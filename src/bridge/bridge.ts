import type { Egress, Ingress, LinkStatus, ReplySink, Undelivered } from '../adapter/port.ts';
import type { Home, Reply, Request } from '../envelope/message.ts';
import { asRejection, Rejection } from '../envelope/rejection.ts';
import { isSealedReply, isSealedRequest, type SealedReply, type SealedRequest } from '../envelope/sealed.ts';
import { aboutReply, aboutRequest, callerOut, expiryOf, targetsOf } from './about.ts';
import { Homeward, type InsteadOf } from './homeward.ts';
import { type IdentityMapOptions, mapCaller } from './identity-map.ts';
import { Ledger, type Note } from './ledger.ts';
import { type About, type BridgeObserver, Observers, type Passage, type Stage } from './observer.ts';
import { Passages } from './passages.ts';
import { Silence } from './silence.ts';
import { SilentNodes } from './silent-nodes.ts';
import { Stats } from './stats.ts';
import { type Trail, withHop } from './trail.ts';
import { within } from './within.ts';

/** Which collectives of one ingress are reachable behind which egress, and as whom. */
export interface Route {
  readonly from: Ingress;
  readonly to: Egress;
  /** The exported collectives; nothing else is reachable. */
  readonly collectives: ReadonlySet<string>;
  readonly identities: IdentityMapOptions;
}

export interface BridgeOptions {
  /** What the bridge calls itself where it answers in its own name. */
  readonly identity: string;
  /** Together its name in hop trails, `<cluster>:<instance>`. */
  readonly cluster: string;
  readonly instance: string;
  readonly routes: readonly Route[];
  /** Ms since the epoch. */
  readonly clock: () => number;
  /** How long a stop waits for replies to requests in flight, in ms. */
  readonly drainTimeout: number;
  readonly stats?: Stats;
  /** Told of all that the bridge does, beside the counters: the log, a recording. */
  readonly observers?: readonly Partial<BridgeObserver>[];
  readonly inventory?: NodeKnowledge;
  /** Egresses that no route leads to, which only say who is there. */
  readonly beside?: readonly Egress[];
}

/** Who lives where, as far as replies tell it and need it. */
export interface NodeKnowledge {
  /** A verified reply has come from beyond that egress. */
  seen(egress: string, collective: string, node: string): void;
  /** Whether the node answers requests of that ingress's side by itself. */
  isNative(ingress: string, collective: string, node: string): boolean;
}

/** A broadcast's replies come close together; this long a silence is the end of them. */
const QUIET = 5_000;
/** How long a side may take to send what waits and to say goodbye, in ms. */
const CLOSE_TIMEOUT = 6_000;
/** While draining, so that a stop does not take longer than it must. */
const DRAIN_QUIET = 2_000;

/** Takes requests from ingresses to egresses and replies back: route, identity, audit, counters. */
export class Bridge {
  readonly stats: Stats;
  readonly #options: BridgeOptions;
  readonly #ledger: Ledger;
  readonly #homeward: Homeward;
  readonly #silence: Silence;
  readonly #silentNodes: SilentNodes;
  readonly #observers: Observers;
  readonly #passages = new Passages();
  readonly #ingresses: ReadonlyMap<string, Ingress>;
  readonly #egresses: ReadonlySet<Egress>;
  #delivering = 0;
  #draining = false;
  #takes: () => void = () => undefined;
  /** Resolves when the first ingress takes requests. */
  readonly taking: Promise<void>;

  constructor(options: BridgeOptions) {
    this.#options = options;
    this.stats = options.stats ?? new Stats();
    const observers = new Observers([this.stats, ...(options.observers ?? [])]);
    this.#observers = observers;
    this.#silence = new Silence({ ...options, tell: (silence) => observers.egressSilent(silence) });
    this.#silentNodes = new SilentNodes({ ...options, tell: (silence) => observers.nodesSilent(silence) });
    this.#ledger = new Ledger({
      clock: options.clock,
      capacity: 20_000,
      bytes: 32 * 1024 ** 2,
      quiet: QUIET,
      onDone: (summary) => observers.requestDone(summary),
      onUnanswered: (route, nodes, since) => this.#silentNodes.unanswered(route, nodes, since),
    });
    // Known from the start, so that nothing counted is told as 0 and not as missing.
    for (const { from, to } of options.routes) this.stats.route(from.name, to.name);
    this.#ingresses = new Map(options.routes.map(({ from }) => [from.name, from]));
    this.#homeward = new Homeward({ ...options, ingresses: this.#ingresses, observer: observers });
    this.taking = new Promise((resolve) => {
      this.#takes = resolve;
    });
    this.#egresses = new Set([...options.routes.map(({ to }) => to), ...(options.beside ?? [])]);
  }

  /**
   * An ingress takes requests once one of its ways out is there, so that an instance which reaches nobody leaves them
   * to the others of its cluster. What goes another way waits for it until its ttl ends.
   * @param known what an ingress waits for before that, called when its way out is there
   * @returns once all sides are there
   */
  async start(known: () => Promise<void> = async () => undefined): Promise<void> {
    const observers = this.#observers;
    const replies = (egress: Egress): ReplySink => ({
      reply: (reply) => this.#reply(reply, egress),
      rejected: (rejection, home, broadcast) => this.#rejectedReply(rejection, home, broadcast, egress),
      step: (step, about) => observers.step(`request ${step}`, undefined, () => about),
    });
    const egresses = new Map([...this.#egresses].map((egress) => [egress, egress.start(replies(egress))]));
    const ingresses = [...this.#ingresses.values()].map(async (ingress) => {
      const ways = this.#options.routes
        .filter(({ from }) => from === ingress)
        .map(({ to }) => egresses.get(to));
      await Promise.race(ways);
      await known();
      await ingress.start({
        request: (request) => void this.#request(request, ingress),
        rejected: (rejection, home) => this.#rejected(rejection, home, 'request_in'),
        ignored: (why, context) => observers.leftAlone({ what: 'request', why, context }),
        step: (step, about) => observers.step(`request ${step}`, undefined, () => about),
      });
      this.#takes();
    });
    await Promise.all([...egresses.values(), ...ingresses]);
  }

  /** Takes no new work, waits for what is in flight (at most the drain timeout), then closes. */
  async stop(): Promise<void> {
    const { clock, drainTimeout } = this.#options;
    const deadline = clock() + drainTimeout;
    // What an ingress still hands over meanwhile is in flight too: no other instance will get it. A broker that has
    // stalled confirms nothing, and must not hold up the end.
    const drained = Promise.all([...this.#ingresses.values()].map((ingress) => ingress.drain()));
    await within(drained, drainTimeout);
    this.#draining = true;
    while (clock() < deadline && !this.#isSettled()) await new Promise((resolve) => setTimeout(resolve, 50));
    await within(Promise.all([...this.#egresses].map((egress) => egress.close())), CLOSE_TIMEOUT);
    await within(Promise.all([...this.#ingresses.values()].map((ingress) => ingress.close())), CLOSE_TIMEOUT);
    this.#ledger.stop();
    this.#silence.stop();
  }

  /** Requests that are on their way out, and those that wait for a reply of a node that was named. */
  get inFlight(): number {
    return this.#delivering + this.#ledger.open;
  }

  /** Nodes of a route that leave request after request without an answer, while others answer. */
  silentNodes(route: string): number {
    return this.#silentNodes.count(route);
  }

  /** @returns ends it */
  observe(observer: Partial<BridgeObserver>): () => void {
    return this.#observers.add(observer);
  }

  status(): readonly LinkStatus[] {
    return [...this.#ingresses.values(), ...this.#egresses].map((adapter) => adapter.status());
  }

  /** What waits for a link that is up is about to go out. */
  #isSettled(): boolean {
    return (
      this.#delivering === 0 &&
      this.#ledger.isSettled(DRAIN_QUIET) &&
      this.status().every(({ up, buffered = 0 }) => !up || buffered === 0)
    );
  }

  async #request(request: Request | SealedRequest, from: Ingress): Promise<void> {
    const since = performance.now();
    const observers = this.#observers;
    const context = aboutRequest(request);
    observers.step('request received', undefined, () => context);
    this.#delivering++;
    try {
      if (this.#draining) throw new Rejection('draining', 'this bridge is shutting down');
      const route = this.#routeOf(request, from);
      const passage = this.#passages.of(from.name, route.to.name);
      const about: About = { ...context, targets: targetsOf(request) };
      observers.step('request routed', passage, () => about);
      const { outgoing, note } = this.#outgoing(request, route, passage.name);
      observers.step('request mapped', passage, () => ({ ...about, ...callerOut(outgoing) }));
      try {
        await route.to.deliver(outgoing, this.#whenUndelivered(request, note));
      } catch (error) {
        if (note !== undefined) this.#ledger.forget(note);
        throw error;
      }
      observers.step('request sent', passage, () => about);
      this.#silence.asked(route.to, expiryOf(request));
    } catch (error) {
      const home = isSealedRequest(request) ? request.answerTo(request.content) : request.home;
      this.#rejected(asRejection(error, context), home, 'request');
    } finally {
      this.#delivering--;
      observers.handled('request', (performance.now() - since) / 1000);
    }
  }

  /** Holds nothing of the request but who sent it: as many may wait as there is room for. */
  #whenUndelivered(request: Request | SealedRequest, note: Note | undefined): Undelivered {
    const about = aboutRequest(request);
    return (rejection, extent, home) => {
      if (extent === 'all' && note !== undefined) this.#ledger.forget(note);
      this.#rejected(rejection.with(about), home, 'request');
    };
  }

  /** @throws Rejection `collective_not_exported` */
  #routeOf(request: Request | SealedRequest, from: Ingress): Route {
    const collectives = isSealedRequest(request)
      ? request.targets.map(({ collective }) => collective)
      : [request.collective];
    const route = this.#options.routes.find(
      (one) => one.from === from && collectives.every((collective) => one.collectives.has(collective)),
    );
    if (route !== undefined) return route;
    throw new Rejection(
      'collective_not_exported',
      isSealedRequest(request)
        ? 'no route exports the collectives of all its targets'
        : `the collective ${request.collective} is not exported here`,
    );
  }

  /**
   * The request as it leaves: in the mapped caller's name, unless it passes sealed. It is in the ledger before it is
   * delivered, for the first reply may be home before the delivery is done.
   */
  #outgoing(
    request: Request | SealedRequest,
    { from, to, identities }: Route,
    name: string,
  ): { readonly outgoing: Request | SealedRequest; readonly note: Note | undefined } {
    if (isSealedRequest(request)) {
      const outgoing = { ...request, home: this.#withHop(request.home, from, to) };
      return { outgoing, note: this.#ledger.passed(outgoing, name) };
    }
    const caller = mapCaller(request.caller, identities);
    const outgoing = { ...request, caller, home: this.#withHop(request.home, from, to) };
    return { outgoing, note: this.#ledger.sent(outgoing, request.caller, name) };
  }

  #reply(reply: Reply | SealedReply, egress: Egress): void {
    const since = performance.now();
    const observers = this.#observers;
    const passage = this.#passageHome(reply.home.ingress, egress);
    const about = (): About => aboutReply(reply);
    observers.step('reply received', passage, about);
    this.#silence.heard(egress);
    if (passage !== undefined) this.#silentNodes.heard(passage.name, reply.sender || undefined);
    if (isSealedReply(reply)) this.#ledger.passedBack(reply);
    else {
      const { home, sender, broadcast } = reply;
      this.#options.inventory?.seen(egress.name, home.collective, sender);
      if (this.#answersItself(home, sender, broadcast)) {
        observers.leftAlone({ what: 'reply', why: 'native', context: about() });
        return;
      }
      this.#ledger.replied(home, false, sender);
    }
    if (this.#homeward.send(reply)) observers.step('reply sent', passage, about);
    observers.handled('reply', (performance.now() - since) / 1000);
  }

  /** A token may name an ingress that this instance does not have; then there is no such route either. */
  #passageHome(ingress: string, { name }: Egress): Passage | undefined {
    return this.#ingresses.has(ingress) ? this.#passages.of(ingress, name) : undefined;
  }

  #rejectedReply(
    rejection: Rejection,
    home: Home | undefined,
    broadcast: boolean | undefined,
    egress: Egress,
  ): void {
    this.#silence.heard(egress);
    const node = rejection.context.sender;
    const passage = home && this.#passageHome(home.ingress, egress);
    if (passage !== undefined) this.#silentNodes.heard(passage.name, node);
    if (home !== undefined && node !== undefined && this.#answersItself(home, node, broadcast)) {
      this.#refused(rejection, home, 'reply_in');
      return;
    }
    if (home !== undefined) this.#ledger.replied(home, true, node);
    const whose = node === undefined ? 'a reply was refused: ' : `the reply of ${node} was refused: `;
    this.#rejected(rejection, home, 'reply_in', { node, whose });
  }

  /** Whether the requester has the node's answer already. Not where it alone was asked: then nobody else has answered. */
  #answersItself({ ingress, collective }: Home, node: string, broadcast: boolean | undefined): boolean {
    return broadcast === true && this.#options.inventory?.isNative(ingress, collective, node) === true;
  }

  /** Says what is refused and tells the requester, in the node's name where it is a node's reply. */
  #rejected(rejection: Rejection, home: Home | undefined, stage: Stage, reply?: InsteadOf): void {
    this.#refused(rejection, home, stage);
    // Its time ended here: whoever asked no longer waits. As it came in, its sender's clock is wrong, and he does.
    const isLate = rejection.code === 'expired' && stage !== 'request_in';
    if (home !== undefined && !isLate) this.#homeward.answer(rejection, home, reply);
  }

  #refused(rejection: Rejection, home: Home | undefined, stage: Stage): void {
    const { code, message, context, cause } = rejection;
    const { requestId = home?.requestId, agent = home?.agent, collective = home?.collective } = context;
    this.#observers.refused({
      code,
      stage,
      context: {
        ...context,
        ...(requestId !== undefined && { requestId }),
        ...(agent !== undefined && { agent }),
        ...(collective !== undefined && { collective }),
      },
      sentence: message,
      ...(cause !== undefined && { cause }),
    });
  }

  #withHop<T extends Trail>(home: T, from: Ingress, to: Egress): T {
    // Asking for a link's state is not for free, and few messages are traced.
    return home.hops === undefined ? home : withHop(home, this.#options, from.status(), to.status());
  }
}
