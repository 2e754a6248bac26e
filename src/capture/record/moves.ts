import type { Move } from '../../nodes/inventory.ts';
import type { CassetteNodes } from '../file/format.ts';

/**
 * Who has come and gone since the last line of a recording, where no message of it shows that: a replay has no network
 * to ask, and learns from the recorded replies by itself.
 */
export class Moves {
  /** Whether they are there, by egress, collective and node. */
  #places = new Map<string, Map<string, Map<string, boolean>>>();

  add({ egress, collective, node, came }: Move): void {
    if (came === 'reply') return;
    const places = this.#places.get(egress) ?? new Map<string, Map<string, boolean>>();
    const nodes = places.get(collective) ?? new Map<string, boolean>();
    this.#places.set(egress, places.set(collective, nodes.set(node, came !== undefined)));
  }

  /** What has been added since the last time. */
  take(): readonly CassetteNodes['nodes'][] {
    if (this.#places.size === 0) return [];
    const all = [...this.#places].flatMap(([egress, places]) =>
      [...places].map(([collective, nodes]) => {
        const came = namesOf(nodes, true);
        const gone = namesOf(nodes, false);
        return {
          egress,
          collective,
          ...(came.length > 0 && { came }),
          ...(gone.length > 0 && { gone }),
        };
      }),
    );
    this.#places = new Map();
    return all;
  }
}

const namesOf = (nodes: ReadonlyMap<string, boolean>, isThere: boolean): string[] =>
  [...nodes].flatMap(([node, there]) => (there === isThere ? [node] : []));
