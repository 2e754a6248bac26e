import { statsSubject } from '../adapters/choria/wire/stats.ts';
import { aroundOf, type Side } from '../setup/around.ts';
import { clustersAt } from '../setup/ends.ts';
import type { Config } from '../setup/types.ts';
import { type Requirement, toPublish, toSubscribe } from '../transport/requirement.ts';

/** The rights that `run` will use on the broker of a side. None where nothing uses it. */
export const requirementsOf = (side: Side, config: Config): readonly Requirement[] => {
  const { kind, adapter } = side;
  const around = aroundOf(config, adapter.name, kind);
  const isUsed = around.collectives.length > 0 || around.asked.length > 0;
  if (!isUsed) return [];
  return [...adapter.requirements(around), ...ofStatistics(side, config)];
};

/** Where each federation network hears of this bridge, and it hears of others. */
const ofStatistics = ({ kind, adapter }: Side, config: Config): readonly Requirement[] => {
  if (kind === 'egress' || !adapter.carriesStatistics || config.statistics.interval === 0) return [];
  return clustersAt(adapter.name, kind, config).flatMap((cluster) => {
    const subject = statsSubject(cluster);
    return [
      toPublish('publish statistics', subject, subject),
      toSubscribe('hear of other bridges of the cluster', subject),
    ];
  });
};
