import { statsSubject } from '../adapters/choria/wire/stats.ts';
import { clustersAt } from '../setup/ends.ts';
import { adapterContextOf, type Side, sidesOf } from '../setup/sides.ts';
import type { Config } from '../setup/types.ts';
import { type Requirement, toPublish, toSubscribe } from '../transport/requirement.ts';

/** The rights that `run` will use on the broker of a side. None where no route uses it. */
export const requirementsOf = (side: Side, config: Config): readonly Requirement[] => {
  const { kind, adapter } = side;
  const around = adapterContextOf(config, adapter.name, kind);
  const isUsed = around.collectives.length > 0 || around.asked.length > 0;
  if (!isUsed) return [];
  return [...adapter.requirements(around), ...ofStatistics(side, config), ...ofAudit(side, config)];
};

/** The subjects of each federation network where bridges announce themselves. */
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

/** The subjects on which records of the audit and its heads are published, by one ingress. */
const ofAudit = ({ kind, adapter }: Side, config: Config): readonly Requirement[] => {
  const { audit } = config;
  if (audit === undefined || kind === 'egress') return [];
  const carriers = sidesOf(config).filter(
    (side) => side.kind === 'ingress' && side.adapter.carriesStatistics,
  );
  if (adapter.name !== (audit.network ?? carriers[0]?.adapter.name)) return [];
  const subjects = [...audit.sinks.map(({ nats }) => nats), audit.heads.nats].filter(
    (it) => it !== undefined,
  );
  return subjects.map((subject) => toPublish('publish the audit', subject, subject));
};
