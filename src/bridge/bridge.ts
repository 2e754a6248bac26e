import type {
  Claims,
  Copy,
  Egress,
  Ingress,
  LinkStatus,
  ReplySink,
  RequestSink,
  Undelivered,
} from '../adapter/port.ts';
import {
  type Home,
  isOpaque,
  isOpaqueReply,
  type Reply,
  type Request,
  readdressed,
} from '../envelope/message.ts';
import { asRejection, Rejection } from '../envelope/rejection.ts';
import { aboutReply, aboutRequest, answerAddress, collectivesOf, targetsOf } from './about.ts';
import { ALWAYS_WON, Claiming } from './claiming.ts';
import { type FlowSource, randomFlow } from './flow.ts';
import { Homeward, type InsteadOf } from './homeward.ts';
import { mapCaller } from './identity-map.ts';
import { Ledger, type Note } from './ledger.ts';
import { type About, type BridgeObserver, Observers, type Passage, type Stage } from './observer.ts';
import { Passages } from './passages.ts';
import { type Route, Routing } from './routing.ts';
import { type Known, Sides } from './sides.ts';
import { Silence } from './silence.ts';
import { SilentNodes } from './silent-nodes.ts';
import { Stats } from './stats.ts';
import { type Trail, withHop } from './trail.ts';
import { within } from './within.ts';

export type { Route } from './routing.ts';

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
  /** Where the ids come from that it gives to requests; random unless told. */
  readonly flows?: FlowSource;
  readonly stats?: Stats;
  /** Told of all that the bridge does, beside the counters: the log, a recording. */
  readonly observers?: readonly Partial<BridgeObserver>[];
  readonly inventory?: NodeKnowledge;
  /** Decides who handles what every instance gets a copy of; without it nobody else gets any. */
  readonly claims?: Claims;
  /** Egresses that no route leads to, which only say who is there. */
  readonly beside?: readonly Egress[];
  /** Told why an ingress or egress of changed routes cannot be started. */
  readonly onFailed?: (name: string, error: unknown) => void;
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
/** While draining, so that a stop does not take longer than it must. */
const DRAIN_QUIET = 2_000;

/** Takes requests from ingresses to egresses and replies back: route, identity, audit, counters. */
export class Bridge {
  readonly stats: Stats;
  readonly #options: BridgeOptions;
  readonly #ledger: Ledger;
  readonly #homeward: Homeward;
  readonly #claiming: Claiming;
  readonly #silence: Silence;
  readonly #silentNodes: SilentNodes;
  readonly #observers: Observers;
  readonly #passages = new Passages();
  readonly #sides: Sides;
  #delivering = 0;
  #draining = false;

  constructor(options: BridgeOptions) {
    this.#options = options;
    this.stats = options.stats ?? new Stats();
    const observers = new Observers([this.stats, ...(options.observers ?? [])]);
    this.#observers = observers;
    this.#claiming = new Claiming({
      claims: options.claims ?? ALWAYS_WON,
      observer: observers,
      clock: options.clock,
    });
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
    this.#sides = new Sides({
      ...options,
      routing: this.#counted(new Routing(options.routes, options.beside)),
      requests: (ingress) => this.#requestsOf(ingress),
      replies: (egress) => this.#repliesOf(egress),
    });
    this.#homeward = new Homeward({
      ...options,
      ingresses: (name) => this.#sides.ingresses(name),
      observer: observers,
    });
  }

  /** Resolves when the first ingress takes requests. */
  get taking(): Promise<void> {
    return this.#sides.taking;
  }

  /**
   * @param known what an ingress waits for before it takes requests, called when one of its ways out is there
   * @returns once all sides are there
   */
  start(known: Known = async () => undefined): Promise<void> {
    return this.#sides.start(known);
  }

  /**
   * Goes on by other routes, rules and adapters, and loses nothing; what it counts and remembers stays.
   * @param beside egresses that no route leads to
   * @returns once they are there, or have had the time
   */
  change(
    routes: readonly Route[],
    beside: readonly Egress[],
    known: Known = async () => undefined,
  ): Promise<void> {
    return this.#sides.change(this.#counted(new Routing(routes, beside)), known);
  }

  /**
   * Takes no new work, waits for what is in flight, then closes.
   * @param drainTimeout ms that it waits at most
   */
  async stop(drainTimeout: number = this.#options.drainTimeout): Promise<void> {
    const { clock } = this.#options;
    const deadline = clock() + drainTimeout;
    // What an ingress still hands over meanwhile is in flight too: no other instance will get it.
    await this.#sides.drain(drainTimeout);
    await within(this.#claiming.settled(), Math.max(0, deadline - clock()));
    this.#draining = true;
    while (clock() < deadline && !this.#isSettled()) await new Promise((resolve) => setTimeout(resolve, 50));
    await this.#sides.close();
    this.#ledger.stop();
    this.#silence.stop();
  }

  /** Requests that are on their way out, and those that wait for a reply of a node that was named. */
  get inFlight(): number {
    return this.#claiming.pending + this.#delivering + this.#ledger.open;
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
    return this.#sides.status();
  }

  /** Known from the start, so that nothing counted is told as 0 and not as missing. */
  #counted(routing: Routing): Routing {
    for (const { from, to } of routing.routes) this.stats.route(from.name, to.name);
    return routing;
  }

  #repliesOf(egress: Egress): ReplySink {
    return {
      reply: (reply) => this.#reply(reply, egress),
      rejected: (rejection, home, broadcast) => this.#rejectedReply(rejection, home, broadcast, egress),
      step: (step, about) => this.#observers.step(`request ${step}`, undefined, () => about),
    };
  }

  #requestsOf(ingress: Ingress): RequestSink {
    const observers = this.#observers;
    return {
      request: (request, copy) => void this.#take(request, ingress, copy),
      rejected: (rejection, home, copy) => void this.#refuse(rejection, home, ingress, copy),
      ignored: (why, context) => observers.leftAlone({ what: 'request', why, context }),
      step: (step, about) => observers.step(`request ${step}`, undefined, () => about),
    };
  }

  /** What waits for a link that is up is about to go out. */
  #isSettled(): boolean {
    return (
      this.#delivering === 0 &&
      this.#ledger.isSettled(DRAIN_QUIET) &&
      this.status().every(({ up, buffered = 0 }) => !up || buffered === 0)
    );
  }

  /** Of what every instance has got, one takes it: only then is it received at all. */
  async #take(request: Request, from: Ingress, copy: Copy | undefined): Promise<void> {
    if (copy !== undefined) {
      const context = aboutRequest(request);
      if (!(await this.#claiming.ofRequest(copy, context))) return;
      const late = this.#options.clock() - request.home.expires;
      if (late > 0) {
        const sentence = `its ttl ended ${Math.ceil(late / 1000)} s before it was claimed`;
        this.#rejected(new Rejection('expired', sentence, context), undefined, 'request');
        return;
      }
    }
    await this.#request(request, from);
  }

  /** Each instance refuses its copy; one of them answers, as far as anybody can tell. */
  async #refuse(rejection: Rejection, home: Home | undefined, { name }: Ingress, copy?: Copy): Promise<void> {
    const isClaimed = copy !== undefined && home !== undefined;
    const result = isClaimed ? await this.#claiming.ofRefusal(name, copy, rejection.context) : 'won';
    if (result !== 'lost') this.#rejected(rejection, result === 'won' ? home : undefined, 'request_in');
  }

  async #request(taken: Request, from: Ingress): Promise<void> {
    const since = performance.now();
    const observers = this.#observers;
    const request = this.#withFlow(taken);
    const context = aboutRequest(request);
    observers.step('request received', undefined, () => context);
    this.#delivering++;
    try {
      if (this.#draining) throw new Rejection('draining', 'this bridge is shutting down');
      const route = this.#routeOf(request, from);
      this.#sides.uses(from, route.to, request.home.expires);
      const passage = this.#passages.of(from.name, route.to.name);
      const about: About = { ...context, targets: targetsOf(request) };
      observers.step('request routed', passage, () => about);
      const { outgoing, note } = this.#outgoing(request, route, passage.name);
      observers.step('request mapped', passage, () => ({
        ...about,
        ...(!isOpaque(outgoing) && { callerOut: outgoing.caller }),
      }));
      try {
        await route.to.deliver(outgoing, this.#whenUndelivered(request, note));
      } catch (error) {
        if (note !== undefined) this.#ledger.forget(note);
        throw error;
      }
      observers.step('request sent', passage, () => about);
      this.#silence.asked(route.to, request.home.expires);
    } catch (error) {
      this.#rejected(asRejection(error, context), answerAddress(request), 'request');
    } finally {
      this.#delivering--;
      observers.handled('request', (performance.now() - since) / 1000);
    }
  }

  /** Replies find their request by this id, and by nothing that a sender chooses. */
  #withFlow(request: Request): Request {
    const { flows = randomFlow } = this.#options;
    return readdressed(request, { flow: this.#ledger.continued(request) ?? flows() });
  }

  /** Holds nothing of the request but who sent it: as many may wait as there is room for. */
  #whenUndelivered(request: Request, note: Note | undefined): Undelivered {
    const about = aboutRequest(request);
    return (rejection, extent, home) => {
      if (extent === 'all' && note !== undefined) this.#ledger.forget(note);
      this.#rejected(rejection.with(about), home, 'request');
    };
  }

  /** @throws Rejection `collective_not_exported` */
  #routeOf(request: Request, from: Ingress): Route {
    const route = this.#sides.routeFor(from, request.payload.kind, collectivesOf(request));
    if (route !== undefined) return route;
    throw new Rejection(
      'collective_not_exported',
      isOpaque(request)
        ? 'no route exports the collectives of all its targets'
        : `the collective ${request.collective} is not exported here`,
    );
  }

  /**
   * The request as it leaves: in the mapped caller's name, unless it passes as it is. It is in the ledger before it is
   * delivered, for the first reply may be home before the delivery is done.
   */
  #outgoing(
    request: Request,
    { from, to, identities }: Route,
    name: string,
  ): { readonly outgoing: Request; readonly note: Note | undefined } {
    const { hops } = this.#withHop(request.home, from, to);
    const traced = hops === undefined ? request : readdressed(request, { hops });
    if (isOpaque(traced)) return { outgoing: traced, note: this.#ledger.sent(request, undefined, name) };
    const caller = mapCaller(traced.caller, identities);
    return { outgoing: { ...traced, caller }, note: this.#ledger.sent(request, caller, name) };
  }

  #reply(came: Reply, egress: Egress): void {
    const reply = isOpaqueReply(came) ? this.#ledger.recognised(came) : came;
    const since = performance.now();
    const observers = this.#observers;
    const passage = this.#passageHome(reply.home.ingress, egress);
    const about = (): About => aboutReply(reply);
    observers.step('reply received', passage, about);
    this.#silence.heard(egress);
    if (passage !== undefined) this.#silentNodes.heard(passage.name, reply.sender || undefined);
    if (!isOpaqueReply(reply)) {
      const { home, sender, broadcast } = reply;
      this.#options.inventory?.seen(egress.name, home.collective, sender);
      if (this.#answersItself(home, sender, broadcast)) {
        observers.leftAlone({ what: 'reply', why: 'native', context: about() });
        return;
      }
    }
    this.#ledger.replied(reply.home, false, reply.sender || undefined);
    if (this.#homeward.send(reply)) observers.step('reply sent', passage, about);
    observers.handled('reply', (performance.now() - since) / 1000);
  }

  /** A token may name an ingress that this instance does not have; then there is no such route either. */
  #passageHome(ingress: string, { name }: Egress): Passage | undefined {
    return this.#sides.ingresses(ingress).length > 0 ? this.#passages.of(ingress, name) : undefined;
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
    const {
      flow = home?.flow,
      requestId = home?.requestId,
      agent = home?.agent,
      collective = home?.collective,
    } = context;
    this.#observers.refused({
      code,
      stage,
      context: {
        ...context,
        ...(flow !== undefined && { flow }),
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
