import type { EgressSilence } from '../envelope/observer.ts';
import { cut } from '../envelope/text.ts';

/** For people: what goes out and does not come back, and where to look, in which order. */
export const silenceText = ({
  egress,
  requests,
  wait,
  causes,
  unread,
  known,
  others,
}: EgressSilence): string => {
  const asked = requests === 1 ? '1 request' : `${requests} requests`;
  const time = `${Math.round(wait / 1000)} s`;
  const what = unread === undefined ? 'nothing has come back' : 'nothing that can be read has come back';
  const parts = [
    others === 0
      ? `${what} from ${egress} to ${asked} in ${time}`
      : `this instance has seen none: ${what} to it from ${egress} to ${asked} in ${time}, and ${othersText(others)}`,
    ...(unread === undefined ? [] : [unreadText(unread)]),
    ...(known === 0
      ? []
      : [`${known === 1 ? '1 node is' : `${known} nodes are`} known there, who answered of late`]),
  ];
  const list = causes.map(({ sentence }, index) => `(${index + 1}) ${sentence}`).join('; ');
  return `${parts.join('; ')}${list === '' ? '' : `. It may be, in this order: ${list}`}`;
};

const othersText = (others: number | undefined): string => {
  if (others === undefined) return 'other instances of the cluster, if there are some, may have got replies';
  return `${others === 1 ? 'another instance' : `${others} other instances`} of the cluster may have got replies`;
};

const unreadText = ({ count, code, sentence }: NonNullable<EgressSilence['unread']>): string =>
  `${count === 1 ? '1 reply was' : `${count} replies were`} refused, the last one: ${cut(sentence)} (${code})`;
