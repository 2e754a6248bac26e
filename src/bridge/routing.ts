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
  waysOf(ingress: Ingress): readonly Egress[] {
    return this.routes.filter(({ from }) => from === ingress).map(({ to }) => to);
  }
}
