/** What XML 1.0 cannot hold in any form. */
const FORBIDDEN = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;
const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

const escaped = (text: string): string =>
  text
    .toWellFormed()
    .replace(FORBIDDEN, '\ufffd')
    .replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);

const attribute = (text: string): string => escaped(text).replace(/[\n\r\t]/g, ' ');

interface Told {
  readonly message: string;
  readonly text: string;
}

/** One test case of a report; without a failure or an error it passed. */
export interface JunitCase {
  readonly name: string;
  readonly seconds?: number;
  readonly failure?: Told;
  readonly error?: Told;
}

const caseOf = (suite: string, { name, seconds = 0, failure, error }: JunitCase): string => {
  const head = `  <testcase classname="${suite}" name="${attribute(name)}" time="${seconds.toFixed(3)}"`;
  const told = failure ?? error;
  if (told === undefined) return `${head}/>\n`;
  const kind = failure === undefined ? 'error' : 'failure';
  return `${head}>\n    <${kind} message="${attribute(told.message)}">${escaped(told.text)}</${kind}>\n  </testcase>\n`;
};

/** Results as JUnit's XML, which CI systems show. */
export const junitXml = (suite: string, cases: readonly JunitCase[]): string => {
  const failures = cases.filter(({ failure }) => failure !== undefined).length;
  const errors = cases.filter(({ error }) => error !== undefined).length;
  const time = cases.reduce((sum, { seconds = 0 }) => sum + seconds, 0).toFixed(3);
  const counts = `tests="${cases.length}" failures="${failures}" errors="${errors}" time="${time}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    `<testsuites ${counts}>\n<testsuite name="${suite}" ${counts} skipped="0">\n`,
    ...cases.map((one) => caseOf(suite, one)),
    '</testsuite>\n</testsuites>\n',
  ].join('');
};
