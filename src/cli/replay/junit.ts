import type { Change } from '../../capture/replay/compare.ts';
import type { Difference, ReplayResult } from '../../capture/replay/result.ts';
import { type JunitCase, junitXml } from '../junit.ts';
import { counted } from '../terminal.ts';
import { about, KINDS } from './format.ts';

const changeText = ({ path, recorded, replayed }: Change): string =>
  `  ${path}\n    - recorded: ${recorded ?? '(nothing)'}\n    + replayed: ${replayed ?? '(nothing)'}`;

const differenceText = (file: string, it: Difference): string =>
  [
    `${file}:${it.line}: ${it.lane}: ${it.what}${about(it)} ${KINDS[it.kind]}`,
    ...it.changes.map(changeText),
  ].join('\n');

const caseOf = (result: ReplayResult): JunitCase => {
  const { file: name, outcome, reason = '', differences, different, updated, seconds } = result;
  if (outcome === 'unusable') return { name, seconds, error: { message: 'unusable', text: reason } };
  if (outcome === 'same' || updated) return { name, seconds };
  const text = differences.map((it) => differenceText(name, it)).join('\n');
  return { name, seconds, failure: { message: counted(different, 'difference'), text } };
};

/** The results as JUnit's XML: a test case for each cassette. */
export const junitText = (results: readonly ReplayResult[]): string =>
  junitXml('mcbridge replay', results.map(caseOf));
