import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BUILT_IN } from '../../../src/adapters/registry.ts';
import {
  bodyFields,
  bodyOf,
  type CassetteEntry,
  type CassetteMessage,
  formatEntry,
  formatHeader,
  isMessage,
  isNodes,
  isRejected,
  parseEntry,
  parseHeader,
} from '../../../src/capture/file/format.ts';
import { createRedactor } from '../../../src/capture/redact/redactor.ts';
import { loadConfig } from '../../../src/setup/load.ts';
import { requestLayer, rpcBody, secureLayer, toJson, transportLayer } from '../../support/choria-messages.ts';
import { keyPair, makeAuthority } from '../../support/pki.ts';
import { revocationList } from '../../support/revocation-list.ts';
import { requestsOf } from './requests.ts';
import { linesIn, makeWorld, NODES, type World } from './world.ts';

const authority = makeAuthority('vouched callers');
const server = authority.issue({ commonName: 'aaa.privileged.mcollective' });
const plain = authority.issue({ commonName: 'carol.mcollective' });
const AT = Math.floor(Date.now() / 1000) * 1000;
const SECRET = 'hunter2';

let world: World;

beforeAll(() => {
  world = makeWorld();
});

afterAll(() => world.end());

const request = (callerid: string, number: number, by = server, at = AT): CassetteMessage => {
  const requestId = String(number).padStart(32, '0');
  const replyTo = `mcollective.reply.${number}`;
  const text = toJson(
    requestLayer({
      dialect: 'go',
      requestId,
      sender: 'desk.example.net',
      callerid,
      collective: 'mcollective',
      agent: 'rpcutil',
      filter: {},
      ttl: 60,
      time: at / 1000,
      body: rpcBody('go', 'rpcutil', 'get_fact', callerid, { fact: SECRET }),
    }),
    'go',
  );
  const secure = toJson(secureLayer('go', text, by.privateKey, by.certificate), 'go');
  const targets = NODES.map((node) => `mcollective.node.${node}`);
  const transport = transportLayer(secure, {
    dialect: 'go',
    sender: 'desk.example.net',
    replyTo,
    requestId,
    targets,
  });
  return {
    at,
    link: 'federation',
    side: 'ingress',
    dir: 'in',
    destination: 'choria.federation.production.federation',
    reply_to: replyTo,
    ...bodyFields(Buffer.from(toJson(transport, 'go'))),
  };
};

/** Redacts a cassette as `mcbridge redact --all-data` does. */
const redacted = (file: string, config: string): string => {
  const redactor = createRedactor(loadConfig(config, {}, BUILT_IN), { paths: [], allTexts: true });
  const [first = '', ...lines] = linesIn(file);
  const entries = lines.flatMap((line): readonly CassetteEntry[] => {
    const entry = parseEntry(line);
    if (isNodes(entry)) throw new Error('it is no message');
    const clean = redactor.redact(entry, (reason) => {
      throw new Error(`left out: ${reason}`);
    });
    return clean === undefined ? [] : [clean];
  });
  const header = parseHeader(first);
  const out = file.replace('.cassette', '-shared.cassette');
  const clean = { ...header, keys: redactor.keys(header.keys), trust: redactor.trust() };
  writeFileSync(out, [formatHeader(clean), ...entries.map(formatEntry)].join(''));
  return out;
};

const sentTo = (file: string, link: string): readonly Buffer[] =>
  linesIn(file)
    .slice(1)
    .map(parseEntry)
    .flatMap((entry) =>
      isMessage(entry) && entry.link === link && entry.dir === 'out' ? [bodyOf(entry)] : [],
    );

/** All layers of a message of Choria's, one after another. */
const decoded = (body: Buffer): string => {
  const text = body.toString();
  if (!text.startsWith('{')) return body.toString('latin1');
  const { data } = JSON.parse(text);
  return typeof data === 'string' ? Buffer.from(data, 'base64').toString() : text;
};

/** The configuration without what only the recording bridge has. */
const inCi = (config: string): string => {
  const file = config.replace(/\.yaml$/, '-ci.yaml');
  const text = readFileSync(config, 'utf8')
    .replace(/cert: \S+\/bridge\.pem, key: \S+\/bridge\.key/, 'cert: no.pem, key: no.key')
    .replace(/certs_dir: [^\s,}]+/, 'certs_dir: nowhere')
    .replace(/keys_dir: \S+\/callers/, 'keys_dir: nowhere');
  writeFileSync(file, text);
  return file;
};

describe('callers of an AAA server', () => {
  const config = (): string => {
    const file = world.config({ ca: authority.certificate });
    const rules = [
      '      - { exact: okta=alice_example_com, to: cert=alice }',
      '      - { regex: up=(.+), to: cert=$1 }',
    ].join('\n');
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace('    identities:\n', `    identities:\n${rules}\n`),
    );
    return file;
  };
  const requests = [
    request('up=alice', 1),
    request('okta=alice_example_com', 2),
    request('up=bob', 3),
    // Nobody vouches for these two.
    request('up=alice', 4, plain),
    request('x=carol', 5),
  ];

  test('are recorded, redacted and replayed as who they are said to be', async () => {
    const recorded = await world.record(config(), requests);
    expect(sentTo(recorded, 'legacy').length).toBeGreaterThanOrEqual(3);
    const file = config();
    expect(await world.replay(recorded, file)).toMatchObject({ outcome: 'same', differences: [] });
    const shared = redacted(recorded, file);
    expect(sentTo(shared, 'legacy')).toHaveLength(sentTo(recorded, 'legacy').length);
    for (const text of ['up=alice', 'okta=alice_example_com', 'up=bob'])
      expect(
        linesIn(shared)
          .slice(1)
          .map(parseEntry)
          .some((entry) => isMessage(entry) && decoded(bodyOf(entry)).includes(text)),
        text,
      ).toBe(true);
    expect(readFileSync(shared, 'utf8')).not.toContain(SECRET);
    for (const one of [file, inCi(file)]) {
      const result = await world.replay(shared, one, { throwAwayKeys: true });
      expect(result.differences).toEqual([]);
      expect(result.outcome).toBe('same');
    }
  });
});

describe('callers with certificates of their own towards Choria', () => {
  test('are redacted and replayed with certificates that are made for them', async () => {
    const config = world.config();
    const folder = join(world.folder, 'certificates');
    mkdirSync(folder);
    for (const name of ['alice.mcollective', 'bob.mcollective']) {
      const { certificate, privateKey } = authority.issue({ commonName: name, keys: keyPair(name) });
      writeFileSync(join(folder, `${name}.pem`), certificate);
      writeFileSync(join(folder, `${name}.key`), privateKey, { mode: 0o600 });
    }
    const text = readFileSync(config, 'utf8');
    writeFileSync(config, text.replace('signing: { cert:', `signing: { certs_dir: ${folder}, cert:`));
    const recorded = await world.record(config, await requestsOf('legacy-marshal.ndjson', 'clients', config));
    const out = sentTo(recorded, 'choria').map(decoded);
    expect(out.length).toBeGreaterThan(0);
    const setting = 'egresses.choria.signing.certs_dir';
    expect(Object.keys(parseHeader(linesIn(recorded)[0] ?? '').keys)).toContain(
      `${setting}/alice.mcollective.pem`,
    );
    expect(await world.replay(recorded, config)).toMatchObject({ outcome: 'same', differences: [] });

    const shared = redacted(recorded, config);
    const keys = Object.keys(parseHeader(linesIn(shared)[0] ?? '').keys);
    expect(keys).toContain(`${setting}/alice.mcollective.pem`);
    // Nobody has called as bob.
    expect(keys).not.toContain(`${setting}/bob.mcollective.pem`);
    for (const [file, made] of [
      [recorded, `${setting}/bob.mcollective.key`],
      [shared, `${setting}/alice.mcollective.key`],
    ] as const) {
      const result = await world.replay(file, inCi(config), { throwAwayKeys: true });
      expect(result.differences).toEqual([]);
      expect(result.outcome).toBe('same');
      expect(result.madeKeys).toContain(made);
    }
  });
});

describe('callers whose certificate was revoked', () => {
  const HOUR = 3_600_000;
  const notBefore = new Date(AT - 24 * HOUR);
  const revoking = makeAuthority('revoking', { notBefore });
  const revoked = revoking.issue({ commonName: 'alice.mcollective', notBefore });
  const other = revoking.issue({ commonName: 'bob.mcollective', notBefore });

  test('are refused in the replay of a redacted cassette too, from when they were revoked', async () => {
    const config = world.config({ ca: revoking.certificate });
    const lists = join(world.folder, 'crl.pem');
    writeFileSync(
      lists,
      revocationList({
        issuer: revoking,
        revoked: [{ certificate: revoked.certificate, date: new Date(AT - HOUR), reason: 1 }],
      }),
    );
    const text = readFileSync(config, 'utf8');
    writeFileSync(config, text.replace(/callers: \{ ca: (\S+) \}/, `callers: { ca: $1, crl: ${lists} }`));
    const recorded = await world.record(config, [
      request('choria=alice.mcollective', 1, revoked, AT - 2 * HOUR),
      request('choria=alice.mcollective', 2, revoked),
      request('choria=bob.mcollective', 3, other),
    ]);
    const codes = (file: string): readonly string[] =>
      linesIn(file)
        .slice(1)
        .map(parseEntry)
        .flatMap((entry) => (isRejected(entry) ? [entry.rejected.code] : []));
    expect(codes(recorded)).toEqual(['certificate_revoked']);
    const shared = redacted(recorded, config);
    expect(parseHeader(linesIn(shared)[0] ?? '').trust?.ingresses?.['federation']?.crl).toContain('X509 CRL');
    // Where there is no list, neither.
    rmSync(lists);
    for (const file of [config, inCi(config)]) {
      const result = await world.replay(shared, file, { throwAwayKeys: true });
      expect(result.differences).toEqual([]);
      expect(result.outcome).toBe('same');
    }
  });
});
