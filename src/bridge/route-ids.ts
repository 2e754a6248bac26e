import type { RouteId } from '../envelope/observer.ts';

/** As the log and the metrics name it. */
export const routeName = (from: string, to: string): string => `${from} → ${to}`;

/** One object for each pair of an ingress and an egress, made when it is asked for. Both are names of this bridge's own. */
export class RouteIds {
  readonly #byIngress = new Map<string, Map<string, RouteId>>();

  of(from: string, to: string): RouteId {
    let byEgress = this.#byIngress.get(from);
    if (byEgress === undefined) {
      byEgress = new Map();
      this.#byIngress.set(from, byEgress);
    }
    let routeId = byEgress.get(to);
    if (routeId === undefined) {
      routeId = { from, to, name: routeName(from, to) };
      byEgress.set(to, routeId);
    }
    return routeId;
  }
}
