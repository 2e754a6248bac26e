import { createPrivateKey } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { Chalk } from 'chalk';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  encodeRequest as encodeChoria,
  encodeSecureRequest,
  signSecureRequest,
} from '../../src/adapters/choria/wire/index.ts';
import { encodeReply } from '../../src/adapters/mcollective/wire/reply.ts';
import { encodeRequest } from '../../src/adapters/mcollective/wire/request.ts';
import { createSerializer } from '../../src/adapters/mcollective/wire/serializer.ts';
import { readAll } from '../../src/cli/decode/input.ts';
import { inertJson, painted } from '../../src/cli/decode/paint.ts';
import { rendered } from '../../src/cli/decode/rendered.ts';
import { DEFAULT_RUBY_LIMITS } from '../../src/codec/ruby/index.ts';
import { EMPTY_FILTER } from '../../src/envelope/filter.ts';
import { isWhole, layerOf } from '../../src/inspect/tree.ts';
import { keyPair } from '../support/pki.ts';
import { programReading } from '../support/program.ts';
import { type CheckWorld, choriaCa, makeCheckWorld } from './check-world.ts';

const CAPTURES = fileURLToPath(new URL('../../fixtures/captures/', import.meta.url));
const KEYS = `${CAPTURES}keys/`;
const ALL_KEYS = [
  ...['--ca', `${KEYS}choria/ca.pem`],
  ...['--client-keys', `${KEYS}legacy`],
  ...['--server-key', `${KEYS}legacy/server-public.pem`],
];

const decode = (args: readonly string[], input: string | Uint8Array = '') =>
  programReading(input, 'decode', ...args);

let world: CheckWorld;

beforeAll(() => {
  world = makeCheckWorld();
});

afterAll(() => world.end());

describe('mcbridge decode', () => {
  test('reads captures and says at the end how they fared', async () => {
    const files = ['legacy-marshal', 'legacy-yaml', 'choria-v1', 'choria-v1-federated'];
    const paths = files.map((name) => `${CAPTURES}${name}.ndjson`);
    const { status, stdout, stderr } = await decode([...paths, ...ALL_KEYS]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain(`${CAPTURES}legacy-yaml.ndjson:4\nline of a capture (JSON`);
    expect(stdout).toContain('Choria request, protocol 1');
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toMatch(
      /\n254 messages, 254 decoded wholly; signatures and checksums: 158 valid, 0 invalid, 0 not verified\n$/,
    );
  });

  test('reads standard input, also as "-"', async () => {
    for (const args of [[], ['-']]) {
      const { status, stdout } = await decode(args, 'cGluZw==\n');
      expect(status).toBe(0);
      expect(stdout).toBe('standard input\nbase64 text (9 bytes)\n└─ discovery ping (4 bytes)\n\n');
    }
  });

  test('reads what is in a line of a cassette', async () => {
    const line = {
      at: 1,
      link: 'legacy',
      side: 'egress',
      dir: 'in',
      destination: '/queue/a',
      text: '"ping"',
    };
    const { status, stdout } = await decode([], JSON.stringify(line));
    expect(status).toBe(0);
    expect(stdout).toMatch(/^standard input\nline of a cassette \(JSON.*└─ discovery ping \(6 bytes\)\n/s);
  });

  test('prints a line of JSON a message', async () => {
    const { status, stdout } = await decode([`${CAPTURES}choria-v1-federated.ndjson`, '--json']);
    const messages = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(status).toBe(0);
    expect(messages).toHaveLength(25);
    expect(messages[1]).toMatchObject({ line: 2, whole: true, message: { kind: 'capture' } });
  });

  test('exits with 1 where something cannot be read, and still shows the rest', async () => {
    const { status, stdout, stderr } = await decode(
      [],
      '{"statuscode":0}\n{"statuscode":0,\n{"action":"a"}\n',
    );
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
    expect(stdout).toContain('✗ not JSON: unexpected end, at the end (byte 16)');
    expect(stdout).toContain('3 messages, 2 decoded wholly, 1 not;');
    expect(stdout).toContain('standard input:3\nRPC request');
  });

  test('shows garbage as what it is', async () => {
    const { status, stdout } = await decode([], Buffer.from([0xff, 0, 1, 2]));
    expect(status).toBe(1);
    expect(stdout).toContain('✗ it is like no message, at byte 0\n    byte 0: [ff] 00 01 02');
  });

  test.each([
    [['no-such-file'], 'mcbridge: no-such-file cannot be read: there is no such file'],
    [[CAPTURES], 'it is a folder'],
    [['--ca', 'no-such-file'], '--ca no-such-file cannot be read: there is no such file'],
    [
      ['--ca', `${KEYS}legacy/server-public.pem`],
      'is not what it should be: the configured CA cannot be used',
    ],
    [['--server-key', `${CAPTURES}legacy-yaml.ndjson`], 'is not what it should be'],
    [
      ['--client-keys', 'no-such-folder'],
      '--client-keys no-such-folder cannot be read: there is no such file',
    ],
    [['--client-keys', `${KEYS}choria/ca.pem`], 'is a file; it takes the folder'],
    [['--config', 'no-such-file'], 'cannot read the configuration no-such-file'],
    [['--jsn'], 'Did you mean --json?'],
  ])('exits with 2 for %j', async (args, sentence) => {
    const { status, stdout, stderr } = await decode(args, 'ping');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(sentence);
    expect(stderr).not.toContain('this is a bug');
  });

  test('helps with examples and exit codes', async () => {
    const { status, stdout } = await decode(['--help']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/Examples:\n {2}mcbridge decode /);
    expect(stdout).toContain('Exit codes: 0');
  });
});

const TIME = 1_795_500_000;
const marshal = createSerializer('marshal', DEFAULT_RUBY_LIMITS);

const legacyRequest = (callerId: string, key: string): Promise<Buffer> =>
  encodeRequest(
    {
      requestId: '0123456789abcdef0123456789abcdef',
      senderId: 'client.example.net',
      callerId,
      collective: 'mcollective',
      agent: 'discovery',
      ttl: 60,
      time: TIME,
      filter: EMPTY_FILTER,
      payload: { kind: 'discovery' },
    },
    createPrivateKey(keyPair(key).privateKey),
    marshal,
  );

const legacyReply = (key: string): Promise<Buffer> =>
  encodeReply(
    {
      senderId: 'node1.example.net',
      requestId: '0123456789abcdef0123456789abcdef',
      agent: 'discovery',
      time: TIME,
      payload: { kind: 'discovery' },
    },
    createPrivateKey(keyPair(key).privateKey),
    marshal,
  );

describe('the keys of a configuration', () => {
  test('verify what the bridge itself signs towards legacy nodes', async () => {
    const { stdout } = await decode(['--config', world.config], await legacyRequest('cert=rip', 'rip'));
    expect(stdout).toContain(
      `✓ signature valid: made with the key of cert=rip (${world.folder}/keys/rip.pem)`,
    );
  });

  test('name the folder that lacks a key', async () => {
    const { status, stdout } = await decode(['-c', world.config], await legacyRequest('cert=bob', 'rip'));
    expect(status).toBe(0);
    expect(stdout).toContain(`? signature not verified: no key for cert=bob in ${world.folder}/keys\n`);
  });

  test('give way to a folder on the command line', async () => {
    const folder = `${world.folder}/clients`;
    mkdirSync(folder);
    world.write('clients/rip.pem', keyPair('other').publicKey);
    world.write('clients/broken.pem', 'none');
    const asked = async (callerId: string) => {
      const message = await legacyRequest(callerId, 'rip');
      const { stdout } = await decode(['-c', world.config, '--client-keys', folder], message);
      return stdout;
    };
    expect(await asked('cert=rip')).toContain('✗ signature invalid: ');
    expect(await asked('cert=broken')).toContain(
      `? signature not verified: the key ${folder}/broken.pem cannot be used: `,
    );
    expect(await asked('cert=bob')).toContain(`no key for cert=bob in ${folder}, ${world.folder}/keys\n`);
  });

  test('verify the shared identity of a bridge', async () => {
    const shared = makeCheckWorld((text) =>
      text.replace('{ keys_dir: keys }', '{ callerid: cert=bridge, private_key: keys/rip.pem }'),
    );
    try {
      const { stdout } = await decode(['-c', shared.config], await legacyRequest('cert=bridge', 'rip'));
      expect(stdout).toContain('✓ signature valid: made with the key of cert=bridge (');
      const other = await decode(['-c', shared.config], await legacyRequest('cert=rip', 'rip'));
      expect(other.stdout).toContain('no key for cert=rip in ');
    } finally {
      shared.end();
    }
  });

  test('verify legacy replies and Choria callers', async () => {
    const reply = await legacyReply('daemons');
    expect((await decode(['-c', world.config], reply)).stdout).toContain(
      `✓ signature valid: made with the server key ${world.folder}/server.pem`,
    );
    const alice = choriaCa.issue({ commonName: 'alice.mcollective' });
    const message = encodeChoria({
      requestId: '0123456789abcdef0123456789abcdef',
      senderId: 'client.example.net',
      callerId: 'choria=alice.mcollective',
      collective: 'mcollective',
      agent: 'discovery',
      ttl: 60,
      time: Math.floor(Date.now() / 1000),
      filter: EMPTY_FILTER,
      message: '"ping"',
    });
    const secure = encodeSecureRequest(
      signSecureRequest(message, createPrivateKey(alice.privateKey), alice.certificate),
    );
    expect((await decode(['-c', world.config], secure)).stdout).toContain(
      `✓ signature valid: made by alice.mcollective with its own certificate, which ${world.folder}/ca.pem vouches for\n`,
    );
  });

  test('verify the clients of a legacy ingress, and what it answers them', async () => {
    const ingress = `  clients:
    type: mcollective-stomp
    servers: [stomp://127.0.0.1:61613]
    callers: { keys_dir: people }
    server_private_key: people/daemons.pem
egresses:`;
    const bridge = makeCheckWorld((text) => text.replace('egresses:', ingress));
    mkdirSync(`${bridge.folder}/people`);
    bridge.write('people/alice.pem', keyPair('alice').publicKey);
    bridge.write('people/daemons.pem', keyPair('bridge as daemon').privateKey);
    try {
      const request = await decode(['-c', bridge.config], await legacyRequest('cert=alice', 'alice'));
      expect(request.stderr).toBe('');
      expect(request.stdout).toContain('✓ signature valid: made with the key of cert=alice (');
      const reply = await decode(['-c', bridge.config], await legacyReply('bridge as daemon'));
      expect(reply.stdout).toContain(
        `✓ signature valid: made with the server key ${bridge.folder}/people/daemons.pem`,
      );
    } finally {
      bridge.end();
    }
  });

  test('are wrong usage where the configuration or a file of it is', async () => {
    for (const [routeId, by, sentence] of [
      ['signing:', 'sining:', 'unknown key'],
      ['server.pem', 'sever.pem', 'sever.pem cannot be read: there is no such file'],
    ] as const) {
      const wrong = makeCheckWorld((text) => text.replace(routeId, by));
      const { status, stdout, stderr } = await decode(['-c', wrong.config], 'ping');
      wrong.end();
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr).toContain(sentence);
    }
  });
});

/** What steers a terminal: escape sequences (also the one-byte CSI), a carriage return, an order of reading. */
const HOSTILE = 'a\u001b[2Jb\u009b31mc\rd\u202ee\u{e0001}f\u0007';
const STEERING = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

describe('a hostile message', () => {
  test.each([
    ['a body', JSON.stringify({ statuscode: 0, statusmsg: HOSTILE, data: { [HOSTILE]: [HOSTILE] } })],
    ['a name', JSON.stringify({ [HOSTILE]: 1, action: 'x' })],
    ['headers', `SEND\n${HOSTILE.replace('\r', '')}:${HOSTILE.replace('\r', '')}\n\nping\0`],
    ['a complaint', `ERROR\nmessage:x\n\n${HOSTILE}\0`],
    ['what is no message', HOSTILE],
    ['a protocol', JSON.stringify({ protocol: 'choria:request:1', message: HOSTILE, envelope: HOSTILE })],
    ['YAML', `--- !ruby/object:${HOSTILE}\na: b\n`],
  ])('does not steer the terminal: %s', async (_what, message) => {
    for (const args of [[], ['--full'], ['--json']]) {
      const { status, stdout, stderr } = await decode(args, message);
      expect([0, 1]).toContain(status);
      expect(stderr).toBe('');
      for (const line of stdout.split('\n')) expect(line).not.toMatch(STEERING);
    }
  });

  test('is the same in JSON for whoever reads it', async () => {
    const { stdout } = await decode(
      ['--json'],
      JSON.stringify({ statuscode: 0, statusmsg: HOSTILE, data: {} }),
    );
    expect(JSON.parse(stdout).message.fields.statusmsg).toBe(HOSTILE);
    expect(JSON.parse(inertJson(JSON.stringify(HOSTILE)))).toBe(HOSTILE);
  });

  test('has colours around it on a terminal, none within', () => {
    const line = [
      { text: '✓ ', tone: 'good' },
      { text: HOSTILE, tone: 'plain' },
    ] as const;
    expect(painted([line], new Chalk({ level: 1 }))).toBe(
      '\u001b[32m✓ \u001b[39ma\\u{001b}[2Jb\\u{009b}31mc\\rd\\u{202e}e\\u{e0001}f\\u{0007}\n',
    );
    expect(painted([line], new Chalk({ level: 0 }))).toMatch(/^✓ a\\u/);
  });
});

test('a message that cannot be shown is told of as one that could not be read', () => {
  const { layer, text } = rendered(layerOf('json'), Buffer.from('{"a":1}'), ({ kind, problems }) => {
    if (kind === 'json') throw new RangeError('Invalid time value');
    return problems.map(({ message }) => message).join();
  });
  expect(text).toBe('internal error: Invalid time value');
  expect(isWhole(layer)).toBe(false);
});

describe('an input', () => {
  test('that is too large is refused before all of it is read', async () => {
    let read = 0;
    const endless = Readable.from(
      (function* () {
        for (;;) {
          read++;
          yield Buffer.alloc(1024 * 1024);
        }
      })(),
    );
    await expect(readAll(endless, 'big')).rejects.toThrow(
      'big holds more than the 64 MiB that are read at once',
    );
    expect(read).toBeLessThan(100);
  });
});
