import { ObservedCluster } from '../../../src/telemetry/observe/cluster.ts';
import type { ClusterView } from '../../../src/telemetry/observe/view.ts';
import { document, type Synthetic } from './documents.ts';

/** Ms since the epoch when observation begins, long after the documents' own times. */
export const T0 = 1_700_000_000_000;

/** A view at `at` seconds of documents that came at given seconds. */
export const viewAt = (
  at: number,
  ...heard: readonly (readonly [at: number, synthetic: Synthetic])[]
): ClusterView => {
  const cluster = new ObservedCluster('production');
  for (const [second, synthetic] of heard) cluster.hear(document(synthetic), T0 + second * 1000);
  return cluster.view(T0 + at * 1000);
};

export const names = ({ instances }: ClusterView): readonly string[] => instances.map(({ name }) => name);
export const only = <T>(list: readonly T[]): T => {
  const [first, ...more] = list;
  if (first === undefined || more.length > 0) throw new Error(`${list.length} entries, not one`);
  return first;
};
