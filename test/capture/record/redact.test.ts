import { createPrivateKey } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  decodeReply,
  decodeReplyBody,
  decodeRequest,
  decodeRequestBody,
  decodeSecureReply,
  decodeSecureRequest,
  encodeReply,
  encodeReplyBody,
  encodeRequest,
  encodeRequestBody,
  encodeSecureReply,
  encodeSecureRequest,
  signSecureRequest,
} from '../../../src/adapters/choria/wire/index.ts';
import * as legacyReply from '../../../src/adapters/mcollective/wire/reply.ts';
import * as legacyRequest from '../../../src/adapters/mcollective/wire/request.ts';
import { createSerializer } from '../../../src/adapters/mcollective/wire/serializer.ts';
import { BUILT_IN } from '../../../src/adapters/registry.ts';
import {
  bodyFields,
  bodyOf,
  type CassetteEntry,
  type CassetteMessage,
} from '../../../src/capture/file/format.ts';
import { parsePath } from '../../../src/capture/redact/paths.ts';
import { createRedactor, type Redactor } from '../../../src/capture/redact/redactor.ts';
import { DEFAULT_RUBY_LIMITS } from '../../../src/codec/ruby/index.ts';
import { EMPTY_FILTER } from '../../../src/envelope/filter.ts';
import type { Value } from '../../../src/envelope/value.ts';
import { parseConfig } from '../../../src/setup/load.ts';
import { openTransport, transportOf } from '../../support/choria-transport.ts';
import { type Identity, keyPair, makeAuthority } from '../../support/pki.ts';
import { layersIn, trustedKeys } from './layers.ts';

const SECRET = 'hunter2 & co';
const NOW = Date.now();
const SECONDS = Math.floor(NOW / 1000);
const ID = 'a'.repeat(32);

const authority = makeAuthority('redaction test CA');
const alice = authority.issue({ commonName: 'alice.mcollective' });
const stranger = makeAuthority('another CA').issue({ commonName: 'alice.mcollective' });
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcbridge-redact-'));
  mkdirSync(join(folder, 'clients'));
  const files = {
    'ca.pem': authority.certificate,
    'clients/alice.pem': keyPair('redact alice').publicKey,
    'server-private.pem': keyPair('redact server').privateKey,
    'server-public.pem': keyPair('redact server').publicKey,
    'signing.pem': keyPair('redact signing').privateKey,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const configured = (serializer: 'marshal' | 'yaml', base64: boolean) => {
  const stomp = {
    type: 'mcollective-stomp',
    servers: ['stomp://127.0.0.1:1'],
    user: 'u',
    password: 'p',
    serializer,
    base64,
  };
  const config = {
    cluster: 'production',
    cluster_key: 'only for tests, thirty-two bytes or more',
    ingresses: {
      federation: {
        type: 'choria-federation',
        servers: ['nats://127.0.0.1:1'],
        insecure_plaintext: true,
        callers: { ca: 'ca.pem' },
      },
      mco: { ...stomp, callers: { keys_dir: 'clients' }, server_private_key: 'server-private.pem' },
    },
    egresses: {
      legacy: {
        ...stomp,
        signing: { callerid: 'cert=bridge', private_key: 'signing.pem' },
        server_public_key: 'server-public.pem',
      },
    },
    routes: [
      {
        from: 'federation',
        to: 'legacy',
        collectives: ['mcollective'],
        identities: [{ regex: 'choria=.+', to: 'cert=bridge' }],
      },
    ],
  };
  return parseConfig(JSON.stringify(config), join(folder, 'bridge.yaml'), {}, BUILT_IN);
};

const redactor = (
  paths: readonly string[],
  { allTexts = false, serializer = 'marshal', base64 = false } = {},
): Redactor =>
  createRedactor(configured(serializer === 'yaml' ? 'yaml' : 'marshal', base64), {
    paths: paths.map(parsePath),
    allTexts,
  });

const entry = (link: string, dir: 'in' | 'out', body: Uint8Array): CassetteMessage => ({
  at: NOW,
  link,
  side: link === 'legacy' ? 'egress' : 'ingress',
  dir,
  destination: 'somewhere',
  ...bodyFields(body),
});

const choriaRequest = (
  data: ReadonlyMap<string, Value>,
  by: Identity = alice,
  key = by.privateKey,
): Buffer => {
  const context = { agent: 'vault', callerId: 'choria=alice.mcollective' };
  const text = encodeRequest({
    requestId: ID,
    senderId: 'desk',
    ...context,
    collective: 'mcollective',
    ttl: 60,
    time: SECONDS,
    filter: EMPTY_FILTER,
    message: encodeRequestBody({ kind: 'rpc', action: 'open', data }, context, 'ruby'),
  });
  const secure = signSecureRequest(text, createPrivateKey(key), by.certificate);
  return Buffer.from(transportOf(encodeSecureRequest(secure), { replyTo: 'r' }, 'wrapped'));
};

const choriaReply = (statusMessage: string, data: Value): Buffer => {
  const message = encodeReplyBody({ kind: 'rpc', statusCode: 4, statusMessage, data }, 'ruby');
  const text = encodeReply({ requestId: ID, senderId: 'node1', agent: 'vault', time: SECONDS, message });
  return Buffer.from(transportOf(encodeSecureReply(text), { sender: 'node1' }, 'plain'));
};

const requestData = (clean: CassetteMessage): ReadonlyMap<string, Value> => {
  const wire = decodeRequest(decodeSecureRequest(openTransport(bodyOf(clean)).data).message);
  const { payload } = decodeRequestBody(wire.message, wire);
  return payload.kind === 'rpc' ? payload.data : new Map();
};

const cleaned = (one: Redactor, given: CassetteMessage): CassetteMessage => {
  const clean = one.redact(given, (reason) => {
    throw new Error(`left out: ${reason}`);
  });
  if (clean === undefined || 'rejected' in clean) throw new Error('it was left out');
  return clean;
};

const verdicts = (one: Redactor, entries: readonly CassetteEntry[]): readonly string[] => {
  const header = {
    cassette: 1 as const,
    created: new Date(NOW).toISOString(),
    by: 'test',
    config: { routes: [] },
    clock: NOW,
    seed: '00',
    keys: {},
    nodes: {},
    trust: one.trust(),
  };
  return layersIn(entries, trustedKeys(header)).verdicts.map(({ state }) => state);
};

describe('values', () => {
  test('become placeholders of their kind, the same ones for the same values, everywhere', () => {
    const one = redactor(['data.password', '*.token', 'data.users']);
    const data = new Map<string, Value>([
      ['note', 'nothing to see'],
      ['password', SECRET],
      ['login', new Map<string, Value>([['token', 12_345]])],
      ['users', [SECRET, true, null, 2n ** 80n, 3.25, Buffer.from([0xff, 0])]],
      ['port', 12_345],
    ]);
    const clean = requestData(cleaned(one, entry('federation', 'in', choriaRequest(data))));
    const placeholder = clean.get('password');
    expect(placeholder).toMatch(/^redacted-\d+$/);
    expect(clean.get('note')).toBe('nothing to see');
    expect(clean.get('port')).toBe(12_345);
    expect(clean.get('login')).toEqual(new Map([['token', expect.any(Number)]]));
    expect(clean.get('login')).not.toEqual(new Map([['token', 12_345]]));
    const users = clean.get('users');
    expect(users).toEqual([
      placeholder,
      false,
      null,
      expect.any(BigInt),
      expect.any(Number),
      expect.any(Buffer),
    ]);
    const again = cleaned(one, entry('federation', 'in', choriaRequest(new Map([['password', SECRET]]))));
    expect(requestData(again).get('password')).toBe(placeholder);
    const elsewhere = redactor(['data.password']);
    expect(verdicts(elsewhere, [])).toEqual([]);
  });

  test('are taken out of sentences that quote them', () => {
    const one = redactor(['data.password']);
    cleaned(one, entry('federation', 'in', choriaRequest(new Map([['password', SECRET]]))));
    const reply = choriaReply(`'${SECRET}' is too short`, new Map([['log', `tried ${SECRET}, failed`]]));
    const clean = cleaned(one, entry('federation', 'out', reply));
    const wire = decodeReply(decodeSecureReply(openTransport(bodyOf(clean)).data).message);
    expect(decodeReplyBody(wire.message, 'vault')).toEqual({
      kind: 'rpc',
      statusCode: 4,
      statusMessage: "'redacted-1' is too short",
      data: new Map([['log', 'tried redacted-1, failed']]),
    });
  });

  test('are taken out of sentences that quote them in another form, and so are numbers', () => {
    const secret = 'say "friend"\nand énter #{x}';
    const one = redactor(['data.password', 'data.pin', 'data.short', 'data.big', 'data.rate']);
    const data = new Map<string, Value>([
      ['password', secret],
      ['pin', 4815],
      ['short', 481],
      ['big', 2n ** 70n],
      ['rate', 1234.5],
    ]);
    cleaned(one, entry('federation', 'in', choriaRequest(data)));
    const json = JSON.stringify(secret);
    const quotes = [
      json,
      json.replace('é', '\\u00e9'),
      json.replace('#{', '\\#{'),
      JSON.stringify(json),
      'pin 4815, 481',
      `${2n ** 70n}`,
      'at 1234.5',
    ];
    const reply = choriaReply('refused', new Map([['log', quotes]]));
    const clean = cleaned(one, entry('federation', 'out', reply));
    const { text } = layersIn([clean], undefined);
    for (const part of ['friend', 'nter #', '4815', String(2n ** 70n), '1234.5'])
      expect(text).not.toContain(part);
    expect(text).toContain('481');
  });

  test('of a kind that a field cannot have are none of it', () => {
    const one = redactor([], { allTexts: true });
    const odd = `{"statuscode":"${SECRET}","process_results":"${SECRET}","action":["${SECRET}"],"data":{}}`;
    const text = encodeReply({
      requestId: ID,
      senderId: 'node1',
      agent: 'vault',
      time: SECONDS,
      message: odd,
    });
    const body = Buffer.from(transportOf(encodeSecureReply(text), { sender: 'node1' }, 'plain'));
    const clean = cleaned(one, entry('federation', 'out', body));
    expect(layersIn([clean], undefined).text).not.toContain(SECRET);
    const wire = decodeReply(decodeSecureReply(openTransport(bodyOf(clean)).data).message);
    expect(JSON.parse(wire.message)).toEqual({
      statuscode: null,
      process_results: null,
      action: null,
      data: {},
    });
  });

  test('are counted, and so are those of each path', () => {
    const one = redactor(['data.password', 'data.none', 'data.mispelt', '*.token']);
    const data = new Map<string, Value>([
      ['password', SECRET],
      ['none', null],
      ['deep', new Map([['token', 12]])],
    ]);
    cleaned(one, entry('federation', 'in', choriaRequest(data)));
    expect(one.replaced.values).toBe(2);
    expect(one.replaced.missed).toEqual([['data', 'mispelt']]);
  });

  test('that are floats without end stay, as the texts that they are on the other side do', () => {
    const one = redactor([], { allTexts: true });
    const data = new Map<string, Value>([['all', ['Infinity', '-Infinity', 'NaN', 'Infinite']]]);
    const clean = requestData(cleaned(one, entry('federation', 'in', choriaRequest(data))));
    expect(clean.get('all')).toEqual(['Infinity', '-Infinity', 'NaN', expect.stringMatching(/^redacted/)]);
  });

  test('of every text in the data go with one switch, and not what the protocol needs', () => {
    const one = redactor([], { allTexts: true });
    const clean = cleaned(
      one,
      entry(
        'federation',
        'in',
        choriaRequest(
          new Map<string, Value>([
            ['deep', [new Map([['x', SECRET]])]],
            ['n', 7],
          ]),
        ),
      ),
    );
    expect(requestData(clean).get('n')).toBe(7);
    const { text } = layersIn([clean], undefined);
    expect(text).not.toContain(SECRET);
    expect(text).toContain('alice.mcollective');
    expect(text).toContain('open');
  });

  test('paths that lead nowhere are refused', () => {
    for (const path of ['agent', 'password', 'data..x', '', 'caller.x'])
      expect(() => parsePath(path), path).toThrow(RangeError);
  });
});

describe.each([
  ['marshal', false],
  ['marshal', true],
  ['yaml', false],
  ['yaml', true],
] as const)('legacy messages in %s, base64 %s', (serializer, base64) => {
  const codec = createSerializer(serializer, DEFAULT_RUBY_LIMITS);
  const framed = (bytes: Buffer): Buffer => (base64 ? Buffer.from(bytes.toString('base64')) : bytes);
  const request = (key: string, data: ReadonlyMap<string, Value>) =>
    legacyRequest.encodeRequest(
      {
        requestId: ID,
        senderId: 'desk',
        callerId: 'cert=alice',
        collective: 'mcollective',
        agent: 'vault',
        ttl: 60,
        time: SECONDS,
        filter: EMPTY_FILTER,
        payload: { kind: 'rpc', action: 'open', data },
      },
      createPrivateKey(key),
      codec,
    );

  test('hold no secret in any layer, and are signed by keys that the header names', async () => {
    const one = redactor(['data.password'], { serializer, base64 });
    const data = new Map([['password', SECRET]]);
    const asked = framed(await request(keyPair('redact alice').privateKey, data));
    const answered = framed(
      await legacyReply.encodeReply(
        {
          senderId: 'node1',
          requestId: ID,
          agent: 'vault',
          time: SECONDS,
          payload: { kind: 'rpc', statusCode: 0, statusMessage: 'OK', data },
        },
        createPrivateKey(keyPair('redact server').privateKey),
        codec,
      ),
    );
    const entries = [cleaned(one, entry('mco', 'in', asked)), cleaned(one, entry('legacy', 'in', answered))];
    const { text } = layersIn(entries, undefined);
    expect(text).toContain('redacted-1');
    for (const clean of entries) {
      const raw = bodyOf(clean).toString('latin1');
      expect(raw).not.toContain(SECRET);
      expect(Buffer.from(raw, 'base64').includes(SECRET)).toBe(false);
    }
    expect(text).not.toContain(SECRET);
    expect(verdicts(one, entries)).toEqual(['valid', 'valid']);
  });

  test('that were forged stay so', async () => {
    const one = redactor(['data.password'], { serializer, base64 });
    const forged = await request(keyPair('redact stranger').privateKey, new Map([['password', SECRET]]));
    expect(verdicts(one, [cleaned(one, entry('mco', 'in', framed(forged)))])).toEqual(['invalid']);
  });
});

describe('requests of Choria', () => {
  const data = new Map([['password', SECRET]]);
  const judged = (body: Buffer): readonly string[] => {
    const one = redactor(['data.password']);
    return verdicts(one, [cleaned(one, entry('federation', 'in', body))]);
  };

  test('are signed by a certificate of the same name below the CA in the header', () => {
    expect(judged(choriaRequest(data))).toEqual(['valid']);
  });

  test('of a stranger, and with a wrong signature, are no better than before', () => {
    expect(judged(choriaRequest(data, stranger))).not.toContain('valid');
    expect(judged(choriaRequest(data, alice, keyPair('somebody else').privateKey))).toEqual(['invalid']);
    expect(judged(choriaRequest(data, stranger, keyPair('somebody else').privateKey))).not.toContain('valid');
  });
});

describe('what cannot be opened', () => {
  const leftOut = (given: CassetteMessage): string | undefined => {
    let why: string | undefined;
    const clean = redactor(['data.password']).redact(given, (reason) => {
      why = reason;
    });
    expect(clean).toBeUndefined();
    return why;
  };

  test('is left out with its reason', () => {
    expect(leftOut(entry('federation', 'in', Buffer.from(`{"${SECRET}`)))).toBe('malformed_json');
    const v2 = `{"protocol":"io.choria.protocol.v2.transport","data":"","headers":{},"x":"${SECRET}"}`;
    expect(leftOut(entry('federation', 'in', Buffer.from(v2)))).toBe('protocol_2');
    expect(leftOut(entry('mco', 'in', Buffer.from(SECRET)))).toBe('malformed_marshal');
    expect(leftOut(entry('nobody', 'in', Buffer.from(SECRET)))).toBe('wrong_protocol');
  });

  test('takes along what the bridge said of it', () => {
    const one = redactor(['data.password']);
    one.redact(entry('federation', 'in', Buffer.from('{')), () => undefined);
    const told = { at: NOW, rejected: { code: 'malformed_json' } };
    expect(one.redact(told, () => undefined)).toBeUndefined();
    expect(one.redact(told, () => undefined)).toEqual(told);
  });

  test('is never written down, whatever it is', () => {
    const one = redactor([], { allTexts: true });
    const body = choriaRequest(new Map([['password', SECRET]]));
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: body.length - 1 }),
        fc.integer({ min: 0, max: 255 }),
        fc.constantFrom('federation', 'mco', 'legacy'),
        (position, byte, link) => {
          const damaged = Buffer.from(body);
          damaged[position] = byte;
          const clean = one.redact(entry(link, 'in', damaged), () => undefined);
          if (clean === undefined || 'rejected' in clean) return;
          expect(bodyOf(clean).includes(SECRET)).toBe(false);
          expect(layersIn([clean], undefined).text).not.toContain(SECRET);
        },
      ),
      { numRuns: 200 },
    );
  });
});
