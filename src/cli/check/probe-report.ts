import type { Checklist, Detail } from '../../config/checklist.ts';
import type { KeyPath } from '../../config/problem.ts';
import type { EgressSilence } from '../../envelope/observer.ts';
import { cut } from '../../envelope/text.ts';
import { counted, listed } from '../terminal.ts';
import type { OffClock, Unread } from './answers.ts';

/** What became of the question who is there, in one collective. */
export interface Probed {
  readonly egress: string;
  readonly collective: string;
  /** In whose name was asked, where that is not the bridge's own. */
  readonly as: string | undefined;
  /** Ms that there was time to answer. */
  readonly timeout: number;
  /** Why it could not be asked. */
  readonly failure: string | undefined;
  readonly nodes: readonly string[];
  readonly refused: readonly Unread[];
  readonly offClocks: readonly OffClock[];
  /** What may be wrong, the likeliest first. @param known nodes that have answered there */
  readonly causes: (known: number) => EgressSilence['causes'];
}

const MAX_NAMED = 5;

/** @param all those of the same configuration, this one among them */
export const tellProbed = (list: Checklist, it: Probed, all: readonly Probed[]): void => {
  const path: KeyPath = ['egresses', it.egress];
  const { collective, failure, nodes, refused, offClocks } = it;
  const where = `in the collective ${collective}${it.as === undefined ? '' : ` as ${it.as}`}`;
  const time = `within ${it.timeout / 1000} s`;
  if (failure !== undefined) {
    list.problem(path, `nobody could be asked ${where}: ${failure}`, 'see what the lines above say of it', {
      probe: { ...head(it), error: failure },
    });
    return;
  }
  const causes = likely(it, all);
  const detail: Detail = {
    probe: {
      ...head(it),
      nodes,
      unread: refused,
      clocks: offClocks,
      ...(nodes.length === 0 && { causes: causes.map(({ cause }) => cause) }),
    },
  };
  const order = `it may be, in this order: ${causes.map(({ sentence }, at) => `(${at + 1}) ${sentence}`).join('; ')}`;
  if (nodes.length > 0)
    list.ok(path, `${counted(nodes.length, 'node')} answered ${where}: ${named(nodes)}`, detail);
  else if (refused.length === 0) list.problem(path, `nobody answered ${where} ${time}`, order, detail);
  else list.problem(path, `no answer ${where} can be read: ${unreadText(refused)}`, order, detail);
  if (nodes.length > 0 && refused.length > 0)
    list.warning(path, `some answers ${where} cannot be read: ${unreadText(refused)}`, mendUnread(it));
  if (offClocks.length > 0)
    list.warning(
      path,
      `${offClocks.length === 1 ? 'a clock is' : `${offClocks.length} clocks are`} off ${where}: ${offClocks.slice(0, MAX_NAMED).map(clockText).join(', ')}`,
      'set the clocks by NTP, here and there: a node refuses a request that is older than its ttl, or says so in replies',
    );
};

const head = ({ egress, collective, as, timeout }: Probed) => ({
  egress,
  collective,
  ...(as !== undefined && { as }),
  seconds: timeout / 1000,
});

/** Where nodes of another collective of the same egress have answered, it is first of all that these are not in this one. */
const likely = (it: Probed, all: readonly Probed[]): EgressSilence['causes'] => {
  const known = new Set(all.filter(({ egress }) => egress === it.egress).flatMap(({ nodes }) => nodes));
  if (known.size === 0) return it.causes(0);
  const every = it.causes(0);
  const [collective] = every.filter(({ cause }) => cause === 'collective');
  return collective === undefined ? every : [collective, ...every.filter((one) => one !== collective)];
};

const mendUnread = (it: Probed): string => {
  const [first] = it.causes(it.nodes.length);
  return first === undefined ? 'their own logs say more' : `it may be that ${first.sentence}`;
};

const named = (names: readonly string[]): string =>
  listed(
    names.map((name) => cut(name)),
    MAX_NAMED,
  );

const unreadText = (refused: readonly Unread[]): string =>
  refused
    .map(({ reason, count, sentence, senders }) => {
      const whose = senders.length === 0 ? '' : ` by ${named(senders)}`;
      return `${count}${whose}: ${sentence} (${reason})`;
    })
    .join('; ');

const clockText = ({ node, seconds }: OffClock): string =>
  `${cut(node)} is ${Math.abs(seconds)} s ${seconds < 0 ? 'behind' : 'ahead'}`;
