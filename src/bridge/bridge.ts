import pTimeout from 'p-timeout';
import { isOpaqueReply, type ReadableReplyAddress, type Reply } from '../envelope/message.ts';
import {
  type About,
  type BridgeObserver,
  Observers,
  type RouteId,
  type Stage,
} from '../envelope/observer.ts';
import type { Copy, Egress, Ingress, LinkStatus, ReplySink, RequestSink } from '../envelope/port.ts';
import type { Rejection } from '../envelope/rejection.ts';
import { aboutRefusal, aboutReply, stepsOf } from './about.ts';
import { answerOf, resultOf } from './answer.ts';
import { ALWAYS_WON, Claiming } from './claiming.ts';
import type { BridgeOptions } from './options.ts';
import { Pipeline } from './pipeline.ts';
import { type InsteadOf, ReplyRouter } from './reply-router.ts';
import { RequestLog } from './request-log.ts';
import { RouteIds } from './route-ids.ts';
import { type Route, Routing } from './routing.ts';
import { type Known, Sides } from './sides.ts';
import { Silence } from './silence.ts';
import { SilentNodes } from './silent-nodes.ts';
import { Stats } from './stats.ts';

export type { BridgeOptions, NodeKnowledge } from './options.ts';
export type { Route } from './routing.ts';

/** A broadcast's replies come close together; this long a silence is the end of them. */
const QUIET_PERIOD_MS = 5_000;
/** While draining, so that a stop does not take longer than it must. */
const DRAIN_QUIET_PERIOD_MS = 2_000;

const NOBODY: ReadonlySet<string> = new Set();

/** Takes requests from ingresses to egresses, by the pipeline, and replies back. */
export class Bridge {
  readonly stats: Stats;
  readonly #options: BridgeOptions;
  readonly #requestLog: RequestLog;
  readonly #replyRouter: ReplyRouter;
  readonly #claiming: Claiming;
  readonly #silence: Silence;
  readonly #silentNodes: SilentNodes;
  readonly #observers: Observers;
  readonly #routeIds = new RouteIds();
  readonly #sides: Sides;
  readonly #pipeline: Pipeline;

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
    this.#silence = new Silence({
      clock: options.clock,
      known: (egress, collective) => options.inventory?.known?.(egress, collective) ?? NOBODY,
      others: options.others,
      tell: (silence) => observers.egressSilent(silence),
    });
    this.#silentNodes = new SilentNodes({ ...options, tell: (silence) => observers.nodesSilent(silence) });
    this.#requestLog = new RequestLog({
      clock: options.clock,
      capacity: 20_000,
      bytes: 32 * 1024 ** 2,
      quiet: QUIET_PERIOD_MS,
      onDone: (summary) => observers.requestDone(summary),
      onUnanswered: (route, nodes, since) => this.#silentNodes.unanswered(route, nodes, since),
    });
    this.#sides = new Sides({
      ...options,
      routing: this.#counted(new Routing(options.routes, options.localOnly)),
      requests: (ingress) => this.#requestsOf(ingress),
      replies: (egress) => this.#repliesOf(egress),
    });
    this.#replyRouter = new ReplyRouter({
      ...options,
      ingresses: (name) => this.#sides.ingresses(name),
      observer: observers,
    });
    this.#pipeline = new Pipeline({
      ...options,
      claiming: this.#claiming,
      sides: this.#sides,
      routeIds: this.#routeIds,
      requestLog: this.#requestLog,
      silence: this.#silence,
      observer: observers,
      refused: (rejection, home, answers) => this.#rejected(rejection, home, 'request', undefined, answers),
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
   * @param localOnly egresses that no route leads to
   * @returns once they are there, or have had the time
   */
  change(
    routes: readonly Route[],
    localOnly: readonly Egress[],
    known: Known = async () => undefined,
  ): Promise<void> {
    return this.#sides.change(this.#counted(new Routing(routes, localOnly)), known);
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
    // It refuses 0 ms, which is what is left when the sides took it all.
    await pTimeout(this.#claiming.settled(), {
      milliseconds: Math.max(1, deadline - clock()),
      message: false,
    });
    this.#pipeline.drain();
    while (clock() < deadline && !this.#isSettled()) await new Promise((resolve) => setTimeout(resolve, 50));
    await this.#sides.close();
    this.#requestLog.stop();
    this.#silence.stop();
  }

  /** Requests that are on their way out, and those that wait for a reply of a node that was named. */
  get inFlight(): number {
    return this.#claiming.pending + this.#pipeline.passing + this.#requestLog.open;
  }

  /** Requests that wait for a reply of a node that was named, by the names of their routes. */
  waiting(): ReadonlyMap<string, number> {
    return this.#requestLog.waiting();
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
    this.stats.follow(routing.routes);
    return routing;
  }

  #repliesOf(egress: Egress): ReplySink {
    return {
      reply: (reply) => this.#reply(reply, egress),
      rejected: (rejection, home, broadcast) => this.#rejectedReply(rejection, home, broadcast, egress),
      step: stepsOf(egress.name, this.#observers),
    };
  }

  #requestsOf(ingress: Ingress): RequestSink {
    return {
      request: (request, copy, done) => void this.#pipeline.take(request, ingress, copy).then(done),
      foresee: (request) => this.#pipeline.foresee(request, ingress),
      rejected: (rejection, home, copy) => void this.#refuse(rejection, home, ingress, copy),
      ignored: (why, context) => this.#observers.leftAlone({ what: 'request', why, context }),
      step: stepsOf(ingress.name, this.#observers),
    };
  }

  /** What waits for a link that is up is about to go out. */
  #isSettled(): boolean {
    return (
      this.#pipeline.passing === 0 &&
      this.#requestLog.isSettled(DRAIN_QUIET_PERIOD_MS) &&
      this.status().every(({ up, buffered = 0 }) => !up || buffered === 0)
    );
  }

  /** Each instance refuses its copy; one of them answers, as far as it can be known. */
  async #refuse(
    rejection: Rejection,
    home: ReadableReplyAddress | undefined,
    { name }: Ingress,
    copy?: Copy,
  ): Promise<void> {
    const isClaimed = copy !== undefined && home !== undefined;
    const result = isClaimed ? await this.#claiming.ofRefusal(name, copy, rejection.context) : 'won';
    if (result !== 'lost') this.#rejected(rejection, result === 'won' ? home : undefined, 'request_in');
  }

  #reply(came: Reply, egress: Egress): void {
    const reply = isOpaqueReply(came) ? this.#requestLog.recognised(came) : came;
    const since = performance.now();
    const observers = this.#observers;
    const routeId = this.#passageHome(reply.home.ingress, egress);
    const about = (): About => aboutReply(reply);
    observers.step('reply received', routeId, about);
    this.#silence.heard(egress);
    if (routeId !== undefined) this.#silentNodes.heard(routeId.name, reply.sender || undefined);
    if (!isOpaqueReply(reply)) {
      const { home, sender, broadcast } = reply;
      this.#options.inventory?.observe(egress.name, home.collective, sender);
      if (this.#answersItself(home, sender, broadcast)) {
        observers.leftAlone({ what: 'reply', why: 'native', context: about() });
        return;
      }
    }
    this.#requestLog.replied(reply.home, false, reply.sender || undefined);
    const isSent = this.#replyRouter.send(reply);
    if (isSent) observers.step('reply sent', routeId, about);
    const result = resultOf(reply, isSent);
    this.#options.audit?.()?.answered(answerOf(reply.home, routeId, reply.sender || undefined, result));
    observers.handled('reply', (performance.now() - since) / 1000);
  }

  /** A token may name an ingress that this instance does not have; then there is no such route either. */
  #passageHome(ingress: string, { name }: Egress): RouteId | undefined {
    return this.#sides.ingresses(ingress).length > 0 ? this.#routeIds.of(ingress, name) : undefined;
  }

  #rejectedReply(
    rejection: Rejection,
    home: ReadableReplyAddress | undefined,
    broadcast: boolean | undefined,
    egress: Egress,
  ): void {
    this.#silence.unread(egress, rejection);
    const node = rejection.context.sender;
    const routeId = home && this.#passageHome(home.ingress, egress);
    if (routeId !== undefined) this.#silentNodes.heard(routeId.name, node);
    if (home !== undefined && node !== undefined && this.#answersItself(home, node, broadcast)) {
      this.#refused(rejection, home, 'reply_in');
      return;
    }
    if (home !== undefined) {
      this.#requestLog.replied(home, true, node);
      this.#options.audit?.()?.answered(answerOf(home, routeId, node, 'refused'));
    }
    const whose = node === undefined ? 'a reply was refused: ' : `the reply of ${node} was refused: `;
    this.#rejected(rejection, home, 'reply_in', { node, whose });
  }

  /** Whether the requester has the node's answer already. Not where it alone was asked: then no other node has answered. */
  #answersItself(
    { ingress, collective }: ReadableReplyAddress,
    node: string,
    broadcast: boolean | undefined,
  ): boolean {
    return broadcast === true && this.#options.inventory?.isLocal(ingress, collective, node) === true;
  }

  /** Says what is refused and tells the requester, in the node's name where it is a node's reply. */
  #rejected(
    rejection: Rejection,
    home: ReadableReplyAddress | undefined,
    stage: Stage,
    reply?: InsteadOf,
    answers?: number,
  ): void {
    this.#refused(rejection, home, stage);
    // Its ttl ended here: the client no longer waits. Where it was over as it came in, the client's clock is wrong, and it does wait.
    const isLate = rejection.code === 'expired' && stage !== 'request_in';
    if (home !== undefined && !isLate) this.#replyRouter.answer(rejection, home, reply, answers);
  }

  #refused(rejection: Rejection, home: ReadableReplyAddress | undefined, stage: Stage): void {
    const { code, message, cause } = rejection;
    this.#observers.refused({
      code,
      stage,
      context: aboutRefusal(rejection, home),
      sentence: message,
      ...(cause !== undefined && { cause }),
    });
  }
}
