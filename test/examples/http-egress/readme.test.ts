import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMap, parseJson } from 'mcbridge/adapter';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import httpTypes from '../../../examples/http-egress/http-egress.js';
import { WIRE } from '../../../examples/http-egress/wire.js';
import { freePort } from '../../../src/testing/ports.ts';
import { type BridgeFolder, makeBridgeFolder } from '../../support/bridge.ts';
import { type ChoriaNetwork, startChoriaNetwork } from '../../support/choria-network.ts';
import { type Child, run, start } from '../../support/process.ts';

const EXAMPLE = fileURLToPath(new URL('../../../examples/http-egress', import.meta.url));
const MAIN = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
const README = readFileSync(join(EXAMPLE, 'README.md'), 'utf8');

/** The code in blocks of a language, without the indentation of a list. */
const blocks = (language: string): readonly string[] =>
  [...README.matchAll(new RegExp(`^( *)\`\`\`${language}\\n([\\s\\S]*?)^ *\`\`\`$`, 'gm'))].map(
    ([, indent = '', code = '']) => code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  );

/** The variables that a line of the shell exports, and no others. */
const exported = (line: string): Readonly<Record<string, string>> => {
  const names = [...line.matchAll(/\b([A-Z_]+)=/g)].map(([, name = '']) => name);
  const shown = execFileSync('sh', ['-c', `${line}\nexec env`], { encoding: 'utf8' });
  return Object.fromEntries(
    names.map((name) => [name, new RegExp(`^${name}=(.*)$`, 'm').exec(shown)?.[1] ?? '']),
  );
};

/** The commands of a block, each without `&`. */
const commandsIn = (block: string): readonly string[][] =>
  block
    .trim()
    .split('\n')
    .map((line) => line.replace(/ &$/, '').split(' '));

let network: ChoriaNetwork;
let files: BridgeFolder;
const children: Child[] = [];

beforeAll(async () => {
  network = await startChoriaNetwork('choria');
  const alice = network.authority.issue({ commonName: 'alice.mcollective' });
  files = makeBridgeFolder({
    'ca.pem': network.authority.certificate,
    'bridge.pem': network.files['choria/cert.pem'] ?? '',
    'bridge.key': network.files['choria/key.pem'] ?? '',
    'alice.pem': alice.certificate,
    'alice.key': alice.privateKey,
  });
});
afterAll(async () => {
  for (const child of children) await child.stop();
  await network?.nats.stop();
  files?.remove();
});

describe('the guide', () => {
  it('has steps that work', async () => {
    const port = await freePort();
    const [first = '', ...others] = blocks('sh');
    const [exporting = '', serve = ''] = first.split('\n');
    const env = exported(exporting);
    // The modules find `mcbridge/adapter` by the bridge that loads them, wherever they are.
    cpSync(EXAMPLE, join(files.folder, 'http-egress'), { recursive: true });
    expect(commandsIn(serve)).toEqual([['node', 'examples/http-egress/server.js', '8081']]);
    const server = start(process.execPath, [join(EXAMPLE, 'server.js'), `${port}`], { env });
    children.push(server);
    await server.waitFor(/answers for/, 30_000);

    const [config = ''] = blocks('yaml');
    const ours = config
      .replace('127.0.0.1:8081', `127.0.0.1:${port}`)
      .replace('nats://127.0.0.1:4222', network.nats.url);
    files.write('bridge.yaml', `${ours}http: { listen: off }\n`);
    const [check = [], running = [], ping = []] = others
      .flatMap(commandsIn)
      .map(([program, ...given]) => (program === 'mcbridge' ? given : [`not ${program}`]));
    const options = { cwd: files.folder, env };
    const checked = await run(process.execPath, [MAIN, ...check], options);
    expect(checked.stdout).toContain(`http://127.0.0.1:${port}/ lets the bridge in`);
    expect(checked.status).toBe(0);
    const bridge = start(process.execPath, [MAIN, ...running], options);
    children.push(bridge);
    await bridge.waitFor(/"event":"ready"/, 30_000);
    let pinged = await run(process.execPath, [MAIN, ...ping], options);
    // A ping waits two seconds, which a busy machine may need for less.
    for (let again = 0; pinged.status !== 0 && again < 5; again++)
      pinged = await run(process.execPath, [MAIN, ...ping], options);
    expect(pinged).toMatchObject({ status: 0, stdout: expect.stringContaining('n1.example.net') });
    expect(pinged.stdout).toContain('n2.example.net');
  });

  it('shows messages as they are', () => {
    const documents = blocks('json').map((text) => parseJson(text));
    expect(documents).toHaveLength(2);
    for (const document of documents) {
      if (!isMap(document)) throw new Error('no object');
      expect(WIRE.holds(document)).toBe(true);
      WIRE.check(document);
    }
  });

  it('names each key of the section, and each file', () => {
    const [type] = httpTypes;
    const schema = readFileSync(join(EXAMPLE, 'config.js'), 'utf8');
    const keys = [...schema.matchAll(/^ {6}([a-z_]+): /gm)].map(([, key]) => key);
    expect(type?.type).toBe('http');
    expect(keys).toContain('check_every');
    for (const key of keys.filter((it) => it !== 'type')) expect(README).toContain(`\`${key}\``);
    for (const file of README.matchAll(/\]\(([\w-]+\.js)\)/g))
      expect(readFileSync(join(EXAMPLE, file[1] ?? ''), 'utf8')).toContain('@ts-check');
  });
});
