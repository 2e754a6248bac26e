import type { Change } from '../../capture/replay/compare.ts';
import type { Difference, ReplayResult } from '../../capture/replay/result.ts';
import type { Line, Span } from '../../inspect/text.ts';
import { counted } from '../terminal.ts';

/** Characters of a value that are shown. */
const MAX_VALUE_CHARS = 300;
/** Differences of one cassette that are shown; the JSON has more. */
const MAX_SHOWN_DIFFERENCES = 20;

const plain = (text: string): Span => ({ text, tone: 'plain' });
const faint = (text: string): Span => ({ text, tone: 'faint' });

const valueText = (value: string | undefined): string =>
  value === undefined
    ? '(nothing)'
    : value.length > MAX_VALUE_CHARS
      ? `${value.slice(0, MAX_VALUE_CHARS)}…`
      : value;

const changeLines = ({ path, recorded, replayed }: Change): readonly Line[] => [
  [plain(`    ${path}`)],
  [faint('      - recorded: '), { text: valueText(recorded), tone: 'bad' }],
  [faint('      + replayed: '), { text: valueText(replayed), tone: 'good' }],
];

export const KINDS = {
  changed: 'is not as it was recorded',
  missing: 'was recorded, and did not come',
  extra: 'came, and was not recorded',
} as const;

/** Which message it is about. */
export const about = ({ requestId, sender }: Difference): string => {
  const parts = [
    ...(requestId === undefined ? [] : [`request ${requestId}`]),
    ...(sender === undefined ? [] : [`from ${sender}`]),
  ];
  return parts.length === 0 ? '' : `, ${parts.join(', ')}`;
};

const differenceLines = (file: string, it: Difference): readonly Line[] => [
  [
    { text: `  ${file}:${it.line}: `, tone: 'title' },
    plain(`${it.lane}: ${it.what}${about(it)} `),
    { text: KINDS[it.kind], tone: 'bad' },
  ],
  ...it.changes.flatMap(changeLines),
];

const madeText = ({ fed, sent, refused }: ReplayResult): string => {
  const codes = Object.entries(refused).map(([code, count]) => `${count} ${code}`);
  const parts = [`made: ${counted(fed, 'request')}, ${counted(sent, 'message')}`];
  if (codes.length > 0) parts.push(`refused: ${codes.join(', ')}`);
  return parts.join('; ');
};

const headline = (result: ReplayResult): Span => {
  const { outcome, updated, fed, same, different, seconds, imported } = result;
  if (imported)
    return { text: madeText(result), tone: Object.keys(result.refused).length > 0 ? 'doubtful' : 'good' };
  const took = `${counted(fed, 'message')} fed, in ${seconds.toFixed(1)} s`;
  if (outcome === 'same') return { text: `same: ${same} of ${same}; ${took}`, tone: 'good' };
  const text = `${counted(different, 'difference')}, ${same} the same; ${took}`;
  return updated
    ? { text: `updated: ${text}`, tone: 'doubtful' }
    : { text: `different: ${text}`, tone: 'bad' };
};

/** One cassette's outcome for people. */
export const resultLines = (result: ReplayResult): readonly Line[] => {
  const { file, outcome, reason = '', differences, different, notes, updated } = result;
  if (outcome === 'unusable')
    return [
      [
        { text: `${file}: `, tone: 'title' },
        { text: 'unusable', tone: 'bad' },
      ],
      ...reason.split('\n').map((text): Line => [plain(`  ${text}`)]),
    ];
  const shown = updated ? [] : differences.slice(0, MAX_SHOWN_DIFFERENCES);
  const hidden = updated ? 0 : different - shown.length;
  return [
    [{ text: `${file}: `, tone: 'title' }, headline(result)],
    ...shown.flatMap((it) => differenceLines(file, it)),
    ...(hidden > 0 ? [[faint(`  and ${hidden} more; --json has the first ${differences.length}`)]] : []),
    ...notes.map((text): Line => [{ text: `  note: ${text}`, tone: 'doubtful' }]),
  ];
};

/** Of a folder with a key for each caller, how many there are says enough. */
const callersKey = /^(.*\.keys_dir)\//;

/** Which keys were made for the replays; nothing where all were there. */
export const madeLines = (results: readonly ReplayResult[]): readonly Line[] => {
  const callers = new Map<string, number>();
  const single: string[] = [];
  for (const setting of new Set(results.flatMap(({ madeKeys }) => madeKeys))) {
    const folder = callersKey.exec(setting)?.[1];
    if (folder === undefined) single.push(setting);
    else callers.set(folder, (callers.get(folder) ?? 0) + 1);
  }
  const all = [
    ...single,
    ...[...callers].map(([folder, count]) => `${folder} (${counted(count, 'caller')})`),
  ];
  return all.length === 0 ? [] : [[faint(`with keys made for this run: ${all.join(', ')}`)]];
};

/** All cassettes' outcome in a line. */
export const summaryLine = (results: readonly ReplayResult[]): Line => {
  const count = (wanted: (it: ReplayResult) => boolean): number => results.filter(wanted).length;
  const updated = count((it) => it.updated);
  const parts = [
    `${count((it) => it.outcome === 'same' && !it.updated)} same`,
    `${count((it) => it.outcome === 'different' && !it.updated)} different`,
    ...(updated === 0 ? [] : [`${updated} updated`]),
    `${count((it) => it.outcome === 'unusable')} unusable`,
  ];
  const fed = results.reduce((sum, it) => sum + it.fed, 0);
  return [
    plain(`${counted(results.length, 'cassette')}: ${parts.join(', ')}; ${counted(fed, 'message')} fed`),
  ];
};
