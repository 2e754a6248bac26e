import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AdapterFolder, makeAdapterFolder, moduleOf } from '../setup/adapter-modules.ts';
import { program } from '../support/program.ts';

let folder: AdapterFolder;
let config: string;

beforeAll(() => {
  folder = makeAdapterFolder();
  folder.write('wrong.mjs', moduleOf("export default [make('test-lines', { apiVersion: 7 })];"));
  config = folder.config('[./wrong.mjs]');
});
afterAll(() => folder.end());

describe('each command that has to know the types loads the adapters first', () => {
  test.each([
    ['run', ['run', '--config']],
    ['record', ['record', '--out', 'never', '--config']],
    ['redact', ['redact', 'nonesuch', '--all-data', '--out', 'never', '--config']],
    ['replay', ['replay', 'nonesuch', '--config']],
    ['replay with throw-away keys', ['replay', 'nonesuch', '--throw-away-keys', '--config']],
    ['decode', ['decode', 'nonesuch', '--config']],
    ['ping', ['ping', '--config']],
    ['rpc', ['rpc', 'rpcutil', 'ping', '--config']],
    ['observe', ['federation', 'observe', '--config']],
    ['trace', ['federation', 'trace', 'node1', '--config']],
  ])('%s', async (_, args) => {
    const { status, stdout, stderr } = await program(...args, config);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr.replace(/^mcbridge: /, '')).toBe(
      `${config}:1:12: adapters[0]: ${folder.path}/wrong.mjs has no adapter type as entry 0 of its default export: it is of apiVersion 7, and this version of mcbridge takes 1\n`,
    );
  });

  test('check, which tells it as a finding', async () => {
    const { status, stdout } = await program('check', '--offline', '--json', '--config', config);
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      findings: [{ status: 'problem', path: 'adapters[0]', line: 1, column: 12 }],
    });
  });

  test('but not inventory, which only reads where the bridge answers', async () => {
    const { status, stderr } = await program('inventory', '--config', config);
    expect(status).toBe(1);
    expect(stderr).toContain('no bridge answers at http://127.0.0.1:1/inventory');
  });
});

// Vitest's own import takes what Node's does not.
test.each([
  ['syntax.mjs', 'export default [', 'SyntaxError: Unexpected end of input'],
  ['text.txt', 'hello', 'TypeError: Unknown file extension ".txt"'],
  ['data.json', '[]', 'TypeError: Module '],
])('a file that is no module is told of with what one is: %s', async (name, text, reason) => {
  const file = folder.write(name, text);
  const { status, stderr } = await program('run', '--config', folder.config(`[./${name}]`));
  expect(status).toBe(2);
  expect(stderr).toContain(`:1:12: adapters[0]: ${file} is no module that can be loaded: ${reason}`);
  expect(stderr).toContain(
    '\n    a module of JavaScript ends in .mjs, or in .js where the package.json beside it',
  );
});

test('check says which adapters are loaded', async () => {
  folder.write('lines.mjs', moduleOf("export default [make('other-lines')];"));
  const file = folder.write(
    'with-lines.yaml',
    `adapters: [./lines.mjs]
cluster_key: 0123456789abcdef0123456789abcdef
http: { listen: 'off' }
ingresses:
  a: { type: choria-federation, servers: [nats://127.0.0.1], tls: { ca: c, cert: c, key: k } }
egresses:
  web: { type: other-lines, lines: [a] }
routes: [{ from: a, to: web, collectives: [m], identities: [{ exact: choria=a, to: cert=a }] }]
`,
  );
  const { stdout } = await program('check', '--offline', '--json', '--config', file);
  expect(JSON.parse(stdout)).toMatchObject({
    findings: expect.arrayContaining([
      expect.objectContaining({ status: 'ok', path: 'adapters[0]', message: './lines.mjs is loaded' }),
    ]),
  });
});
