import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { run } from '../support/process.ts';
import { type AdapterFolder, makeAdapterFolder } from './adapter-modules.ts';

const dist = (file: string): string =>
  pathToFileURL(fileURLToPath(new URL(`../../dist/${file}`, import.meta.url))).href;

let folder: AdapterFolder;
beforeEach(() => {
  folder = makeAdapterFolder();
});
afterEach(() => folder.end());

/** Says whether the adapter's `defineEgress` is the program's own. */
const PROGRAM = `
import { loadRegistry } from '${dist('setup/load-registry.js')}';
import { defineEgress } from '${dist('adapters/adapter-type.js')}';
const { egressTypes } = await loadRegistry(process.argv[1], {});
console.log(egressTypes.at(-1).type, egressTypes.at(-1).madeBy === defineEgress);
`;

const ADAPTER = `
import { defineEgress, z } from 'mcbridge/adapter';
const type = defineEgress({
  type: 'test-lines',
  transport: 'lines',
  anyServer: 'lines://127.0.0.1',
  opaque: undefined,
  schema: () => z.strictObject({ type: z.literal('test-lines') }),
  adapt: () => ({}),
  replyPath: { beforeToken: () => undefined, of: () => undefined },
});
export default [{ ...type, madeBy: defineEgress }];
`;

const loaded = async (name = './lines.mjs', program = PROGRAM): Promise<string> => {
  folder.write(name, ADAPTER);
  const args = ['--input-type=module', '-e', program, folder.config(`[${name}]`)];
  const { status, stdout, stderr } = await run(process.execPath, args);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
};

test('an adapter that imports mcbridge gets the running program, also where there is none beside it', async () => {
  expect(await loaded()).toBe('test-lines true\n');
});

test('and where another one is installed beside it', async () => {
  const exports = { './adapter': './adapter.js' };
  folder.write('node_modules/mcbridge/package.json', JSON.stringify({ name: 'mcbridge', exports }));
  folder.write('node_modules/mcbridge/adapter.js', "throw new Error('another copy');");
  expect(await loaded()).toBe('test-lines true\n');
});

test('what lies elsewhere imports what it always did, before and after an adapter was loaded', async () => {
  const exports = { './adapter': './adapter.js' };
  folder.write('host/node_modules/mcbridge/package.json', JSON.stringify({ name: 'mcbridge', exports }));
  folder.write('host/node_modules/mcbridge/adapter.js', "exports.whose = 'of the host';");
  const host = folder.write('host/host.mjs', "import own from 'mcbridge/adapter';\nconsole.log(own.whose);");
  const program = `${PROGRAM}\nawait import('${pathToFileURL(host).href}');`;
  expect(await loaded('./adapters/lines.mjs', program)).toBe('test-lines true\nof the host\n');
});

test('a name that mcbridge does not export is told as such, with its place', async () => {
  folder.write('lines.mjs', "\nimport { nonesuch } from 'mcbridge/adapter';\nexport default [nonesuch];");
  const args = ['--input-type=module', '-e', PROGRAM, folder.config('[./lines.mjs]')];
  const { stderr } = await run(process.execPath, args);
  const file = `${folder.path}/lines.mjs`;
  expect(stderr).toContain(
    `adapters[0]: ${file} imports what is not there: SyntaxError: The requested module 'mcbridge/adapter' does not provide an export named 'nonesuch' (${file}:2)`,
  );
  expect(stderr).not.toContain('ends in .mjs');
});
