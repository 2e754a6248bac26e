import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inventoryDocument } from '../../src/nodes/document.ts';
import { Inventory } from '../../src/nodes/inventory.ts';
import { type HttpServer, json, type Page, startHttp, text } from '../../src/telemetry/http.ts';
import { inventoryPage } from '../../src/telemetry/inventory-page.ts';
import { freePort } from '../../src/testing/ports.ts';
import { recordingLog } from '../adapters/world.ts';
import { MINIMAL } from '../config/sample.ts';
import type { Finished } from '../support/process.ts';
import { program } from '../support/program.ts';
import { openTerminal } from '../telemetry/observe/terminal.ts';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
/** For regular expressions. */
const ESCAPE = '\\u001b\\[';
const START = 1_800_000_000_000;

let folder: string;
let server: HttpServer | undefined;
let inventory: Inventory;
let now: number;

const serve = async (page: () => Page, port = 0): Promise<string> => {
  server = await startHttp({
    host: '127.0.0.1',
    port,
    pages: new Map([['/inventory', page]]),
    onError: (error) => {
      throw error;
    },
  });
  return server.url;
};

/** As the bridge of a mixed fleet has it. */
const page = (): (() => Page) =>
  inventoryPage({
    cluster: 'mcollective',
    instance: 'bridge1',
    inventory,
    scheduler: {
      progress: (egress) =>
        egress === 'legacy'
          ? { asked: now - 12_000, error: undefined }
          : { asked: undefined, error: 'choria is not connected: connection refused' },
    },
    egresses: [
      {
        name: 'legacy',
        type: 'mcollective-stomp',
        patterns: ['old*', 'db1'],
        collectives: ['mcollective', 'uk'],
        every: 60,
      },
      { name: 'choria', type: 'choria-collective', patterns: [], collectives: ['mcollective'], every: 60 },
    ],
    clock: () => now,
  });

const config = (http: string, more = ''): string => {
  const file = join(folder, 'bridge.yaml');
  writeFileSync(file, `${http}${more}${MINIMAL}`);
  return file;
};

const ask = (...args: readonly string[]): Promise<Finished> => program('inventory', ...args);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcbridge-inventory-'));
  now = START;
  inventory = new Inventory({ clock: () => now, log: recordingLog([]), expire: () => 180_000, capacity: 4 });
  inventory.observe('legacy', 'mcollective', 'old1.example.net', 'discovery');
  inventory.observe('legacy', 'uk', 'old1.example.net', 'reply');
  now += 125_000;
  inventory.observe('legacy', 'mcollective', 'moving.example.net', 'reply');
  inventory.observe('choria', 'mcollective', 'moving.example.net', 'discovery');
  now += 3_000;
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  rmSync(folder, { recursive: true });
});

describe('the page /inventory', () => {
  it('says who lives where, in a form that its reader knows', () => {
    const { status, type, body } = page()();
    expect([status, type]).toEqual([200, 'application/json; charset=utf-8']);
    const document: unknown = JSON.parse(String(body));
    expect(inventoryDocument.parse(document)).toEqual(document);
    expect(document).toEqual({
      time: 1_800_000_128,
      cluster: 'mcollective',
      instance: 'bridge1',
      refused: 0,
      egresses: [
        {
          name: 'legacy',
          type: 'mcollective-stomp',
          patterns: ['old*', 'db1'],
          every: 60,
          last_survey: 1_800_000_116,
          collectives: [
            {
              name: 'mcollective',
              nodes: [
                { identity: 'old1.example.net', seen: 1_800_000_000, by: 'discovery' },
                { identity: 'moving.example.net', seen: 1_800_000_125, by: 'reply' },
              ],
            },
            { name: 'uk', nodes: [{ identity: 'old1.example.net', seen: 1_800_000_000, by: 'reply' }] },
          ],
        },
        {
          name: 'choria',
          type: 'choria-collective',
          patterns: [],
          every: 60,
          last_survey: null,
          error: 'choria is not connected: connection refused',
          collectives: [
            {
              name: 'mcollective',
              nodes: [{ identity: 'moving.example.net', seen: 1_800_000_125, by: 'discovery' }],
            },
          ],
        },
      ],
    });
  });
});

describe('mcbridge inventory', () => {
  it('shows who lives where, how that is known, and who is on both sides', async () => {
    const { status, stdout, stderr } = await ask('--url', await serve(page()));
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.replace(/Updated: .+/, 'Updated: …')).toBe(`Inventory of mcollective:bridge1

Node                Lives on  Known by                   Seen       Collectives
db1                 legacy    pattern                    not there  mcollective, uk
moving.example.net  legacy    reply                      3 s ago    mcollective      both: answers natively to each side
moving.example.net  choria    discovery                  3 s ago    mcollective      both: answers natively to each side
old1.example.net    legacy    pattern, discovery, reply  2 min ago  mcollective, uk

legacy (mcollective-stomp): old* db1; asked 12 s ago, every 60 s
choria (choria-collective): no patterns; not asked yet, then every 60 s; choria is not connected: connection refused
2 nodes: 2 on legacy, 1 on choria; 1 on both sides; 1 configured by name and not there
Updated: …
`);
  });

  it.each([
    [
      ['--node', 'mov*'],
      ['moving.example.net', 'moving.example.net'],
    ],
    [['--node', 'old?.example.net'], ['old1.example.net']],
    [['--node', 'old'], []],
    [['--egress', 'choria'], ['moving.example.net']],
    [
      ['-T', 'uk'],
      ['db1', 'old1.example.net'],
    ],
    [
      ['--collective', 'mcollective', '--egress', 'legacy', '--node', '*1*'],
      ['db1', 'old1.example.net'],
    ],
  ])('shows what is asked for: %j', async (args, expected) => {
    const { status, stdout } = await ask('--json', '--url', await serve(page()), ...args);
    const { nodes } = JSON.parse(stdout);
    expect([status, nodes.map(({ identity }: { identity: string }) => identity)]).toEqual([0, expected]);
  });

  it('says so where no node is known', async () => {
    const { status, stdout } = await ask('--node', 'nobody', '--url', await serve(page()));
    expect([status, stdout]).toEqual([0, expect.stringContaining('No such node is known.\n')]);
    expect(stdout).toContain('\n0 nodes: 0 on legacy, 0 on choria\n');
  });

  it('asks a page that is made once a second, and is the same for all who ask meanwhile', () => {
    const asked = page();
    const first = asked();
    inventory.observe('legacy', 'uk', 'late.example.net', 'reply');
    now += 999;
    expect(asked()).toBe(first);
    now += 1;
    expect(String(asked().body)).toContain(`"time": ${Math.floor(now / 1000)}`);
    // A clock that is set back.
    now -= 60_000;
    expect(String(asked().body)).toContain(`"time": ${Math.floor(now / 1000)}`);
  });

  it('says so where the inventory is full', async () => {
    inventory.observe('legacy', 'uk', 'one-too-many', 'reply');
    const { stdout } = await ask('--url', await serve(page()));
    expect(stdout).toContain('\nThe inventory is full: 1 time a node was left out\n');
  });

  it('prints JSON for programs, with the sides of a node told though one is asked for', async () => {
    const { stdout } = await ask('--json', '--egress', 'choria', '--url', await serve(page()));
    expect(JSON.parse(stdout)).toEqual({
      time: '2027-01-15T08:02:08.000Z',
      cluster: 'mcollective',
      instance: 'bridge1',
      refused: 0,
      egresses: [
        {
          name: 'choria',
          type: 'choria-collective',
          patterns: [],
          every: 60,
          last_survey: null,
          error: 'choria is not connected: connection refused',
          nodes: 1,
        },
      ],
      nodes: [
        {
          identity: 'moving.example.net',
          egress: 'choria',
          collectives: ['mcollective'],
          known: ['discovery'],
          both: true,
          seen: '2027-01-15T08:02:05.000Z',
        },
      ],
    });
  });

  it('asks the bridge of a configuration, wherever it listens', async () => {
    const port = await freePort();
    await serve(page(), port);
    const file = config(`http: { listen: "0.0.0.0:${port}" }\n`, 'instance: bridge1\n');
    const { status, stdout, stderr } = await ask('--config', file);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('\nmoving.example.net');
  });

  it('warns where another bridge answers at that address', async () => {
    const port = await freePort();
    await serve(page(), port);
    const { status, stderr } = await ask(
      '--config',
      config(`http: { listen: "127.0.0.1:${port}" }\n`, 'instance: bridge2\n'),
    );
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: `mcbridge: 127.0.0.1:${port} is the bridge mcollective:bridge1, not mcollective:bridge2 of the configuration: give each its own http.listen\n`,
    });
  });

  it('is coloured in a terminal and no wider than it', async () => {
    const columns = 60;
    const terminal = openTerminal([process.execPath, MAIN, 'inventory', '--url', await serve(page())], {
      columns,
      rows: 30,
    });
    expect(await terminal.exited).toBe(0);
    const output = terminal.output();
    expect(output).toMatch(new RegExp(`${ESCAPE}33mmoving\\.example\\.net .*…${ESCAPE}39m`));
    const lines = output.replaceAll(new RegExp(`${ESCAPE}\\d+m`, 'g'), '').split(/\r?\n/);
    expect(Math.max(...lines.map((line) => line.length))).toBe(columns);
  });
});

describe('mcbridge inventory, without a bridge,', () => {
  const failure = async (...args: readonly string[]): Promise<string> => {
    const { status, stdout, stderr } = await ask(...args);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).not.toContain('    at ');
    return stderr;
  };

  it('says that it does not run, and how it would', async () => {
    const file = config(`http: { listen: "127.0.0.1:${await freePort()}" }\n`);
    expect(await failure('--config', file)).toMatch(
      /^mcbridge: no bridge answers at http:\/\/127\.0\.0\.1:\d+\/inventory: connection refused\nIs it running \(mcbridge run --config .*bridge\.yaml\)\? /,
    );
  });

  it.each([
    ['another program', () => text(404, 'nothing here'), 'answers with HTTP status 404: it is not a bridge'],
    ['no JSON', () => text(200, '<html>'), 'answers with what is no JSON'],
    ['another document', () => json(200, { time: 1 }), 'answers with what is no inventory: cluster: '],
    [
      'a node whose name could steer a terminal',
      () => {
        const document = inventoryDocument.parse(JSON.parse(String(page()().body)));
        const [egress] = document.egresses;
        const nodes = [{ identity: '\u001b[2J', seen: 1, by: 'reply' }];
        return json(200, { ...document, egresses: [{ ...egress, collectives: [{ name: 'uk', nodes }] }] });
      },
      'what is no inventory: egresses.0.collectives.0.nodes.0.identity: ',
    ],
  ])('refuses %s', async (_, answer, sentence) => {
    const stderr = await failure('--url', await serve(answer));
    expect(stderr).toContain(sentence);
    expect(stderr).not.toContain('\u001b');
  });

  it('fails where the other side hangs up', async () => {
    const rude = createServer((socket) => void socket.destroy());
    const port = await freePort();
    await new Promise<void>((resolve) => rude.listen(port, '127.0.0.1', resolve));
    expect(await failure('--url', `http://127.0.0.1:${port}`)).toContain(
      `no bridge answers at http://127.0.0.1:${port}/inventory: `,
    );
    rude.close();
  });
});

describe('mcbridge inventory, used wrongly,', () => {
  const refusal = async (...args: readonly string[]): Promise<string> => {
    const { status, stdout, stderr } = await ask(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    return stderr;
  };

  it('says what to do where HTTP is off, or on any port', async () => {
    expect(await refusal('--config', config('http: { listen: off }\n'))).toMatch(
      /^mcbridge: http\.listen is off in .*bridge\.yaml, .*: give http\.listen an address such as 127\.0\.0\.1:8222/,
    );
    expect(await refusal('--config', config('http: { listen: "127.0.0.1:0" }\n'))).toContain('give --url');
  });

  it.each([
    [[], 'which bridge? Give --config, or --url'],
    [['--config', 'no-such-file.yaml'], 'cannot read the configuration no-such-file.yaml'],
    [['--url', 'localhost:8222'], '--url "localhost:8222" is no address of a bridge'],
    [['--url', 'http://me:secret@localhost'], 'is no address of a bridge'],
    [['--node', '/web/'], 'A pattern is an identity'],
  ])('refuses %j', async (args, sentence) => {
    expect(await refusal(...args)).toContain(sentence);
  });

  it.each([
    ['--egress', 'legacy, choria'],
    ['--collective', 'mcollective, uk'],
  ])('names what there is where the %s is none', async (option, names) => {
    const stderr = await refusal(option, 'nope', '--url', await serve(page()));
    expect(stderr).toBe(`mcbridge: ${option} "nope": there is no such one; the bridge has ${names}\n`);
  });

  it('helps with examples and exit codes', async () => {
    const { status, stdout } = await ask('--help');
    expect(status).toBe(0);
    expect(stdout).toMatch(/Examples:\n {2}mcbridge inventory /);
    expect(stdout).toContain('Exit codes: 0');
  });
});
