import type { Passage } from '../envelope/observer.ts';

/** As the log and the metrics name it. */
export const passageName = (from: string, to: string): string => `${from} → ${to}`;

/** One object for each pair of an ingress and an egress, made when it is asked for. Both are names of this bridge's own. */
export class Passages {
  readonly #byIngress = new Map<string, Map<string, Passage>>();

  of(from: string, to: string): Passage {
    let byEgress = this.#byIngress.get(from);
    if (byEgress === undefined) {
      byEgress = new Map();
      this.#byIngress.set(from, byEgress);
    }
    let passage = byEgress.get(to);
    if (passage === undefined) {
      passage = { from, to, name: passageName(from, to) };
      byEgress.set(to, passage);
    }
    return passage;
  }
}
