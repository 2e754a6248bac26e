import type { ChalkInstance } from 'chalk';
import { formatJson } from '../../adapters/choria/wire/index.ts';
import { isMap, mapOf, type Value } from '../../envelope/value.ts';
import { counted, escapeControls, listed } from '../terminal.ts';
import type { Group, NodeResult, Outcome } from './outcome.ts';

/** SimpleRPC's status codes in words. */
const STATUS: readonly string[] = [
  'ok',
  'aborted',
  'unknown action',
  'missing data',
  'invalid data',
  'unknown error',
];

const statusText = (status: number): string =>
  STATUS[status] === undefined ? `status ${status}` : `status ${status}, ${STATUS[status]}`;

const shown = (value: Value): string => escapeControls(typeof value === 'string' ? value : formatJson(value));

const dataLines = (data: Value): readonly string[] => {
  if (!isMap(data)) return [`    ${shown(data)}`];
  if (data.size === 0) return ['    (no data)'];
  const names = [...data].map(([name, value]) => [escapeControls(name), shown(value)] as const);
  const width = Math.max(...names.map(([name]) => name.length));
  return names.map(([name, value]) => `    ${name.padStart(width)}: ${value}`);
};

const groupLines = ({ nodes, data }: Group, colour: ChalkInstance): readonly string[] => [
  `${colour.green('✓')} ${nodes.length === 1 ? '' : `${counted(nodes.length, 'node')}: `}${colour.bold(nodes.join(', '))}`,
  ...dataLines(data),
  '',
];

const failedLine = ({ node, status, message }: NodeResult, colour: ChalkInstance): string =>
  `${colour.red('✗')} ${colour.bold(node)}: ${colour.red(statusText(status))}: ${escapeControls(message)}`;

/** `3 of 4 nodes answered, 2 ok, 1 failed, no reply from node9; 142 ms; request 4f…`, by which the bridge's log has it */
export const summaryLine = (outcome: Outcome): string => {
  const { requestId, asked, results, failed, missing, milliseconds } = outcome;
  const answered =
    asked === undefined
      ? `${counted(results.length, 'node')} answered`
      : `${asked - missing.length} of ${counted(asked, 'node')} answered`;
  return [
    answered,
    `${results.length - failed.length} ok`,
    ...(failed.length === 0 ? [] : [`${failed.length} failed`]),
    ...(missing.length === 0 ? [] : [`no reply from ${listed(missing)}`]),
  ]
    .join(', ')
    .concat(`; ${milliseconds} ms`, requestId === undefined ? '' : `; request ${requestId}`);
};

export const textReport = (outcome: Outcome, colour: ChalkInstance): string => {
  const { ok, failed } = outcome;
  return [
    ...ok.flatMap((group) => groupLines(group, colour)),
    ...failed.map((result) => failedLine(result, colour)),
    ...(failed.length === 0 ? [] : ['']),
    summaryLine(outcome),
    '',
  ].join('\n');
};

/** What was asked, for the JSON report. */
export interface Asked {
  readonly agent: string;
  readonly action: string;
  readonly data: Value;
  readonly collective: string;
  readonly federation: readonly string[];
}

/** One line of JSON in which integers of any size are exact; `JSON.stringify` would round or refuse them. */
export const jsonReport = (outcome: Outcome, asked: Asked): string => {
  const { requestId, results, failed, missing, rejected, milliseconds } = outcome;
  const report = mapOf({
    request: mapOf({ id: requestId, ...asked }),
    replies: results.map(({ node, status, message, data, milliseconds: ms }) =>
      mapOf({ node, status, message, data, milliseconds: Number(ms.toFixed(2)) }),
    ),
    missing,
    rejected: rejected.map(({ code, message, context }) => mapOf({ code, message, sender: context.sender })),
    summary: mapOf({
      asked: outcome.asked ?? null,
      answered: results.length,
      ok: results.length - failed.length,
      failed: failed.length,
      missing: missing.length,
      milliseconds,
    }),
  });
  return `${formatJson(report)}\n`;
};
