import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../src/testing/ports.ts';
import { until } from '../../src/testing/until.ts';
import type { IncomingMessage } from '../../src/transport/link.ts';
import { createNatsLink } from '../../src/transport/nats/index.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';
import { makeAuthority } from '../support/pki.ts';
import { start } from '../support/process.ts';
import { hundredMessages } from './hundred-messages.ts';
import { examples, type Project, packedProject } from './project.ts';

const CASSETTES = fileURLToPath(new URL('../../fixtures/cassettes/', import.meta.url));

const EXAMPLE = fileURLToPath(new URL('../../examples/http-egress/', import.meta.url));

const TSCONFIG = {
  compilerOptions: {
    module: 'nodenext',
    target: 'es2023',
    strict: true,
    skipLibCheck: false,
    types: ['node'],
    noEmitOnError: true,
    outDir: 'out',
    rootDir: '.',
  },
};

const BRIDGE = `
cluster: production
cluster_key: only for this test, thirty-two bytes or more
ingresses:
  clients: { type: choria-federation, servers: ['\${NATS_URL}'], insecure_plaintext: true, callers: { ca: ca.pem } }
egresses:
  nodes: { type: choria-collective, servers: ['\${NATS_URL}'], insecure_plaintext: true }
routes:
  - { from: clients, to: nodes, collectives: [mcollective] }
`;

const BRIDGE_TO_HTTP = `
adapters: [./adapter/http-egress.js]
cluster: production
cluster_key: only for this test, thirty-two bytes or more
ingresses:
  clients: { type: choria-federation, servers: ['\${NATS_URL}'], insecure_plaintext: true, callers: { ca: ca.pem } }
egresses:
  api: { type: http, servers: ['http://127.0.0.1:8080/'], insecure_plaintext: true }
routes:
  - from: clients
    to: api
    collectives: [mcollective]
    identities: [{ regex: choria=(.+)\\.mcollective, to: http=$1 }]
`;

const NO_NETWORK = `
import { Socket } from 'node:net';
Socket.prototype.connect = () => {
  throw new Error('a replay connects to nobody');
};
`;

let folder: string;
let project: Project;
let nats: NatsServer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mcbridge-package-'));
  project = await packedProject(folder);
  nats = await startNatsServer();
});
afterAll(async () => {
  await nats?.stop();
  if (folder !== undefined) rmSync(folder, { recursive: true });
});

const filesOf = (place: string): readonly string[] =>
  readdirSync(place, { recursive: true, encoding: 'utf8', withFileTypes: true })
    .filter((it) => it.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));

const node = (args: readonly string[], cwd: string) =>
  project.run(process.execPath, args, { cwd: join(folder, cwd), env: { NATS_URL: nats.url } });

describe('the packed package', () => {
  it('has neither sources nor maps to them', () => {
    const files = filesOf(join(folder, 'node_modules/mcbridge'));
    expect(files.length).toBeGreaterThan(100);
    expect(files.filter((name) => /\.map$|(?<!\.d)\.ts$/.test(name))).toEqual([]);
    const mapped = files.filter(
      (name) => /\.(?:js|d\.ts)$/.test(name) && /^\/\/# sourceMappingURL/m.test(readFileSync(name, 'utf8')),
    );
    expect(mapped).toEqual([]);
  });

  it('runs the program, and has all but its suites imported, where there is no vitest', async () => {
    expect(await node(['node_modules/mcbridge/dist/cli/main.js', '--version'], '.')).toMatchObject({
      status: 0,
      stderr: '',
    });
    const imports = ['', '/adapter', '/client', '/decode', '/replay'].map((it) => `import 'mcbridge${it}';`);
    expect(await node(['--input-type=module', '--eval', imports.join('')], '.')).toEqual({
      status: 0,
      stdout: '',
      stderr: '',
    });
    expect(await node(['--input-type=module', '--eval', "import 'mcbridge/testing'"], '.')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("Cannot find package 'vitest'"),
    });
  });

  it('brings the live page along, with the licences of its libraries', () => {
    const place = 'node_modules/mcbridge/dist/page/web';
    const names = filesOf(join(folder, place)).map((name) => relative(join(folder, place), name));
    const libraries = ['preact', 'htm', 'uplot'].flatMap((it) => [`vendor/${it}.js`, `vendor/${it}.LICENSE`]);
    expect(names).toEqual(expect.arrayContaining(['index.html', 'app.js', 'style.css', ...libraries]));
    const installed = readdirSync(join(folder, 'node_modules'));
    expect(
      installed.filter((name) => ['preact', 'htm', 'uplot', 'playwright-core', 'axe-core'].includes(name)),
    ).toEqual([]);
  });

  it('keeps what it does not export to itself', async () => {
    const { stderr } = await node(
      ['--input-type=module', '--eval', "import 'mcbridge/dist/app/app.js'"],
      '.',
    );
    expect(stderr).toContain('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });
});

describe('a project that has installed it', () => {
  beforeAll(() => {
    for (const name of ['vitest', 'typescript', '@types/node']) project.install(name);
    for (const [name, text] of examples())
      project.write(`${name.endsWith('.test.ts') ? 'test' : 'src'}/${name}`, text);
    const authority = makeAuthority('library CA');
    const alice = authority.issue({ commonName: 'alice.mcollective', usages: ['client'] });
    project.write('src/bridge.yaml', BRIDGE);
    project.write('src/ca.pem', authority.certificate);
    project.write('src/alice.pem', alice.certificate);
    project.write('src/alice.key', alice.privateKey);
    project.write('src/web.cassette.ndjson', hundredMessages());
    project.write('test/web.cassette.ndjson', hundredMessages());
    project.write('test/bridge.yaml', readFileSync(join(CASSETTES, 'choria-to-legacy.yaml'), 'utf8'));
    // What verifies; what signs is not there.
    for (const name of ['ca.pem', 'server.pem'])
      project.write(
        `test/choria-to-legacy/keys/${name}`,
        readFileSync(join(CASSETTES, 'choria-to-legacy/keys', name), 'utf8'),
      );
    project.write('test/no-network.js', NO_NETWORK);
    // What takes a second takes several where other tests run beside it.
    const test = { setupFiles: ['./no-network.js'], testTimeout: 60_000 };
    project.write('test/vitest.config.js', `export default ${JSON.stringify({ test })};\n`);
  });

  const tsc = (files: readonly string[], name: string) => {
    project.write(name, JSON.stringify({ ...TSCONFIG, files }));
    return node(['node_modules/typescript/bin/tsc', '-p', name], '.');
  };

  it('finds every example of docs/library.md well typed, each import among them', async () => {
    const files = [...examples().keys()].map((it) => `${it.endsWith('.test.ts') ? 'test' : 'src'}/${it}`);
    expect(await tsc(files, 'tsconfig.json')).toEqual({ status: 0, stdout: '', stderr: '' });
    const imported = [...examples().values()].flatMap((text) =>
      [...text.matchAll(/from '(mcbridge[\w/-]*)'/g)].map(([, it]) => it),
    );
    const { exports } = JSON.parse(readFileSync(join(folder, 'node_modules/mcbridge/package.json'), 'utf8'));
    expect([...new Set(imported)].toSorted()).toEqual(
      Object.keys(exports)
        .map((it) => it.replace(/^\./, 'mcbridge'))
        .toSorted(),
    );
  });

  it('finds the example of an adapter well typed, in strict JavaScript', async () => {
    cpSync(EXAMPLE, join(folder, 'adapter'), { recursive: true });
    const { compilerOptions } = TSCONFIG;
    const checked = { ...compilerOptions, allowJs: true, checkJs: true, noEmit: true };
    project.write(
      'checked.json',
      JSON.stringify({ compilerOptions: checked, files: ['adapter/http-egress.js'] }),
    );
    expect(await node(['node_modules/typescript/bin/tsc', '-p', 'checked.json'], '.')).toEqual({
      status: 0,
      stdout: '',
      stderr: '',
    });
  });

  it('has its program load that adapter from a folder in which nothing is installed', async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'mcbridge-adapter-'));
    try {
      cpSync(EXAMPLE, join(elsewhere, 'adapter'), { recursive: true });
      writeFileSync(join(elsewhere, 'package.json'), '{"type":"module"}');
      writeFileSync(join(elsewhere, 'ca.pem'), makeAuthority('library CA').certificate);
      writeFileSync(join(elsewhere, 'bridge.yaml'), BRIDGE_TO_HTTP);
      const program = join(folder, 'node_modules/mcbridge/dist/cli/main.js');
      const { status, stdout, stderr } = await project.run(
        process.execPath,
        [program, 'check', '--config', join(elsewhere, 'bridge.yaml'), '--offline'],
        { env: { NATS_URL: nats.url } },
      );
      expect({ status, problems: status === 0 ? [] : [stdout, stderr] }).toEqual({ status: 0, problems: [] });
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });

  it('cannot name what is not exported', async () => {
    project.write('src/closed.ts', "import { createApp } from 'mcbridge/dist/app/app.js';\ncreateApp;\n");
    const { status, stdout } = await tsc(['src/closed.ts'], 'closed.json');
    expect({ status, stdout }).toEqual({
      status: expect.not.stringMatching(/^0$/),
      stdout: expect.stringContaining("Cannot find module 'mcbridge/dist/app/app.js'"),
    });
  });

  it('runs a bridge until it is told to stop, and asks through it', async () => {
    const asked: string[] = [];
    const nodes = createNatsLink({ servers: [nats.url], name: 'nodes', onEvent: () => undefined });
    await nodes.open();
    const onMessage = ({ destination }: IncomingMessage): void => void asked.push(destination);
    await nodes.subscribe({ destination: 'mcollective.broadcast.agent.>', onMessage });
    const bridge = start(process.execPath, [join(folder, 'out/src/bridge.js')], {
      cwd: join(folder, 'src'),
      env: { NATS_URL: nats.url },
    });
    await bridge.waitFor(/links up: 2/, 90_000);
    expect(await node([join(folder, 'out/src/ping.js')], 'src')).toMatchObject({ status: 0, stderr: '' });
    await until('the nodes are asked', () => asked.length > 0);
    bridge.signal('SIGTERM');
    expect(await bridge.exited).toBe(0);
    await nodes.close();
    expect(asked).toEqual(['mcollective.broadcast.agent.discovery']);
  });

  it('asks over a WebSocket, and says why where nobody is there', async () => {
    const { status, stderr } = await project.run(
      process.execPath,
      ['--experimental-websocket', join(folder, 'out/src/uptime.js')],
      { env: { MCBRIDGE_URL: `ws://127.0.0.1:${await freePort()}` } },
    );
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(/^[^\n]+\n$/),
    });
  });

  it('looks into messages, and reads a section', async () => {
    const layers = await node([join(folder, 'out/src/layers.js')], 'src');
    expect(layers).toMatchObject({ status: 0, stderr: '' });
    expect(layers.stdout).toMatch(/^2 line of a cassette > Choria transport, protocol 1 > /m);
    expect(layers.stdout).not.toContain('damaged');
    const section = await node([join(folder, 'out/src/section.js')], 'src');
    expect(section).toMatchObject({ status: 0, stderr: '' });
    expect(section.stdout).toContain('/etc/mcbridge/ca.pem');
    expect(section.stdout).not.toContain('s3cret');
  });

  it('replays a hundred messages in its own vitest, with no key that signs and no network', async () => {
    const signing = filesOf(join(folder, 'test')).filter((name) =>
      readFileSync(name, 'latin1').includes('PRIVATE KEY'),
    );
    expect(signing).toEqual([]);
    const { status, stdout, stderr } = await node(
      ['../node_modules/vitest/vitest.mjs', 'run', '--reporter=json'],
      'test',
    );
    expect({ status, failed: status === 0 ? [] : [stdout, stderr] }).toEqual({ status: 0, failed: [] });
    const { numPassedTests, numFailedTests, testResults } = JSON.parse(stdout);
    expect({ numFailedTests, files: testResults.length }).toEqual({ numFailedTests: 0, files: 3 });
    expect(numPassedTests).toBeGreaterThan(5);
  });
});
