import pTimeout from 'p-timeout';
import { type Home, isOpaqueReply, type Reply } from '../envelope/message.ts';
import {
  type About,
  type BridgeObserver,
  Observers,
  type Passage,
  type Stage,
} from '../envelope/observer.ts';
import type { Copy, Egress, Ingress, LinkStatus, ReplySink, RequestSink } from '../envelope/port.ts';
import type { Rejection } from '../envelope/rejection.ts';
import { aboutRefusal, aboutReply } from './about.ts';
import { ALWAYS_WON, Claiming } from './claiming.ts';
import { Homeward, type InsteadOf } from './homeward.ts';
import { Ledger } from './ledger.ts';
import type { BridgeOptions } from './options.ts';
import { Passages } from './passages.ts';
import { Pipeline } from './pipeline.ts';
import { type Route, Routing } from './routing.ts';
import { type Known, Sides } from './sides.ts';
import { Silence } from './silence.ts';
import { SilentNodes } from './silent-nodes.ts';
import { Stats } from './stats.ts';

export type { BridgeOptions, NodeKnowledge } from './options.ts';
export type { Route } from './routing.ts';

/** A broadcast's replies come close together; this long a silence is the end of them. */
const QUIET = 5_000;
/** While draining, so that a stop does not take longer than it must. */
const DRAIN_QUIET = 2_000;

/** Takes requests from ingresses to egresses, by the pipeline, and replies back. */
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
      routing: this.#counted(new Routing(options.routes, options.localOnly)),
      requests: (ingress) => this.#requestsOf(ingress),
      replies: (egress) => this.#repliesOf(egress),
    });
    this.#homeward = new Homeward({
      ...options,
      ingresses: (name) => this.#sides.ingresses(name),
      observer: observers,
    });
    this.#pipeline = new Pipeline({
      ...options,
      claiming: this.#claiming,
      sides: this.#sides,
      passages: this.#passages,
      ledger: this.#ledger,
      silence: this.#silence,
      observer: observers,
      refused: (rejection, home) => this.#rejected(rejection, home, 'request'),
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
    this.#ledger.stop();
    this.#silence.stop();
  }

  /** Requests that are on their way out, and those that wait for a reply of a node that was named. */
  get inFlight(): number {
    return this.#claiming.pending + this.#pipeline.passing + this.#ledger.open;
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
      request: (request, copy) => void this.#pipeline.take(request, ingress, copy),
      rejected: (rejection, home, copy) => void this.#refuse(rejection, home, ingress, copy),
      ignored: (why, context) => observers.leftAlone({ what: 'request', why, context }),
      step: (step, about) => observers.step(`request ${step}`, undefined, () => about),
    };
  }

  /** What waits for a link that is up is about to go out. */
  #isSettled(): boolean {
    return (
      this.#pipeline.passing === 0 &&
      this.#ledger.isSettled(DRAIN_QUIET) &&
      this.status().every(({ up, buffered = 0 }) => !up || buffered === 0)
    );
  }

  /** Each instance refuses its copy; one of them answers, as far as anybody can tell. */
  async #refuse(rejection: Rejection, home: Home | undefined, { name }: Ingress, copy?: Copy): Promise<void> {
    const isClaimed = copy !== undefined && home !== undefined;
    const result = isClaimed ? await this.#claiming.ofRefusal(name, copy, rejection.context) : 'won';
    if (result !== 'lost') this.#rejected(rejection, result === 'won' ? home : undefined, 'request_in');
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
