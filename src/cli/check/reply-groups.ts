import type { ReplyGroup } from '../../adapters/descriptor.ts';
import type { Checklist } from '../../config/checklist.ts';
import { aroundOf } from '../../setup/around.ts';
import type { Config } from '../../setup/types.ts';

interface Member {
  readonly egress: string;
  readonly groups: readonly ReplyGroup[];
}

/**
 * Egresses that join one queue group of replies at one server take each other's: NATS gives a reply to any member, and
 * each knows only its own. What they do, one egress can do: it signs for some routes and passes for others.
 */
export const checkReplyGroups = (list: Checklist, config: Config): void => {
  const members: Member[] = [];
  for (const [egress, { adapter }] of config.egresses) {
    const member = { egress, groups: adapter.replyGroups(aroundOf(config, egress, 'egress')) };
    for (const other of members) tellShared(list, member, other);
    members.push(member);
  }
};

const tellShared = (list: Checklist, member: Member, other: Member): void => {
  const shared = member.groups.find(({ name, server }) =>
    other.groups.some((group) => group.name === name && group.server === server),
  );
  if (shared === undefined) return;
  list.problem(
    ['egresses', member.egress],
    `it and the egress ${other.egress} are both in ${shared.name} at ${shared.server}, and would take each other's replies`,
    `make one egress of the two, or give the ingress of one of them a cluster of its own`,
  );
};
