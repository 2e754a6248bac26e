/**
 * What the house asks of a protocol it asks of the registry: outside `src/adapters/` no line compares the name of one.
 * Part of `npm run lint`.
 */
import { readdirSync, readFileSync } from 'node:fs';

const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => `src/${name.replaceAll('\\', '/')}`)
  .toSorted();
const isAdapter = (file) => file.startsWith('src/adapters/');

/** A schema says which type it is of. */
const TYPE = /type: z\.literal\('([\w-]+)'\)/g;
const names = new Set(
  files
    .filter(isAdapter)
    .flatMap((file) => [...readFileSync(file, 'utf8').matchAll(TYPE)].map(([, it]) => it)),
);
const NAME = new RegExp(`(['"\`])(?:${[...names].join('|')})\\1`);

const found = files
  .filter((file) => !isAdapter(file))
  .flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line, index) => (NAME.test(line) ? [{ file, line: index + 1 }] : [])),
  );
const problems = [
  ...(names.size === 0 ? ['no schema in src/adapters/ has a type'] : []),
  ...found.map(
    ({ file, line }) => `${file}:${line}: names a protocol; ask its adapter (src/adapters/registry.ts)`,
  ),
];
for (const problem of problems) process.stderr.write(`${problem}\n`);
if (problems.length > 0) process.exitCode = 1;
