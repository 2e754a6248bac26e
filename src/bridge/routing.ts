import type { Policy } from '../envelope/decision.ts';
import type { PayloadKind } from '../envelope/message.ts';
import type { Egress, Ingress } from '../envelope/port.ts';
import type { IdentityMapOptions } from './identity-map.ts';

/** Which collectives of one ingress are reachable behind which egress, and as whom. */
export interface Route {
  readonly from: Ingress;
  readonly to: Egress;
  /** The exported collectives; nothing else is reachable. */
  readonly collectives: ReadonlySet<string>;
  readonly identities: IdentityMapOptions;
  /** Whether a request may pass; without one, whoever has a name on the other side may. */
  readonly policy?: Policy;
  /** What goes by it: what was read, unless told. */
  readonly carries?: readonly PayloadKind[];
}

const READ: readonly PayloadKind[] = ['rpc', 'discovery'];

/** Why a route cannot be, in words: its sides do not accept what it carries. Undefined where they do. */
export const wiringProblem = ({ from, to, carries = READ }: Route): string | undefined => {
  const refused = (accepts: readonly PayloadKind[]): string =>
    carries.filter((kind) => !accepts.includes(kind)).join(', ');
  const [requests, replies] = [refused(to.accepts), refused(from.accepts)];
  if (requests !== '') return `the egress ${to.name} does not accept requests of this kind: ${requests}`;
  if (replies !== '') return `the ingress ${from.name} does not accept replies of this kind: ${replies}`;
  return undefined;
};

/** The two sides and what leads from one to the other: a value that never changes. A request goes by the one of its start. */
export class Routing {
  readonly routes: readonly Route[];
  /** By their names. */
  readonly ingresses: ReadonlyMap<string, Ingress>;
  readonly egresses: ReadonlySet<Egress>;

  /** @param localOnly egresses that no route leads to, which only say who is there */
  constructor(routes: readonly Route[], localOnly: readonly Egress[] = []) {
    for (const route of routes) {
      const problem = wiringProblem(route);
      if (problem !== undefined) throw new Error(problem);
    }
    this.routes = routes;
    this.ingresses = new Map(routes.map(({ from }) => [from.name, from]));
    this.egresses = new Set([...routes.map(({ to }) => to), ...localOnly]);
  }

  /** Where a request from that ingress goes; undefined where no route carries such requests to all of its collectives. */
  routeFor(ingress: string, kind: PayloadKind, collectives: readonly string[]): Route | undefined {
    return this.routes.find(
      ({ from, collectives: exported, carries = READ }) =>
        from.name === ingress &&
        carries.includes(kind) &&
        collectives.every((collective) => exported.has(collective)),
    );
  }

  /** The egresses that routes from an ingress lead to. */
  replyPathsOf(ingress: Ingress): readonly Egress[] {
    return this.routes.filter(({ from }) => from === ingress).map(({ to }) => to);
  }
}

/** How long messages in flight at a change of the routing may still come, in ms. */
export const IN_FLIGHT_MS = 5_000;

/** The routing in force, and for a moment the one before it: for what was on its way when that ended. */
export class CurrentRouting {
  readonly #clock: () => number;
  #now: Routing;
  #before: { readonly routing: Routing; readonly until: number } | undefined;

  /** @param clock ms since the epoch */
  constructor(first: Routing, clock: () => number) {
    this.#now = first;
    this.#clock = clock;
  }

  get now(): Routing {
    return this.#now;
  }

  become(routing: Routing): void {
    this.#before = { routing: this.#now, until: this.#clock() + IN_FLIGHT_MS };
    this.#now = routing;
  }

  /** Where a request goes, by the rules of now; for a moment also by those before them, where only they have a route. */
  routeFor({ name }: Ingress, kind: PayloadKind, collectives: readonly string[]): Route | undefined {
    const route = this.#now.routeFor(name, kind, collectives);
    if (route !== undefined || this.#before === undefined) return route;
    const { routing, until } = this.#before;
    return this.#clock() < until ? routing.routeFor(name, kind, collectives) : undefined;
  }
}
