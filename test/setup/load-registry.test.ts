import { chmodSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BUILT_IN } from '../../src/adapters/registry.ts';
import { withMadeUpVariables } from '../../src/capture/replay/placeholder-variables.ts';
import { ConfigError, formatProblem } from '../../src/config/problem.ts';
import { loadClientAccess } from '../../src/setup/client-access.ts';
import { loadConfig } from '../../src/setup/load.ts';
import { loadRegistry } from '../../src/setup/load-registry.ts';
import { type AdapterFolder, makeAdapterFolder, moduleOf } from './adapter-modules.ts';

let folder: AdapterFolder;
beforeEach(() => {
  folder = makeAdapterFolder();
});
afterEach(() => folder.end());

const LINES = moduleOf("export default [make('test-lines')];");

/** The problems that a configuration's adapters end by, without the folder. */
const problemsOf = async (config: string, env = {}): Promise<readonly string[]> => {
  try {
    await loadRegistry(config, env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError)
      return error.problems.map((it) => formatProblem(it).replaceAll(`${folder.path}/`, ''));
    throw error;
  }
};

const EMPTY = BUILT_IN.egressTypes.length;
const EGRESS_TYPES = BUILT_IN.egressTypes.map(({ type }) => `"${type}"`).join(', ');

describe('the types of a configuration', () => {
  it.each([
    ['a file beside it', './lines.mjs', 'lines.mjs'],
    ['a file in another folder', './own/lines.mjs', 'own/lines.mjs'],
    ['an installed package', '@acme/lines', 'node_modules/@acme/lines/lines.mjs'],
    ['a part of an installed package', '@acme/lines/more', 'node_modules/@acme/lines/lines.mjs'],
  ])('are the built-in ones and those of %s', async (_, name, file) => {
    folder.write(file, LINES);
    // As packages have it that are modules only.
    const exports = { '.': { import: './lines.mjs' }, './more': { import: './lines.mjs' } };
    folder.write('node_modules/@acme/lines/package.json', JSON.stringify({ name: '@acme/lines', exports }));
    const config = folder.config(`['${name}']`);
    const registry = await loadRegistry(config, {});
    expect(registry.egressTypes).toHaveLength(EMPTY + 1);
    expect(registry.egress('test-lines')).toMatchObject({ side: 'egress', transport: 'lines' });
    const loaded = loadConfig(config, {}, registry);
    expect(loaded.registry).toBe(registry);
    expect(loaded.config.adapters).toEqual([name]);
    expect(loaded.config.egresses.get('web')).toMatchObject({
      name: 'web',
      type: 'test-lines',
      config: { lines: ['a', 'b'] },
      adapter: { name: 'web', type: 'test-lines' },
    });
  });

  it('are the built-in ones where it names no adapters', async () => {
    const { ingressTypes, egressTypes } = await loadRegistry(folder.write('bridge.yaml', 'cluster: a\n'), {});
    expect({ ingressTypes, egressTypes }).toEqual({
      ingressTypes: BUILT_IN.ingressTypes,
      egressTypes: BUILT_IN.egressTypes,
    });
  });

  it('are known to its schema, with what their sections take', async () => {
    folder.write('lines.mjs', LINES);
    const config = folder.config('[./lines.mjs]');
    const said = (passage: string, by: string): Promise<string> => {
      const wrong = folder.write('wrong.yaml', FILE.replace(passage, by));
      return loadRegistry(config, {}).then((registry) => {
        try {
          loadConfig(wrong, {}, registry);
          return 'nothing';
        } catch (error) {
          return error instanceof Error ? error.message : String(error);
        }
      });
    };
    const FILE = `adapters: [./lines.mjs]
cluster_key: 0123456789abcdef0123456789abcdef
ingresses:
  a: { type: choria-federation, servers: [nats://a], tls: { ca: c, cert: c, key: k } }
egresses:
  web: { type: test-lines, lines: [a] }
routes: [{ from: a, to: web, collectives: [m], identities: [{ exact: choria=a, to: cert=a }] }]
`;
    expect(await said('xx', 'xx')).toBe('nothing');
    expect(await said('test-lines', 'test-line')).toContain(
      `egresses.web.type: "test-line" is not allowed; allowed: ${EGRESS_TYPES}, "test-lines"`,
    );
    expect(await said('lines: [a]', 'linse: [a]')).toContain(
      'egresses.web.linse: unknown key; did you mean "lines"?; allowed: type, lines',
    );
    expect(await said('to: web', 'to: wed')).toContain('there is no egress "wed"; did you mean "web"?');
  });

  it('say themselves what the names in their maps may be', async () => {
    const key = "z.string().refine((it) => it !== 'bad', { params: { allowed: 'a colour such as red' } })";
    const lines = `z.record(${key}, z.string())`;
    const schema = `() => z.strictObject({ type: z.literal('test-lines'), lines: ${lines} }).transform(() => () => ({}))`;
    folder.write('lines.mjs', moduleOf(`export default [make('test-lines', { schema: ${schema} })];`));
    const config = folder.config('[./lines.mjs]');
    const wrong = readFileSync(config, 'utf8').replace('[a, b]', '{ red: a, bad: b }');
    const registry = await loadRegistry(config, {});
    expect(() => loadConfig(folder.write('wrong.yaml', wrong), {}, registry)).toThrow(
      'egresses.web.lines.bad: is not allowed as a name; allowed: a colour such as red',
    );
  });

  it('say what a server is for whoever makes no connection', async () => {
    folder.write('lines.mjs', LINES);
    const rest = `egresses: { web: { type: test-lines, servers: ["\${LINES_SERVER}"] } }\n`;
    const config = folder.config('[./lines.mjs]', rest);
    const registry = await loadRegistry(config, {});
    expect(withMadeUpVariables(config, {}, registry)).toEqual({ LINES_SERVER: 'lines://127.0.0.1' });
  });

  it('may be of ingresses that clients of Choria use', async () => {
    const clients = `{
      schema: () => z.looseObject({ gate: z.string() }).transform(({ gate }) => () => ({ federation: [gate] })),
      unread: ['lines'],
    }`;
    folder.write(
      'gate.mjs',
      moduleOf(`export default [make('test-gate', { side: 'ingress', clients: ${clients} })];`),
    );
    const config = folder.config(
      '[./gate.mjs]',
      `ingresses: { a: { type: test-gate, gate: east, lines: "\${NOT_SET}" } }\n`,
    );
    const { value } = loadClientAccess(config, {}, await loadRegistry(config, {}));
    expect(value.access.federation).toEqual(['east']);
    expect(() => loadClientAccess(config, {}, BUILT_IN)).toThrow(
      'has no ingress of type choria-federation or choria-collective, which a client of Choria could use',
    );
  });

  it('may be named with variables, as any text of the file', async () => {
    folder.write('lines.mjs', LINES);
    const config = folder.config(`["\${WHERE}/lines.mjs"]`);
    expect((await loadRegistry(config, { WHERE: folder.path })).egress('test-lines')?.type).toBe(
      'test-lines',
    );
    expect(await problemsOf(config)).toEqual([
      'bridge.yaml:1:12: adapters[0]: the environment variable WHERE is not set',
    ]);
  });

  it('are not looked for where `adapters` is no list of names: the schema tells of that', async () => {
    const registry = await loadRegistry(folder.config('./lines.mjs'), {});
    expect(registry.egressTypes).toHaveLength(EMPTY);
    expect(() => loadConfig(folder.config('./lines.mjs'), {}, registry)).toThrow(
      'adapters: "./lines.mjs" is not allowed; allowed: a list: [./lines.mjs]',
    );
    for (const name of ['https://example.net/a.js', 'node:fs', 'fs', 'a b'])
      expect(() => loadConfig(folder.config(`['${name}']`), {}, registry)).toThrow(
        `adapters[0]: "${name}" is not allowed; allowed: a file such as ./my-adapter.js, or the name of an installed package`,
      );
  });
});

const wrong: readonly (readonly [statement: string, text: string, problem: string])[] = [
  ['has no default export', 'export const a = 1;', 'has no default export'],
  ['has a default export that is no list', 'export default {};', 'has a default export that is no list'],
  ['has an empty list', 'export default [];', 'has a default export that is an empty list'],
  ['throws', "\nthrow new Error('no luck');", 'throws: Error: no luck (wrong.mjs:2:7)'],
  [
    'throws below its folder',
    "import './lib/more.mjs';",
    `throws: TypeError: Cannot read properties of null (reading 'a') (lib/more.mjs:1:6)`,
  ],
  ['throws what is no error', "throw 'no luck';", 'throws: no luck'],
  [
    'imports what is not there',
    "import 'mcbridge-nonesuch';",
    "throws: Error: Cannot find package 'mcbridge-nonesuch'",
  ],
];

const NOT_A_TYPE: readonly (readonly [changes: string, fault: string])[] = [
  ["'test'", 'it is no object'],
  ['null', 'it is no object'],
  [
    "make('test-lines', { apiVersion: undefined })",
    'it has no apiVersion: make it by defineIngress or defineEgress of mcbridge/adapter',
  ],
  ["make('test-lines', { apiVersion: 2 })", 'it is of apiVersion 2, and this version of mcbridge takes 1'],
  ["make('test-lines', { side: 'both' })", 'its side is neither "ingress" nor "egress"'],
  ["make('test lines')", 'its type is not a name of letters, digits, "_" and "-"'],
  ["make('test-lines', { transport: '' })", 'its transport is not a text, such as nats'],
  ["make('test-lines', { anyServer: 7 })", 'its anyServer is not the URL of a server'],
  ["make('test-lines', { opaque: true })", 'its opaque is not a text, or undefined'],
  ["make('test-lines', { schema: {} })", 'its schema is not a function'],
  ["make('test-lines', { crossCheck: [] })", 'its crossCheck is not a function, or left out'],
  ["make('test-lines', { replyPath: undefined })", 'its replyPath.beforeToken is not a function'],
  ["make('test-lines', { replyPath: { beforeToken() {} } })", 'its replyPath.of is not a function'],
  ["make('test-lines', { side: 'ingress', clients: {} })", 'its clients.schema is not a function'],
  [
    "make('test-lines', { side: 'ingress', clients: { schema() {}, unread: 'a' } })",
    'its clients.unread is not a list of keys',
  ],
  [
    "make('test-lines', { schema() { throw new Error('not today'); } })",
    'its schema cannot be made: not today',
  ],
  ["make('test-lines', { schema: () => ({}) })", 'its schema gives no schema of zod 4'],
  [
    "make('test-lines', { schema: () => z.discriminatedUnion('type', [z.object({})]) })",
    'its schema cannot be made: Invalid discriminated union option at index "0"',
  ],
  ["{ apiVersion: 1, get side() { throw new Error('not today'); } }", 'it cannot be read: not today'],
  [
    "make('test-lines', { schema: make('other').schema })",
    'its schema has no key type with the one value "test-lines"',
  ],
];

describe('an adapter whose code fails is told of at its place in the file', () => {
  it.each([
    [
      'that makes a schema',
      "schema(it) { if (it.hostname !== 'h') throw new Error('no luck'); return ok.schema(it); }",
      'the schema',
    ],
    [
      'that transforms a section',
      "schema: () => ok.schema().transform(() => { throw new Error('no luck'); })",
      'the schema',
    ],
    [
      'that makes an adapter',
      "schema: () => ok.schema().transform(() => () => { throw new Error('no luck'); })",
      'adapt',
    ],
    ['of its crossCheck', "crossCheck() { throw new Error('no luck'); }", 'crossCheck'],
  ])('in code %s', async (_, change, what) => {
    folder.write(
      'lines.mjs',
      moduleOf(`const ok = make('test-lines'); export default [make('test-lines', { ${change} })];`),
    );
    const config = folder.config('[./lines.mjs]');
    const registry = await loadRegistry(config, {});
    expect(() => loadConfig(config, {}, registry)).toThrow(
      `bridge.yaml:1:12: adapters[0]: ${what} of the egress type test-lines of ./lines.mjs throws: no luck`,
    );
  });
});

describe('an adapter that cannot be used is told of at its place in the file', () => {
  it.each(wrong)('where it %s', async (_, text, problem) => {
    folder.write('wrong.mjs', text);
    folder.write('lines.mjs', LINES);
    folder.write('lib/more.mjs', 'null.a;');
    const problems = await problemsOf(folder.config('[./lines.mjs, ./wrong.mjs]'));
    expect(problems).toEqual([
      expect.stringContaining(`bridge.yaml:1:25: adapters[1]: wrong.mjs ${problem}`),
    ]);
  });

  it.each(NOT_A_TYPE)('where it holds %s', async (changes, fault) => {
    folder.write('wrong.mjs', moduleOf(`export default [make('test-more'), ${changes}];`));
    expect(await problemsOf(folder.config('[./wrong.mjs]'))).toEqual([
      `bridge.yaml:1:12: adapters[0]: wrong.mjs has no adapter type as entry 1 of its default export: ${fault}`,
    ]);
  });

  it('where there is no such file, and each of several', async () => {
    folder.write('gone/readme', '');
    symlinkSync('nowhere.js', join(folder.path, 'link.js'));
    expect(await problemsOf(folder.config('[./gone.js, ./gone, ./link.js]'))).toEqual([
      'bridge.yaml:1:12: adapters[0]: gone.js cannot be loaded: there is no such file',
      'bridge.yaml:1:23: adapters[1]: gone cannot be loaded: it is no file',
      'bridge.yaml:1:31: adapters[2]: link.js cannot be loaded: it is a link to nowhere.js, which is not there',
    ]);
  });

  it('where there is no such package', async () => {
    const [problem] = await problemsOf(folder.config('[http-lines.js]'));
    expect(problem).toContain('adapters[0]: there is no package http-lines.js in ');
    expect(problem).toContain('a file beside the configuration is written ./http-lines.js');
  });

  it('where the package does not give that part', async () => {
    folder.write(
      'node_modules/lines/package.json',
      JSON.stringify({ name: 'lines', exports: './lines.mjs' }),
    );
    const [problem] = await problemsOf(folder.config('[lines/other]'));
    expect(problem).toContain('adapters[0]: the package lines/other cannot be loaded: ');
  });

  it.each([
    ['its group can write to it', 0o664, 'its group'],
    ['everybody can write to it', 0o646, 'everybody'],
  ])('where %s', async (_, mode, who) => {
    const file = folder.write('lines.mjs', LINES);
    chmodSync(file, mode);
    expect(await problemsOf(folder.config('[./lines.mjs]'))).toEqual([
      `bridge.yaml:1:12: adapters[0]: lines.mjs is not loaded: lines.mjs can be written by ${who}: chmod go-w lines.mjs`,
    ]);
  });

  it('where others could put another file in its place, also behind a link', async () => {
    folder.write('open/lines.mjs', LINES);
    chmodSync(join(folder.path, 'open'), 0o777);
    symlinkSync('open/lines.mjs', join(folder.path, 'link.mjs'));
    expect(await problemsOf(folder.config('[./link.mjs]'))).toEqual([
      'bridge.yaml:1:12: adapters[0]: link.mjs is not loaded: the folder open can be written by its group: chmod go-w open',
    ]);
  });

  it.each([
    ['is built in', "make('mcollective-stomp')", 'mcbridge itself'],
    ['another brings', "make('test-lines')", './lines.mjs'],
  ])('where it brings a type that %s', async (_, type, other) => {
    folder.write('lines.mjs', LINES);
    folder.write('more.mjs', moduleOf(`export default [${type}];`));
    expect(await problemsOf(folder.config('[./lines.mjs, ./more.mjs]'))).toEqual([
      expect.stringMatching(
        new RegExp(
          `^bridge.yaml:1:25: adapters\\[1\\]: ./more.mjs brings the egress type [\\w-]+, which ${other} brings already$`,
        ),
      ),
    ]);
  });

  it('where it brings a type twice', async () => {
    folder.write('twice.mjs', moduleOf("export default [make('test-lines'), make('test-lines')];"));
    expect(await problemsOf(folder.config('[./twice.mjs]'))).toEqual([
      'bridge.yaml:1:12: adapters[0]: ./twice.mjs brings the egress type test-lines, which ./twice.mjs brings already',
    ]);
  });

  it('but one type may be an ingress and an egress', async () => {
    folder.write(
      'both.mjs',
      moduleOf("export default [make('test-lines'), make('test-lines', { side: 'ingress' })];"),
    );
    const registry = await loadRegistry(folder.config('[./both.mjs]'), {});
    expect([registry.ingress('test-lines')?.side, registry.egress('test-lines')?.side]).toEqual([
      'ingress',
      'egress',
    ]);
  });
});
