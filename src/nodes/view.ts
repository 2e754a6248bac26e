import { compileGlob, compileGlobs, hasWildcard, isGlob } from '../envelope/glob.ts';
import type { EgressDocument, InventoryDocument } from './document.ts';

/** A node behind an egress. */
export interface NodeView {
  readonly identity: string;
  readonly egress: string;
  readonly collectives: readonly string[];
  readonly known: readonly ('pattern' | 'discovery' | 'reply')[];
  /** Seconds since it was there last, by the bridge's own clock; null: configured by name, and not there. */
  readonly seen: number | null;
  /** It is there on the other side too, in one of these collectives. */
  readonly both: boolean;
}

/** What is to be shown. */
export interface Selection {
  readonly collective?: string;
  readonly egress?: string;
  /** A glob. */
  readonly node?: string;
}

export interface InventoryView {
  readonly nodes: readonly NodeView[];
  readonly egresses: readonly EgressDocument[];
}

/** The sides on which a node is there in one collective, by both their names. */
const sidesOf = ({ egresses }: InventoryDocument): ((collective: string, identity: string) => number) => {
  const sides = new Map<string, Set<string>>();
  const key = (collective: string, identity: string): string => `${collective} ${identity}`;
  for (const { type, collectives } of egresses)
    for (const { name, nodes } of collectives)
      for (const { identity } of nodes) {
        const types = sides.get(key(name, identity)) ?? new Set<string>();
        sides.set(key(name, identity), types.add(type));
      }
  return (collective, identity) => sides.get(key(collective, identity))?.size ?? 0;
};

type Sides = ReturnType<typeof sidesOf>;

const byIdentity = (a: NodeView, b: NodeView): number =>
  a.identity < b.identity ? -1 : a.identity > b.identity ? 1 : 0;

const nodesOf = (it: EgressDocument, time: number, sides: Sides): readonly NodeView[] => {
  const isConfigured = compileGlobs(it.patterns.filter(isGlob));
  const views = new Map<string, NodeView>();
  for (const { name, nodes } of it.collectives)
    for (const { identity, seen, by } of nodes) {
      const known = views.get(identity)?.known ?? (isConfigured(identity) ? ['pattern'] : []);
      const ago = Math.max(0, time - seen);
      views.set(identity, {
        identity,
        egress: it.name,
        collectives: [...(views.get(identity)?.collectives ?? []), name],
        known: known.includes(by) ? known : [...known, by],
        seen: Math.min(ago, views.get(identity)?.seen ?? ago),
        both: views.get(identity)?.both === true || sides(name, identity) > 1,
      });
    }
  const collectives = it.collectives.map(({ name }) => name);
  for (const identity of it.patterns)
    if (!hasWildcard(identity) && !views.has(identity) && collectives.length > 0)
      views.set(identity, {
        identity,
        egress: it.name,
        collectives,
        known: ['pattern'],
        seen: null,
        both: false,
      });
  return [...views.values()];
};

/** A row for each node and egress that the bridge knows. */
export const viewOf = (
  document: InventoryDocument,
  { collective, egress, node }: Selection,
): InventoryView => {
  const sides = sidesOf(document);
  const matches = node === undefined ? () => true : compileGlob(node);
  const egresses = document.egresses
    .filter(({ name }) => egress === undefined || name === egress)
    .map((it) => ({
      ...it,
      collectives: it.collectives.filter(({ name }) => collective === undefined || name === collective),
    }));
  const nodes = egresses
    .flatMap((it) => nodesOf(it, document.time, sides))
    .filter(({ identity }) => matches(identity))
    .toSorted(byIdentity);
  return { nodes, egresses };
};
