import type { InventoryDocument } from '../nodes/document.ts';
import { keptFor } from '../telemetry/kept-for.ts';

/** The nodes of one collective, by the sides that they are on. */
export interface Fleet {
  readonly collective: string;
  /** Each node once. */
  readonly nodes: number;
  /** Those that are there on more than one side. */
  readonly both: number;
  readonly sides: readonly Side[];
}

/** All egresses of one type: where nodes move from, or to. */
export interface Side {
  readonly type: string;
  readonly egresses: readonly string[];
  readonly nodes: number;
  /** Those that are on no other side. */
  readonly only: number;
  /** Why nodes cannot be asked now. */
  readonly error?: string;
}

type Found = Map<string, { readonly egresses: Set<string>; readonly nodes: Set<string>; error?: string }>;

const sidesOf = ({ egresses }: InventoryDocument): ReadonlyMap<string, Found> => {
  const collectives = new Map<string, Found>();
  for (const { name: egress, type, collectives: asked, error } of egresses)
    for (const { name, nodes } of asked) {
      const found: Found = collectives.get(name) ?? new Map();
      collectives.set(name, found);
      const side = found.get(type) ?? { egresses: new Set(), nodes: new Set() };
      found.set(type, side);
      side.egresses.add(egress);
      if (error !== undefined) side.error = error;
      for (const { identity } of nodes) side.nodes.add(identity);
    }
  return collectives;
};

/** How far each collective has moved from one side to another. */
export const fleetsOf = (document: InventoryDocument): readonly Fleet[] =>
  [...sidesOf(document)].map(([collective, found]) => {
    const counts = new Map<string, number>();
    for (const { nodes } of found.values())
      for (const node of nodes) counts.set(node, (counts.get(node) ?? 0) + 1);
    return {
      collective,
      nodes: counts.size,
      both: [...counts.values()].filter((sides) => sides > 1).length,
      sides: [...found].map(([type, { egresses, nodes, error }]) => ({
        type,
        egresses: [...egresses],
        nodes: nodes.size,
        only: [...nodes].filter((node) => counts.get(node) === 1).length,
        ...(error !== undefined && { error }),
      })),
    };
  });

/** Counting a large fleet takes a while, and nodes do not move by the second. In ms. */
const KEPT_MS = 5_000;

/** The same, counted anew every five seconds at most. @param clock ms since the epoch */
export const countedFleets = (
  document: () => InventoryDocument,
  clock: () => number,
): (() => readonly Fleet[]) => keptFor(KEPT_MS, clock, () => fleetsOf(document()));
