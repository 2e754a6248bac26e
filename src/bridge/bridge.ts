import type { Egress, Ignored, Ingress, LinkStatus, Step, Undelivered } from '../adapter/port.ts';
import type { Home, Reply, Request } from '../envelope/message.ts';
import { asRejection, Rejection, type RejectionCode, type RejectionContext } from '../envelope/rejection.ts';
import { isSealedReply, isSealedRequest, type SealedReply, type SealedRequest } from '../envelope/sealed.ts';
import { Homeward, type InsteadOf } from './homeward.ts';
import { type IdentityMapOptions, mapCaller } from './identity-map.ts';
import { Ledger, type Note } from './ledger.ts';
import { LineLimit } from './line-limit.ts';
import type { Log } from './log.ts';
import type { BridgeObserver } from './observer.ts';
import { Silence } from './silence.ts';
import { SilentNodes } from './silent-nodes.ts';
import { routeName, type Stage, Stats } from './stats.ts';
import { Steps } from './steps.ts';
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
  readonly log: Log;
  /** Ms since the epoch. */
  readonly clock: () => number;
  /** How long a stop waits for replies to requests in flight, in ms. */
  readonly drainTimeout: number;
  readonly stats?: Stats;
  readonly observer?: BridgeObserver;
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

/** What says nothing about the sender being up to anything. */
const ORDINARY: ReadonlySet<RejectionCode> = new Set(['expired', 'token_expired', 'draining']);

/** Takes requests from ingresses to egresses and replies back: route, identity, audit, counters. */
export class Bridge {
  readonly stats: Stats;
  readonly #options: BridgeOptions;
  readonly #ledger: Ledger;
  readonly #homeward: Homeward;
  readonly #lines: LineLimit;
  readonly #silence: Silence;
  readonly #silentNodes: SilentNodes;
  readonly #steps: Steps;
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
    this.#lines = new LineLimit(options);
    this.#silence = new Silence(options);
    this.#silentNodes = new SilentNodes(options);
    this.#steps = new Steps(options.log);
    this.#ledger = new Ledger({
      log: options.log,
      clock: options.clock,
      capacity: 20_000,
      bytes: 32 * 1024 ** 2,
      quiet: QUIET,
      onDone: (route, seconds) => this.stats.onDone?.(route, seconds),
      onUnanswered: (route, nodes, since) => this.#silentNodes.unanswered(route, nodes, since),
    });
    // Known from the start, so that nothing counted is told as 0 and not as missing.
    for (const { from, to } of options.routes) this.stats.route(from.name, to.name);
    this.#ingresses = new Map(options.routes.map(({ from }) => [from.name, from]));
    this.#homeward = new Homeward({ ...options, ingresses: this.#ingresses, stats: this.stats });
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
    const replies = (egress: Egress) => ({
      reply: (reply: Reply | SealedReply) => this.#reply(reply, egress),
      rejected: (rejection: Rejection, home?: Home, broadcast?: boolean) =>
        this.#rejectedReply(rejection, home, broadcast, egress),
      step: (step: Step, context: RejectionContext) => this.#steps.tell(`request ${step}`, () => context),
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
        ignored: (why, context) => this.#ignored(why, context, 'a request'),
        step: (step, context) => this.#steps.tell(`request ${step}`, () => context),
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
    this.stats.add('requestsReceived');
    this.#delivering++;
    try {
      if (this.#draining) throw new Rejection('draining', 'this bridge is shutting down');
      const route = this.#routeOf(request, from);
      const counts = this.stats.route(from.name, route.to.name);
      counts.requestsReceived++;
      const about = { ...contextOf(request), route: counts.name, targets: targetsOf(request) };
      this.#steps.tell('request routed', () => about);
      const { outgoing, note } = this.#outgoing(request, route, counts.name);
      this.#steps.tell('request mapped', () => ({ ...about, ...callerOf(outgoing) }));
      try {
        await route.to.deliver(outgoing, this.#whenUndelivered(request, note));
      } catch (error) {
        if (note !== undefined) this.#ledger.forget(note);
        throw error;
      }
      this.#steps.tell('request sent', () => about);
      this.#silence.asked(route.to, expiryOf(request));
      const { targets } = about;
      this.stats.add('requestsSent');
      this.stats.add('targetsSent', targets);
      counts.requestsSent++;
      counts.targetsSent += targets;
    } catch (error) {
      const home = isSealedRequest(request) ? request.answerTo(request.content) : request.home;
      this.#rejected(asRejection(error, contextOf(request)), home, 'request');
    } finally {
      this.#delivering--;
      this.stats.spent('request', since);
    }
  }

  /** Holds nothing of the request but who sent it: as many may wait as there is room for. */
  #whenUndelivered(request: Request | SealedRequest, note: Note | undefined): Undelivered {
    const about = contextOf(request);
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
    // A token may name an ingress that this instance does not have; then there is no such route either.
    const counts = this.#ingresses.has(reply.home.ingress)
      ? this.stats.route(reply.home.ingress, egress.name)
      : undefined;
    this.stats.add('repliesReceived');
    this.#silence.heard(egress);
    if (counts !== undefined) this.#silentNodes.heard(counts.name, reply.sender || undefined);
    this.#steps.tell('reply received', () => ({
      ...replyFields(reply),
      ...(counts && { route: counts.name }),
    }));
    if (counts !== undefined) counts.repliesReceived++;
    if (isSealedReply(reply)) this.#ledger.passedBack(reply);
    else {
      const { home, sender, broadcast } = reply;
      this.#options.inventory?.seen(egress.name, home.collective, sender);
      if (this.#answersItself(home, sender, broadcast)) {
        const { requestId, agent, collective } = home;
        this.#ignored('native', { requestId, sender, agent, collective }, 'a reply');
        return;
      }
      this.#ledger.replied(home, false, sender);
    }
    if (this.#homeward.send(reply)) {
      this.#steps.tell('reply sent', () => ({
        ...replyFields(reply),
        ...(counts && { route: counts.name }),
      }));
      this.stats.add('repliesSent');
      if (counts !== undefined) counts.repliesSent++;
    }
    this.stats.spent('reply', since);
  }

  #rejectedReply(
    rejection: Rejection,
    home: Home | undefined,
    broadcast: boolean | undefined,
    egress: Egress,
  ): void {
    this.#silence.heard(egress);
    const node = rejection.context.sender;
    if (home !== undefined && this.#ingresses.has(home.ingress))
      this.#silentNodes.heard(routeName(home.ingress, egress.name), node);
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

  #ignored(why: Ignored, { requestId, sender, agent, collective }: RejectionContext, what: string): void {
    this.stats.ignore(why);
    const fields = { reason: why, request_id: requestId, sender, agent, collective };
    this.#options.log.debug(fields, `${what} was left to others`);
  }

  /** Counts and logs what is refused and tells the requester, in the node's name where it is a node's reply. */
  #rejected(rejection: Rejection, home: Home | undefined, stage: Stage, reply?: InsteadOf): void {
    this.#refused(rejection, home, stage);
    // Its time ended here: whoever asked no longer waits. As it came in, its sender's clock is wrong, and he does.
    const isLate = rejection.code === 'expired' && stage !== 'request_in';
    if (home !== undefined && !isLate) this.#homeward.answer(rejection, home, reply);
  }

  #refused(rejection: Rejection, home: Home | undefined, stage: Stage): void {
    const { code, message, context } = rejection;
    this.stats.reject(code, stage);
    const requestId = context.requestId ?? home?.requestId;
    const { sender } = context;
    const sentence = `rejected: ${message}`;
    this.#options.observer?.refused({
      code,
      ...(requestId !== undefined && { requestId }),
      ...(sender !== undefined && { sender }),
      sentence,
    });
    const fields = {
      reason: code,
      request_id: requestId,
      sender,
      caller: context.caller,
      agent: context.agent ?? home?.agent,
      collective: context.collective ?? home?.collective,
      ...(code === 'internal' ? { err: rejection.cause } : {}),
    };
    // Of each stage, so that what anybody may send hides nothing of what was signed.
    this.#lines.tell(`${stage} ${code}`, ORDINARY.has(code) ? 'info' : 'warn', fields, sentence);
  }

  #withHop<T extends Trail>(home: T, from: Ingress, to: Egress): T {
    // Asking for a link's state is not for free, and few messages are traced.
    return home.hops === undefined ? home : withHop(home, this.#options, from.status(), to.status());
  }
}

/** How many messages to nodes it stands for; a broadcast is one. */
const targetsOf = (request: Request | SealedRequest): number => {
  if (isSealedRequest(request)) return request.targets.length;
  return request.target.kind === 'directed' ? request.target.nodes.length : 1;
};

const contextOf = (request: Request | SealedRequest): RejectionContext => {
  if (isSealedRequest(request)) {
    const { home, sender, caller } = request;
    return { requestId: home.requestId, sender, ...(caller === undefined ? {} : { caller }) };
  }
  const { id, sender, caller, agent, collective } = request;
  return { requestId: id, sender, caller, agent, collective };
};

/** In whose name it goes out; what passes sealed keeps its own. */
const callerOf = (outgoing: Request | SealedRequest): { readonly callerOut?: string } =>
  isSealedRequest(outgoing) ? {} : { callerOut: outgoing.caller };

/** Ms since the epoch. */
const expiryOf = (request: Request | SealedRequest): number =>
  isSealedRequest(request) ? request.expires : request.home.expires * 1000;

const replyFields = ({ home, sender }: Reply | SealedReply): RejectionContext => ({
  requestId: home.requestId,
  sender,
  ...('agent' in home ? { agent: home.agent, collective: home.collective } : {}),
});
