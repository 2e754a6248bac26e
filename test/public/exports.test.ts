import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { run } from '../support/process.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const described = z
  .object({ exports: z.record(z.string(), z.object({ types: z.string(), default: z.string() })) })
  .parse(JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')));
const ENTRIES = Object.keys(described.exports).map((entry) => entry.replace(/^\./, 'mcbridge'));

/** What nobody may import; that it is there does not matter. */
const CLOSED = [
  'mcbridge/package.json',
  'mcbridge/dist/app/app.js',
  'mcbridge/src/app/app.ts',
  'mcbridge/app',
];

/** Imports each, as a program in this folder does, and prints what comes of it. */
const PROGRAM = `
  const found = {};
  for (const name of JSON.parse(process.argv[1])) {
    try {
      found[name] = Object.keys(await import(name)).toSorted();
    } catch (error) {
      found[name] = error.code;
    }
  }
  const [bridge, adapter] = [await import('mcbridge'), await import('mcbridge/adapter')];
  found.same = bridge.Rejection === adapter.Rejection;
  console.log(JSON.stringify(found));
`;

describe('the exports of the package', () => {
  let built: Readonly<Record<string, unknown>>;
  beforeAll(async () => {
    // Suites of vitest's are for vitest to import.
    const names = [...ENTRIES.filter((entry) => entry !== 'mcbridge/testing'), ...CLOSED];
    const { stdout, stderr } = await run(
      process.execPath,
      ['--input-type=module', '--eval', PROGRAM, JSON.stringify(names)],
      { cwd: ROOT },
    );
    expect(stderr).toBe('');
    built = z.record(z.string(), z.unknown()).parse(JSON.parse(stdout));
  });

  it('are the files of src/public/, as they are built', () => {
    const files = readdirSync(`${ROOT}src/public`).flatMap((file) => /^([\w-]+)\.ts$/.exec(file)?.[1] ?? []);
    expect(Object.entries(described.exports).toSorted()).toEqual(
      files
        .map((file) => [
          file === 'index' ? '.' : `./${file}`,
          { types: `./dist/public/${file}.d.ts`, default: `./dist/public/${file}.js` },
        ])
        .toSorted(),
    );
  });

  it.each(ENTRIES.filter((entry) => entry !== 'mcbridge/testing'))(
    'are the same in the source and in the build: %s',
    async (entry) => {
      const source: object = await import(entry);
      expect(built[entry]).toEqual(Object.keys(source).toSorted());
    },
  );

  it('share what is told apart by its class', () => {
    expect(built['same']).toBe(true);
  });

  it.each(CLOSED)('are all that can be imported, and not %s', (name) => {
    expect(built[name]).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });
});
