import { readFileSync } from 'node:fs';

const FOLDER = new URL('../../fixtures/cassettes/choria-to-legacy/', import.meta.url);

/** Recordings of one configuration, in the order of their time. */
const PARTS = ['requests', 'filters', 'expressions', 'traces', 'values', 'status-codes'];

/** One cassette of what came in and went out in several: a hundred messages and more that are fed to the bridge. */
export const hundredMessages = (): string => {
  const parts = PARTS.map((name) =>
    readFileSync(new URL(`marshal.${name}.cassette.ndjson`, FOLDER), 'utf8')
      .trimEnd()
      .split('\n'),
  );
  const at = (line: string): number => Number(/"at":(\d+)/.exec(line)?.[1]);
  const [header = ''] = parts.flatMap((lines) => lines.slice(0, 1));
  const entries = parts.flatMap((lines) => lines.slice(1)).toSorted((a, b) => at(a) - at(b));
  return `${[header, ...entries].join('\n')}\n`;
};
