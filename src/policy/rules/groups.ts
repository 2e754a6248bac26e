import { nearest } from '../../config/nearest.ts';
import { quoted } from '../../envelope/text.ts';
import type { CallerEntry } from './callers.ts';

/** Names that stand for several callers, and for each other. */
export type Groups = ReadonlyMap<string, readonly CallerEntry[]>;

/** An entry that names no group, or one that it is part of itself. */
export interface GroupFault {
  /** Its place in its list. */
  readonly index: number;
  readonly message: string;
}

const NOBODY: readonly CallerEntry[] = [];

/** What is wrong with the groups that a list of entries names. */
export const unknownGroups = (entries: readonly CallerEntry[], groups: Groups): readonly GroupFault[] =>
  entries.flatMap((entry, index) => {
    if (entry.kind !== 'group' || groups.has(entry.name)) return [];
    const meant = nearest(entry.name, [...groups.keys()]);
    const hint =
      meant === undefined ? '; the name of a caller has a "=" in it' : `; did you mean ${quoted(meant)}?`;
    return [{ index, message: `there is no group ${quoted(entry.name)}${hint}` }];
  });

/** The way from a group back to itself, its own name first and last; undefined where there is none. */
const circleFrom = (start: string, groups: Groups): readonly string[] | undefined => {
  const seen = new Set<string>();
  const search = (name: string, way: readonly string[]): readonly string[] | undefined => {
    for (const entry of groups.get(name) ?? NOBODY) {
      if (entry.kind !== 'group') continue;
      if (entry.name === start) return [...way, start];
      if (seen.has(entry.name)) continue;
      seen.add(entry.name);
      const found = search(entry.name, [...way, entry.name]);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return search(start, [start]);
};

/** What is wrong with the entries of each group, by its name: groups that are not there, and circles. */
export const groupFaults = (groups: Groups): ReadonlyMap<string, readonly GroupFault[]> => {
  const told = new Set<string>();
  return new Map(
    [...groups].map(([name, entries]) => {
      const faults = [...unknownGroups(entries, groups)];
      const circle = told.has(name) ? undefined : circleFrom(name, groups);
      if (circle !== undefined) {
        for (const one of circle) told.add(one);
        const index = entries.findIndex((it) => it.kind === 'group' && it.name === circle[1]);
        faults.push({ index, message: `a group cannot be part of itself: ${circle.join(' → ')}` });
      }
      return [name, faults];
    }),
  );
};

/** The entries, each group replaced by what is in it; of groups without faults. */
export const withoutGroups = (entries: readonly CallerEntry[], groups: Groups): readonly CallerEntry[] => {
  const found: CallerEntry[] = [];
  const seen = new Set<string>();
  const add = (list: readonly CallerEntry[]): void => {
    for (const entry of list) {
      if (entry.kind !== 'group') found.push(entry);
      else if (!seen.has(entry.name)) {
        seen.add(entry.name);
        add(groups.get(entry.name) ?? NOBODY);
      }
    }
  };
  add(entries);
  return found;
};
