import type { Audit } from '../envelope/audit.ts';
import { type Decision, type Passing, UNDECIDED } from '../envelope/decision.ts';
import { isOpaque, type ReadableReplyAddress, type Request, readdressed } from '../envelope/message.ts';
import type { About, BridgeObserver, RouteId, Step } from '../envelope/observer.ts';
import type { Copy, Ingress, Undelivered } from '../envelope/port.ts';
import { asRejection, Rejection } from '../envelope/rejection.ts';
import { bytesOfRequest } from '../envelope/size.ts';
import { aboutRequest, answerAddress, collectivesOf, targetsOf } from './about.ts';
import type { Claiming } from './claiming.ts';
import { answersTo, denied } from './denied.ts';
import { type FlowSource, randomFlows } from './flow.ts';
import { mapCaller } from './identity-map.ts';
import type { Note, RequestLog } from './request-log.ts';
import type { RouteIds } from './route-ids.ts';
import type { Route } from './routing.ts';
import type { Sides } from './sides.ts';
import type { Silence } from './silence.ts';
import { withHop } from './trail.ts';
import { type WaitingLimits, WaitingRoom } from './waiting-room.ts';

export interface PipelineOptions {
  readonly audit?: () => Audit | undefined;
  /** What may wait for a policy, and as much again to be written down. */
  readonly waiting?: WaitingLimits;
  /** Together the bridge's name in hop trails, `<cluster>:<instance>`. */
  readonly cluster: string;
  readonly instance: string;
  /** Ms since the epoch. */
  readonly clock: () => number;
  readonly flows?: FlowSource;
  readonly claiming: Claiming;
  readonly sides: Pick<Sides, 'current' | 'uses'>;
  readonly routeIds: RouteIds;
  readonly requestLog: RequestLog;
  readonly silence: Silence;
  readonly observer: BridgeObserver;
  /** Called with what did not go out, with the address of its sender, if any, and with how many answers that one counts on. */
  readonly refused: (rejection: Rejection, home: ReadableReplyAddress | undefined, answers?: number) => void;
}

/** How far a request has come. */
interface Way {
  readonly request: Request;
  passing?: Passing;
  /** As what it was written down. */
  recorded?: Decision['verdict'];
}

/**
 * A request's way from an ingress through an egress. Its steps are these, always in this order; each may take its time.
 *
 *     verify   the ingress, before it hands the request over: signature, time and target hold
 *     claim    of what every instance has got, one takes it
 *     route    by the ingress, the kind of payload and the collectives
 *     map      the caller's name on the other side
 *     decide   whether it may pass, by the route's policy
 *     record   what was decided
 *     sign     the egress, in that name
 *     send     the egress: to all of its targets, or to none
 *
 * A message may end at any of them; then it is refused as a whole. Observers get each step that is done.
 */
export class Pipeline {
  readonly #options: PipelineOptions;
  /** Two, for what waits for the one step keeps nothing from the other. */
  readonly #deciding: WaitingRoom;
  readonly #recording: WaitingRoom;
  readonly #flows: FlowSource;
  #passing = 0;
  #draining = false;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#deciding = new WaitingRoom(options.waiting);
    this.#recording = new WaitingRoom(options.waiting);
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

  /** @returns why it was refused; undefined where it has gone out, or is another instance's */
  async take(verified: Request, from: Ingress, copy: Copy | undefined): Promise<Rejection | undefined> {
    const request = this.#withFlow(verified);
    if (copy !== undefined && !(await this.#claim(request, copy))) return undefined;
    const { observer } = this.#options;
    const since = performance.now();
    this.#passing++;
    const way: Way = { request };
    try {
      this.#tell('request received', undefined, request);
      await this.#pass(way, from);
      return undefined;
    } catch (error) {
      const rejection = asRejection(error, aboutRequest(request));
      this.#refuse(way, rejection);
      return rejection;
    } finally {
      this.#passing--;
      observer.handled('request', (performance.now() - since) / 1000);
    }
  }

  /** What would become of it now, up to the decision. @returns why it would be refused; undefined where it would be sent */
  foresee(request: Request, from: Ingress): Rejection | undefined {
    try {
      if (this.#draining) throw draining();
      const { to, identities, policy } = this.#routeOf(request, from);
      const routeId = this.#options.routeIds.of(from.name, to.name);
      const decision = policy?.foresee({ request, outgoing: mapped(request, identities), routeId });
      return decision?.verdict === 'deny' ? denied(decision) : undefined;
    } catch (error) {
      return asRejection(error, aboutRequest(request));
    }
  }

  async #pass(way: Way, from: Ingress): Promise<void> {
    const audit = this.#options.audit?.();
    const { request } = way;
    if (this.#draining) throw draining();
    const route = this.#route(request, from);
    const passing = this.#map(request, route);
    way.passing = passing;
    const decided = this.#decide(passing, route);
    const decision = decided instanceof Promise ? await decided : decided;
    if (route.policy !== undefined) this.#options.observer.decided({ ...passing, decision });
    this.#tellPassing('decided', passing);
    if (audit !== undefined) {
      const written = this.#recording.during(() => audit.record({ ...passing, decision }), request);
      if (written instanceof Promise) await written;
      way.recorded = decision.verdict;
      if (audit.writes !== false) this.#tellPassing('recorded', passing);
    }
    if (decision.verdict === 'deny') throw denied(decision);
    await this.#send(passing, route);
  }

  /** What was denied has been written down as that. Of one that nobody has signed nothing is, before it passes. */
  #refuse({ request, passing, recorded }: Way, rejection: Rejection): void {
    const { audit, refused } = this.#options;
    if (recorded === undefined) {
      if (request.caller !== undefined) audit?.()?.refused({ request, ...passing, rejection });
    } else if (recorded !== 'deny' && passing !== undefined)
      audit?.()?.unsent(rejection, 'all', passing.routeId);
    refused(rejection, answerAddress(request), answersTo(request, rejection));
  }

  /** Replies find their request by this id, and by nothing that a sender chooses. */
  #withFlow(request: Request): Request {
    const flow = this.#options.requestLog.continued(request) ?? this.#flows();
    return readdressed(request, { flow });
  }

  /** @returns whether it is this instance's, and alive still */
  async #claim(request: Request, copy: Copy): Promise<boolean> {
    const { claiming, clock, audit, refused } = this.#options;
    const context = aboutRequest(request);
    if (!(await claiming.ofRequest(copy, bytesOfRequest(request), context))) return false;
    const late = clock() - request.home.expires;
    if (late <= 0) return true;
    const sentence = `its ttl ended ${Math.ceil(late / 1000)} s before it was claimed`;
    const rejection = new Rejection('expired', sentence, context);
    audit?.()?.refused({ request, rejection });
    refused(rejection, undefined);
    return false;
  }

  /** @throws Rejection `collective_not_exported` */
  #route(request: Request, from: Ingress): Route {
    const { sides, routeIds } = this.#options;
    const route = this.#routeOf(request, from);
    sides.uses(from, route.to, request.home.expires);
    this.#tell('request routed', routeIds.of(from.name, route.to.name), request);
    return route;
  }

  /** @throws Rejection `collective_not_exported` */
  #routeOf(request: Request, from: Ingress): Route {
    const { sides } = this.#options;
    const route = sides.current.routeFor(from, request.payload.kind, collectivesOf(request));
    if (route === undefined)
      throw new Rejection(
        'collective_not_exported',
        isOpaque(request)
          ? 'no route exports the collectives of all its targets'
          : `the collective ${request.collective} is not exported here`,
      );
    return route;
  }

  /**
   * In the mapped caller's name, unless it passes unchanged, and with this bridge in its trail.
   * @throws Rejection `no_mapping`, `privileged_mapping`, `invalid_callerid` or `loop`
   */
  #map(request: Request, { from, to, identities }: Route): Passing {
    const routeId = this.#options.routeIds.of(from.name, to.name);
    // Asking for a link's state is not for free, and few messages are traced.
    const { hops } =
      request.home.hops === undefined
        ? request.home
        : withHop(request.home, this.#options, from.status(), to.status());
    const traced = hops === undefined ? request : readdressed(request, { hops });
    const outgoing = mapped(traced, identities);
    this.#tell('request mapped', routeId, request, callerOut(outgoing));
    return { request, outgoing, routeId };
  }

  /** Without a policy whoever has a route and a name may pass. */
  #decide(passing: Passing, { policy }: Route): Decision | Promise<Decision> {
    if (policy === undefined) return UNDECIDED;
    const decided = policy.decide(passing);
    return typeof decided === 'function' ? this.#deciding.during(decided, passing.request) : decided;
  }

  #tellPassing(done: 'decided' | 'recorded', { request, outgoing, routeId }: Passing): void {
    this.#tell(`request ${done}`, routeId, request, callerOut(outgoing));
  }

  /**
   * It is in the request log before it is delivered, for the first reply may be home before the delivery is done.
   * @throws Rejection `expired`, or what the egress throws
   */
  async #send({ request, outgoing, routeId }: Passing, { to }: Route): Promise<void> {
    const { clock, requestLog, silence } = this.#options;
    const { expires } = request.home;
    if (clock() >= expires)
      throw new Rejection('expired', "the request's ttl ended while it waited to be sent");
    const note = requestLog.sent(request, callerOut(outgoing).callerOut, routeId.name);
    try {
      await to.deliver(outgoing, this.#whenUndelivered(request, routeId, note));
    } catch (error) {
      if (note !== undefined) requestLog.forget(note);
      throw error;
    }
    this.#tell('request sent', routeId, request);
    silence.asked(to, request);
  }

  /** Holds nothing of the request but who sent it: as many may wait as there is room for. */
  #whenUndelivered(request: Request, routeId: RouteId, note: Note | undefined): Undelivered {
    const about = aboutRequest(request);
    return (rejection, extent, home) => {
      if (extent === 'all' && note !== undefined) this.#options.requestLog.forget(note);
      const told = rejection.with(about);
      this.#options.audit?.()?.unsent(told, extent, routeId);
      this.#options.refused(told, home);
    };
  }

  #tell(step: Step, routeId: RouteId | undefined, request: Request, more: Partial<About> = {}): void {
    this.#options.observer.step(step, routeId, () => ({
      ...aboutRequest(request),
      ...(routeId !== undefined && { targets: targetsOf(request) }),
      ...more,
    }));
  }
}

const draining = (): Rejection => new Rejection('draining', 'this bridge is shutting down');

/** @throws Rejection `no_mapping`, `privileged_mapping` or `invalid_callerid` */
const mapped = (request: Request, identities: Route['identities']): Request =>
  isOpaque(request) ? request : { ...request, caller: mapCaller(request.caller, identities) };

/** In whose name it goes out; what passes unchanged keeps its own. */
const callerOut = (outgoing: Request): { readonly callerOut?: string } =>
  isOpaque(outgoing) ? {} : { callerOut: outgoing.caller };
