import type { Change } from '../../capture/replay/compare.ts';
import type { Difference, ReplayResult } from '../../capture/replay/result.ts';
import { counted } from '../terminal.ts';
import { about, KINDS } from './format.ts';

/** What XML 1.0 cannot hold in any form. */
const FORBIDDEN = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;
const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

const escaped = (text: string): string =>
  text
    .toWellFormed()
    .replace(FORBIDDEN, '\ufffd')
    .replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);

const attribute = (text: string): string => escaped(text).replace(/[\n\r\t]/g, ' ');

const changeText = ({ path, recorded, replayed }: Change): string =>
  `  ${path}\n    - recorded: ${recorded ?? '(nothing)'}\n    + replayed: ${replayed ?? '(nothing)'}`;

const differenceText = (file: string, it: Difference): string =>
  [
    `${file}:${it.line}: ${it.lane}: ${it.what}${about(it)} ${KINDS[it.kind]}`,
    ...it.changes.map(changeText),
  ].join('\n');

const caseOf = (result: ReplayResult): string => {
  const { file, outcome, reason = '', differences, different, updated, seconds } = result;
  const head = `  <testcase classname="mcbridge replay" name="${attribute(file)}" time="${seconds.toFixed(3)}"`;
  if (outcome === 'unusable')
    return `${head}>\n    <error message="unusable">${escaped(reason)}</error>\n  </testcase>\n`;
  if (outcome === 'same' || updated) return `${head}/>\n`;
  const text = differences.map((it) => differenceText(file, it)).join('\n');
  return `${head}>\n    <failure message="${counted(different, 'difference')}">${escaped(text)}</failure>\n  </testcase>\n`;
};

/** The results as JUnit's XML, which CI systems show: a test case for each cassette. */
export const junitText = (results: readonly ReplayResult[]): string => {
  const failures = results.filter((it) => it.outcome === 'different' && !it.updated).length;
  const errors = results.filter((it) => it.outcome === 'unusable').length;
  const time = results.reduce((sum, it) => sum + it.seconds, 0).toFixed(3);
  const counts = `tests="${results.length}" failures="${failures}" errors="${errors}" time="${time}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    `<testsuites ${counts}>\n<testsuite name="mcbridge replay" ${counts} skipped="0">\n`,
    ...results.map(caseOf),
    '</testsuite>\n</testsuites>\n',
  ].join('');
};
