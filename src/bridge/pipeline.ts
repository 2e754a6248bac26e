import { type Home, isOpaque, type Request, readdressed } from '../envelope/message.ts';
import type { About, BridgeObserver, Passage, Step } from '../envelope/observer.ts';
import type { Copy, Ingress, Undelivered } from '../envelope/port.ts';
import { asRejection, Rejection } from '../envelope/rejection.ts';
import { bytesOfRequest } from '../envelope/size.ts';
import { aboutRequest, answerAddress, collectivesOf, targetsOf } from './about.ts';
import type { Claiming } from './claiming.ts';
import { type FlowSource, randomFlows } from './flow.ts';
import { mapCaller } from './identity-map.ts';
import type { Ledger, Note } from './ledger.ts';
import type { Passages } from './passages.ts';
import type { Route } from './routing.ts';
import type { Sides } from './sides.ts';
import type { Silence } from './silence.ts';
import { withHop } from './trail.ts';
import { type WaitingLimits, WaitingRoom } from './waiting-room.ts';

/** A request that has a route and a name on the other side, and has not gone out yet. */
export interface Passing {
  /** As it came, in the name that its signature proved. */
  readonly request: Request;
  /** As it will go out. */
  readonly outgoing: Request;
  readonly passage: Passage;
}

/**
 * A step that others bring. What it throws keeps the request in: it is refused, and its sender told. While it takes its time
 * the request waits, within what may wait in bytes and number.
 */
export type PassingStep = (passing: Passing) => void | Promise<void>;

export interface PassingSteps {
  /** Whether it may pass: policy. @throws Rejection */
  readonly decide?: PassingStep;
  /** Writes down what is about to go out: audit. @throws Rejection */
  readonly record?: PassingStep;
}

export interface PipelineOptions extends PassingSteps {
  /** What may wait for these steps. */
  readonly waiting?: WaitingLimits;
  /** Together the bridge's name in hop trails, `<cluster>:<instance>`. */
  readonly cluster: string;
  readonly instance: string;
  /** Ms since the epoch. */
  readonly clock: () => number;
  readonly flows?: FlowSource;
  readonly claiming: Claiming;
  readonly sides: Pick<Sides, 'routeFor' | 'uses'>;
  readonly passages: Passages;
  readonly ledger: Ledger;
  readonly silence: Silence;
  readonly observer: BridgeObserver;
  /** Told of what did not go out, and where its sender is told, if anywhere. */
  readonly refused: (rejection: Rejection, home: Home | undefined) => void;
}

/**
 * A request's way from an ingress through an egress. Its steps are these, always in this order; each may take its time.
 *
 *     verify   the ingress, before it hands the request over: signature, time and target hold
 *     claim    of what every instance has got, one takes it
 *     route    by the ingress, the kind of payload and the collectives
 *     map      the caller's name on the other side
 *     decide   whether it may pass
 *     record   what is about to go out
 *     sign     the egress, in that name
 *     send     the egress: to all of its targets, or to none
 *
 * A message may end at any of them; then it is refused as a whole. Observers are told of each step that is done.
 */
export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #waiting: WaitingRoom;
  readonly #flows: FlowSource;
  #passing = 0;
  #draining = false;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#waiting = new WaitingRoom(options.waiting);
    this.#flows = options.flows ?? randomFlows();
  }

  /** Requests that are in it, past their claim. */
  get passing(): number {
    return this.#passing;
  }

  /** What still comes is refused. */
  drain(): void {
    this.#draining = true;
  }

  async take(verified: Request, from: Ingress, copy: Copy | undefined): Promise<void> {
    const request = this.#withFlow(verified);
    if (copy !== undefined && !(await this.#claim(request, copy))) return;
    const { observer } = this.#options;
    const since = performance.now();
    this.#passing++;
    try {
      this.#tell('request received', undefined, request);
      await this.#pass(request, from);
    } catch (error) {
      this.#options.refused(asRejection(error, aboutRequest(request)), answerAddress(request));
    } finally {
      this.#passing--;
      observer.handled('request', (performance.now() - since) / 1000);
    }
  }

  async #pass(request: Request, from: Ingress): Promise<void> {
    const { decide, record } = this.#options;
    if (this.#draining) throw new Rejection('draining', 'this bridge is shutting down');
    const route = this.#route(request, from);
    const passing = this.#map(request, route);
    if (decide !== undefined) await this.#let(decide, 'decided', passing);
    if (record !== undefined) await this.#let(record, 'recorded', passing);
    await this.#send(passing, route);
  }

  /** Replies find their request by this id, and by nothing that a sender chooses. */
  #withFlow(request: Request): Request {
    const flow = this.#options.ledger.continued(request) ?? this.#flows();
    return readdressed(request, { flow });
  }

  /** @returns whether it is this instance's, and alive still */
  async #claim(request: Request, copy: Copy): Promise<boolean> {
    const { claiming, clock, refused } = this.#options;
    const context = aboutRequest(request);
    if (!(await claiming.ofRequest(copy, bytesOfRequest(request), context))) return false;
    const late = clock() - request.home.expires;
    if (late <= 0) return true;
    const sentence = `its ttl ended ${Math.ceil(late / 1000)} s before it was claimed`;
    refused(new Rejection('expired', sentence, context), undefined);
    return false;
  }

  /** @throws Rejection `collective_not_exported` */
  #route(request: Request, from: Ingress): Route {
    const { sides, passages } = this.#options;
    const route = sides.routeFor(from, request.payload.kind, collectivesOf(request));
    if (route === undefined)
      throw new Rejection(
        'collective_not_exported',
        isOpaque(request)
          ? 'no route exports the collectives of all its targets'
          : `the collective ${request.collective} is not exported here`,
      );
    sides.uses(from, route.to, request.home.expires);
    this.#tell('request routed', passages.of(from.name, route.to.name), request);
    return route;
  }

  /**
   * In the mapped caller's name, unless it passes as it is, and with this bridge in its trail.
   * @throws Rejection `no_mapping`, `privileged_mapping`, `invalid_callerid` or `loop`
   */
  #map(request: Request, { from, to, identities }: Route): Passing {
    const passage = this.#options.passages.of(from.name, to.name);
    // Asking for a link's state is not for free, and few messages are traced.
    const { hops } =
      request.home.hops === undefined
        ? request.home
        : withHop(request.home, this.#options, from.status(), to.status());
    const traced = hops === undefined ? request : readdressed(request, { hops });
    const outgoing = isOpaque(traced) ? traced : { ...traced, caller: mapCaller(traced.caller, identities) };
    this.#tell('request mapped', passage, request, callerOut(outgoing));
    return { request, outgoing, passage };
  }

  /** Lets a step that others bring take its time. */
  async #let(step: PassingStep, done: 'decided' | 'recorded', passing: Passing): Promise<void> {
    const { request, outgoing, passage } = passing;
    await this.#waiting.during(() => step(passing), request);
    this.#tell(`request ${done}`, passage, request, callerOut(outgoing));
  }

  /**
   * It is in the ledger before it is delivered, for the first reply may be home before the delivery is done.
   * @throws Rejection `expired`, or what the egress throws
   */
  async #send({ request, outgoing, passage }: Passing, { to }: Route): Promise<void> {
    const { clock, ledger, silence } = this.#options;
    const { expires } = request.home;
    if (clock() >= expires)
      throw new Rejection('expired', "the request's ttl ended while it waited to be sent");
    const note = ledger.sent(request, callerOut(outgoing).callerOut, passage.name);
    try {
      await to.deliver(outgoing, this.#whenUndelivered(request, note));
    } catch (error) {
      if (note !== undefined) ledger.forget(note);
      throw error;
    }
    this.#tell('request sent', passage, request);
    silence.asked(to, expires);
  }

  /** Holds nothing of the request but who sent it: as many may wait as there is room for. */
  #whenUndelivered(request: Request, note: Note | undefined): Undelivered {
    const about = aboutRequest(request);
    return (rejection, extent, home) => {
      if (extent === 'all' && note !== undefined) this.#options.ledger.forget(note);
      this.#options.refused(rejection.with(about), home);
    };
  }

  #tell(step: Step, passage: Passage | undefined, request: Request, more: Partial<About> = {}): void {
    this.#options.observer.step(step, passage, () => ({
      ...aboutRequest(request),
      ...(passage !== undefined && { targets: targetsOf(request) }),
      ...more,
    }));
  }
}

/** In whose name it goes out; what passes as it is keeps its own. */
const callerOut = (outgoing: Request): { readonly callerOut?: string } =>
  isOpaque(outgoing) ? {} : { callerOut: outgoing.caller };
