import type { Egress, Ingress } from '../adapter/port.ts';
import type { IdentityMapOptions } from './identity-map.ts';

/** Which collectives of one ingress are reachable behind which egress, and as whom. */
export interface Route {
  readonly from: Ingress;
  readonly to: Egress;
  /** The exported collectives; nothing else is reachable. */
  readonly collectives: ReadonlySet<string>;
  readonly identities: IdentityMapOptions;
}

/** The two sides and what leads from one to the other: a value that never changes. A request goes by the one of its start. */
export class Routing {
  readonly routes: readonly Route[];
  /** By their names. */
  readonly ingresses: ReadonlyMap<string, Ingress>;
  readonly egresses: ReadonlySet<Egress>;

  /** @param beside egresses that no route leads to, which only say who is there */
  constructor(routes: readonly Route[], beside: readonly Egress[] = []) {
    this.routes = routes;
    this.ingresses = new Map(routes.map(({ from }) => [from.name, from]));
    this.egresses = new Set([...routes.map(({ to }) => to), ...beside]);
  }

  /** Where a request from that ingress goes; undefined where no route exports all of its collectives. */
  routeFor(ingress: string, collectives: readonly string[]): Route | undefined {
    return this.routes.find(
      ({ from, collectives: exported }) =>
        from.name === ingress && collectives.every((collective) => exported.has(collective)),
    );
  }

  /** The egresses that routes from an ingress lead to. */
  waysOf(ingress: Ingress): readonly Egress[] {
    return this.routes.filter(({ from }) => from === ingress).map(({ to }) => to);
  }
}
