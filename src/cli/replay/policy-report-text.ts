import { coloursFor, counted, escapeControls } from '../terminal.ts';
import type { PolicyReport, WouldRefuse } from './policy-report.ts';

const refusedIn = ({ refused }: PolicyReport): number =>
  refused.reduce((sum, { requests }) => sum + requests, 0);

export const hasFindings = (report: PolicyReport): boolean => report.refused.length > 0;

const asks = ({ agent, action }: WouldRefuse): string =>
  action === undefined ? agent : `${agent}.${action}`;

const columnsOf = (one: WouldRefuse): readonly string[] =>
  [one.caller, asks(one), one.rule].map(escapeControls);

/** What a policy would have refused, by caller and action, the most frequent first. */
export const reportText = (report: PolicyReport & { readonly policy: string }): string => {
  const { refused, requests, unread, unusable, policy } = report;
  const { bold, dim, red } = coloursFor(process.stdout);
  const many = refusedIn(report);
  const widths = [0, 1].map((at) => Math.max(0, ...refused.map((it) => (columnsOf(it)[at] ?? '').length)));
  const lines = [
    bold(`${escapeControls(policy)} would have refused ${many} of ${counted(requests, 'recorded request')}`),
    ...refused.map((it) => {
      const [caller = '', action = '', rule = ''] = columnsOf(it);
      const reason = it.reason === undefined ? '' : dim(` ${escapeControls(it.reason)}`);
      return `${`${it.requests}`.padStart(7)}  ${caller.padEnd(widths[0] ?? 0)}  ${action.padEnd(widths[1] ?? 0)}  ${rule}${reason}`;
    }),
    ...unread.map((route) => `not asked: requests of ${escapeControls(route)} pass as they are`),
    ...unusable.map(({ file, reason }) => `${red('unusable')} ${escapeControls(`${file}: ${reason}`)}`),
  ];
  return lines.map((line) => `${line}\n`).join('');
};
