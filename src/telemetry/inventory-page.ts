import type { Progress } from '../nodes/discovery-loop.ts';
import type { EgressDocument, InventoryDocument } from '../nodes/document.ts';
import type { Inventory } from '../nodes/inventory.ts';
import { json, type Page } from './http.ts';
import { keptFor } from './kept-for.ts';

/** What the page says about an egress and the inventory does not. */
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
  readonly scheduler: { progress(egress: string): Progress | undefined };
  readonly egresses: readonly ListedEgress[];
  /** Ms since the epoch. */
  readonly clock: () => number;
}

const seconds = (ms: number): number => Math.floor(ms / 1000);

const describe = (it: ListedEgress, { inventory, scheduler }: InventoryPageOptions): EgressDocument => {
  const { asked, error } = scheduler.progress(it.name) ?? {};
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
        .records(it.name, name)
        .map(({ identity, seen, by }) => ({ identity, seen: seconds(seen), by })),
    })),
  };
};

/** Where nodes live, now. */
export const inventoryNow = (options: InventoryPageOptions): InventoryDocument => {
  const { cluster, instance, inventory, egresses, clock } = options;
  return {
    time: seconds(clock()),
    cluster,
    instance,
    refused: inventory.refused,
    egresses: egresses.map((it) => describe(it, options)),
  };
};

/** Ms. The page of a large fleet has some megabytes, and clients of the port may ask as often as they like. */
const PAGE_CACHE_MS = 1_000;

/** The page `/inventory`: where nodes live, for `mcbridge inventory` and for programs. At most a second old. */
export const inventoryPage = (options: InventoryPageOptions): (() => Page) =>
  keptFor(PAGE_CACHE_MS, options.clock, () => {
    const page = json(200, inventoryNow(options));
    // The bytes are the same for all who take their time to read them.
    return { ...page, body: Buffer.from(page.body) };
  });
