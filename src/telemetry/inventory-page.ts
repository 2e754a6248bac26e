import type { EgressDocument, InventoryDocument } from '../nodes/document.ts';
import type { Inventory } from '../nodes/inventory.ts';
import type { Progress } from '../nodes/rounds.ts';
import { json, type Page } from './http.ts';

/** What the page tells of an egress that is not in the inventory itself. */
export interface ListedEgress {
  readonly name: string;
  /** Its protocol, as in the configuration. */
  readonly type: string;
  readonly patterns: readonly string[];
  readonly collectives: readonly string[];
  /** Seconds between questions; 0: none are asked. */
  readonly every: number;
}

export interface InventoryPageOptions {
  readonly cluster: string;
  readonly instance: string;
  readonly inventory: Inventory;
  readonly survey: { progress(egress: string): Progress | undefined };
  readonly egresses: readonly ListedEgress[];
  /** Ms since the epoch. */
  readonly clock: () => number;
}

const seconds = (ms: number): number => Math.floor(ms / 1000);

const describe = (it: ListedEgress, { inventory, survey }: InventoryPageOptions): EgressDocument => {
  const { asked, error } = survey.progress(it.name) ?? {};
  return {
    name: it.name,
    type: it.type,
    patterns: [...it.patterns],
    every: it.every,
    last_survey: asked === undefined ? null : seconds(asked),
    ...(error === undefined ? {} : { error }),
    collectives: it.collectives.map((name) => ({
      name,
      nodes: inventory
        .sightings(it.name, name)
        .map(({ identity, seen, by }) => ({ identity, seen: seconds(seen), by })),
    })),
  };
};

/** Ms. Of a large fleet the page is some megabytes, and whoever reaches the port may ask as often as he likes. */
const KEPT = 1_000;

/** The page `/inventory`: who lives where, for `mcbridge inventory` and for programs. At most a second old. */
export const inventoryPage = (options: InventoryPageOptions): (() => Page) => {
  const { cluster, instance, inventory, egresses, clock } = options;
  let kept: { readonly page: Page; readonly made: number } | undefined;
  return () => {
    const now = clock();
    if (kept !== undefined && now >= kept.made && now < kept.made + KEPT) return kept.page;
    const document: InventoryDocument = {
      time: seconds(now),
      cluster,
      instance,
      refused: inventory.refused,
      egresses: egresses.map((it) => describe(it, options)),
    };
    const page = json(200, document);
    // The bytes are the same for all who take their time to read them.
    kept = { page: { ...page, body: Buffer.from(page.body) }, made: now };
    return kept.page;
  };
};
