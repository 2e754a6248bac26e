import type { EgressAdapter, ReplyGroup } from '../../adapters/descriptor.ts';
import { isOneNetwork, whereto } from '../../app/reply-networks.ts';
import type { Checklist } from '../../config/checklist.ts';
import type { ReadFile } from '../../config/files.ts';
import { adapterContextOf } from '../../setup/sides.ts';
import type { Config } from '../../setup/types.ts';

interface Member {
  readonly adapter: EgressAdapter;
  readonly groups: readonly ReplyGroup[];
}

/** Which file it is tells logins apart, also where it is not there yet. */
const NAMES_ONLY: ReadFile = (file) => Buffer.from(file);

/**
 * Egresses that join one group of replies at one server take each other's: the broker gives a reply to any member, and
 * each knows only its own, or where all bear tokens those of its network. What they do, one egress can do: it signs for
 * some routes and passes for others.
 */
export const checkReplyGroups = (list: Checklist, config: Config): void => {
  const members: Member[] = [];
  for (const [egress, { adapter }] of config.egresses) {
    const member = { adapter, groups: adapter.replyGroups(adapterContextOf(config, egress, 'egress')) };
    for (const other of members) tellShared(list, config, member, other);
    members.push(member);
  }
};

const tellShared = (list: Checklist, config: Config, member: Member, other: Member): void => {
  const shared = member.groups.find(({ name, server }) =>
    other.groups.some((group) => group.name === name && group.server === server),
  );
  if (shared === undefined) return;
  const [one, two] = [member, other].map(({ adapter }) => whereto(config, adapter.link(config, NAMES_ONLY)));
  if (one === undefined || two === undefined) return;
  // Accounts of one server may be networks of their own; where the file says so, they are.
  if (one.isNamed && two.isNamed && one.network !== two.network) return;
  const byToken = [member, other].every(({ groups }) =>
    groups.some(({ name, server, byToken: all }) => all && name === shared.name && server === shared.server),
  );
  if (byToken && isOneNetwork(one, two)) return;
  list.problem(
    ['egresses', member.adapter.name],
    `it and the egress ${other.adapter.name} are both in ${shared.name} at ${shared.server}, and would take each other's replies`,
    byToken
      ? 'make one egress of the two, or give both one word as network if they lead to the same, and two words if they do not'
      : 'make one egress of the two, or give the ingress of one of them a cluster of its own',
  );
};
