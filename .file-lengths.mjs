/**
 * A file of 300 lines holds two ideas. Part of `npm run lint`.
 */
import { readdirSync, readFileSync } from 'node:fs';

const MAX_LINES = 299;

const lengths = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => `src/${name.replaceAll('\\', '/')}`)
  .toSorted()
  .map((file) => ({ file, lines: readFileSync(file, 'utf8').trimEnd().split('\n').length }));

const problems = [
  ...(lengths.length === 0 ? ['there is no file in src/'] : []),
  ...lengths
    .filter(({ lines }) => lines > MAX_LINES)
    .map(
      ({ file, lines }) => `${file}: ${lines} lines, more than ${MAX_LINES}: it holds two ideas, so split it`,
    ),
];
for (const problem of problems) process.stderr.write(`${problem}\n`);
if (problems.length > 0) process.exitCode = 1;
