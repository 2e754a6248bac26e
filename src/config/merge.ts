import { type Document, isAlias, isMap, isScalar, isSeq, type Pair, type YAMLMap } from 'yaml';

export interface Entries {
  /** The mapping's own entries, then those of what is merged into it that it does not have itself. */
  readonly pairs: readonly Pair[];
  /** Where a merge stands that merges no mapping: offsets in the file. */
  readonly wrong: readonly number[];
}

/** `<<` without quotes, as YAML 1.1 has it (https://yaml.org/type/merge.html). */
const isMerge = ({ key }: Pair): boolean => isScalar(key) && key.value === '<<' && key.type === 'PLAIN';

const keyOf = ({ key }: Pair): string => (isScalar(key) ? String(key.value) : '');

/** The mappings that a merge names, the first counting most; undefined where it names something else. */
const mappingsOf = (value: unknown, doc: Document): readonly YAMLMap[] | undefined => {
  const target = isAlias(value) ? value.resolve(doc) : value;
  if (isMap(target)) return [target];
  if (!isSeq(target)) return undefined;
  const found = target.items.map((item: unknown) => (isAlias(item) ? item.resolve(doc) : item));
  const maps = found.filter((item) => isMap(item));
  return maps.length === found.length && maps.length > 0 ? maps : undefined;
};

const offsetOf = (node: unknown): number | undefined =>
  isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range?.[0] : undefined;

/** A mapping's entries, with those that `<<` merges into it: its own count more, and of those the earlier ones. */
export const entriesOf = (map: YAMLMap, doc: Document): Entries => {
  const own = map.items.filter((pair) => !isMerge(pair));
  if (own.length === map.items.length) return { pairs: own, wrong: [] };
  const pairs: Pair[] = [...own];
  const wrong: number[] = [];
  const known = new Set(own.map(keyOf));
  // Once is enough: a second time brings no new key, and a handful of lines must not grow into a million merges.
  const seen = new Set([map]);
  const merge = (into: YAMLMap): void => {
    for (const { key, value } of into.items.filter(isMerge)) {
      const mappings = mappingsOf(value, doc);
      if (mappings === undefined || mappings.includes(map)) wrong.push(offsetOf(value) ?? offsetOf(key) ?? 0);
      for (const mapping of mappings ?? []) {
        if (seen.has(mapping)) continue;
        seen.add(mapping);
        for (const pair of mapping.items)
          if (!isMerge(pair) && !known.has(keyOf(pair))) {
            known.add(keyOf(pair));
            pairs.push(pair);
          }
        merge(mapping);
      }
    }
  };
  merge(map);
  return { pairs, wrong };
};
