import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { BUILT_IN } from '../../src/adapters/registry.ts';
import { checkBeforeStart } from '../../src/cli/check/starting.ts';
import { ConfigError } from '../../src/config/problem.ts';
import { loadConfig } from '../../src/setup/load.ts';
import { mcbridge } from '../support/bridge.ts';
import { keyPair, makeAuthority } from '../support/pki.ts';
import { bridge, type CheckWorld, choriaCa, makeCheckWorld } from './check-world.ts';

const worlds: CheckWorld[] = [];
afterEach(() => {
  for (const world of worlds.splice(0)) world.end();
});

const ALL = ['bridge.yaml', 'cluster.key', 'ca.pem', 'cert.pem', 'key.pem', 'server.pem', 'keys/rip.pem'];

/** One in which everybody may read everything. */
const openWorld = (edit?: (config: string) => string): CheckWorld => {
  const world = makeCheckWorld(edit);
  worlds.push(world);
  for (const folder of [world.folder, join(world.folder, 'keys')]) chmodSync(folder, 0o755);
  for (const file of ALL) chmodSync(join(world.folder, file), 0o644);
  return world;
};

const NOBODY = 65_534;

/** Problems that time, a broker or a caller's new key may mend: with them a bridge starts, and its log tells them. */
const MAY_PASS = /expired on|is valid from|is not signed by the CA|keys_dir: keys( holds|\/)|\.identities\[/;

/** What `mcbridge run` says before it connects to anything: why it does not start, or what its log tells. */
const saidByRun = ({
  config,
  folder,
}: CheckWorld): { readonly stops: readonly string[]; readonly told: readonly string[] } => {
  const told: string[] = [];
  const inTest = (text: string): string => text.replaceAll(`${folder}/`, '');
  try {
    checkBeforeStart(
      loadConfig(config, {}, BUILT_IN),
      { warn: ({ setting }, message) => void told.push(inTest(`problem ${String(setting)}: ${message}`)) },
      Date.now(),
    );
    return { stops: [], told };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const { mend, line } of error.problems)
      expect([mend, line]).toEqual([expect.any(String), expect.any(Number)]);
    return { stops: error.problems.map(({ path, message }) => inTest(`problem ${path}: ${message}`)), told };
  }
};

/**
 * What check finds wrong for a user who may not read what is not his: tests often run as root. A bridge that is started says the same
 * of each file that it cannot do without, and ends; else its log has the rest.
 */
const problemsOf = async (world: CheckWorld): Promise<readonly string[]> => {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(NOBODY);
  try {
    const problems = (await world.faults()).filter((fault) => fault.startsWith('problem '));
    const fatal = problems.filter((problem) => !MAY_PASS.test(problem));
    expect(saidByRun(world)).toEqual(
      fatal.length > 0
        ? { stops: fatal, told: [] }
        : { stops: [], told: problems.filter((problem) => !problem.includes('.identities[')) },
    );
    return problems;
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
};

/** Each file that a configuration names: its key, and how the sentence on something else in its place goes. */
const FILES = [
  { file: 'ca.pem', key: 'ingresses.federation.tls.ca', isNot: 'is not a certificate: ' },
  { file: 'cert.pem', key: 'ingresses.federation.tls.cert', isNot: 'is not a certificate: ' },
  { file: 'key.pem', key: 'ingresses.federation.tls.key', isNot: 'is not a private key: ' },
  {
    file: 'server.pem',
    key: 'egresses.legacy.server_public_key[0]',
    isNot: 'is neither a public key nor a certificate: ',
  },
  { file: 'keys/rip.pem', key: 'egresses.legacy.signing.keys_dir', isNot: 'is not a private key: ' },
] as const;

type Make = (world: CheckWorld, file: string) => void;

const holding =
  (content: string): Make =>
  (world, file) =>
    world.write(file, content, 0o644);

const DER = new X509Certificate(bridge.certificate).raw.toString('latin1');

const CLUSTER_KEY = { file: 'cluster.key', key: 'cluster_key_file' } as const;

const UNREADABLE: readonly (readonly [fault: string, make: Make, why: string])[] = [
  [
    'a folder',
    (world, file) => {
      world.remove(file);
      mkdirSync(join(world.folder, file));
    },
    'cannot be read: it is a folder',
  ],
  [
    'a pipe',
    (world, file) => {
      world.remove(file);
      execFileSync('mkfifo', ['-m', '644', join(world.folder, file)]);
    },
    'cannot be read: it is a pipe, and a file is wanted',
  ],
  [
    'not readable',
    (world, file) => chmodSync(join(world.folder, file), 0),
    'cannot be read: permission denied',
  ],
  [
    'a link to nothing',
    (world, file) => {
      world.remove(file);
      symlinkSync('../moved.pem', join(world.folder, file));
    },
    'cannot be read: it is a link to ../moved.pem, which is not there',
  ],
  [
    'a link to itself',
    (world, file) => {
      world.remove(file);
      symlinkSync(join(world.folder, file), join(world.folder, file));
    },
    'cannot be read: it is a link that leads back to itself',
  ],
];

const NO_PEM: readonly (readonly [fault: string, content: string, why: string])[] = [
  ['empty', '', 'it is empty'],
  ['blank', ' \n', 'it is empty'],
  ['text', 'hello\n', 'it is no PEM'],
  ['DER', DER, 'it is DER, not PEM'],
];

describe.for([...FILES, CLUSTER_KEY])('mcbridge check and run say of $file that it is', ({ file, key }) => {
  test.for(UNREADABLE)('%s', async ([, make, why]) => {
    const world = openWorld();
    make(world, file);
    const [first = '', ...others] = await problemsOf(world);
    expect(first).toBe(`problem ${key}: ${file} ${why}`);
    // A link to nothing is no file for the rule that needs a caller's key.
    expect(others.filter((other) => !other.includes('there is no key keys/rip.pem'))).toEqual([]);
  });
});

describe('mcbridge check and run say of cluster.key that it is', () => {
  test.for([
    ['empty', '', 0],
    ['short', 'k'.repeat(31), 31],
    ['a line end', '\n', 0],
  ] as const)('%s', async ([, content, length]) => {
    const world = openWorld();
    holding(content)(world, 'cluster.key');
    expect(await problemsOf(world)).toEqual([
      `problem cluster_key_file: cluster.key holds ${length} bytes, and it takes at least 32`,
    ]);
  });

  test('missing', async () => {
    const world = openWorld();
    world.remove('cluster.key');
    expect(await problemsOf(world)).toEqual([
      'problem cluster_key_file: cluster.key cannot be read: there is no such file',
    ]);
  });
});

describe.for(FILES)('mcbridge check and run say of $file that it is', ({ file, key, isNot }) => {
  test.for(NO_PEM)('%s', async ([, content, why]) => {
    const world = openWorld();
    holding(content)(world, file);
    expect(await problemsOf(world)).toEqual([`problem ${key}: ${file} ${isNot}${why}`]);
  });

  test('missing', async () => {
    const world = openWorld();
    world.remove(file);
    // A key of a caller that is not there is told with the rule that needs it.
    const expected = file.startsWith('keys/')
      ? [
          'problem egresses.legacy.signing.keys_dir: keys holds no private key',
          "problem routes[0].identities[0].to: there is no key keys/rip.pem, so this caller's requests cannot be signed",
        ]
      : [`problem ${key}: ${file} cannot be read: there is no such file`];
    expect(await problemsOf(world)).toEqual(expected);
  });
});

const pem = {
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
} as const;
const elliptic = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  publicKeyEncoding: pem.publicKeyEncoding,
  privateKeyEncoding: pem.privateKeyEncoding,
});
const locked = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: pem.publicKeyEncoding,
  privateKeyEncoding: { ...pem.privateKeyEncoding, cipher: 'aes-256-cbc', passphrase: 'x' },
}).privateKey;
const other = keyPair('other');
const cut = (text: string): string => text.slice(0, 300);
const DAY = 24 * 3_600_000;
const within = (from: number, to: number): string =>
  choriaCa.issue({
    commonName: 'mcbridge.example.net',
    keys: bridge,
    notBefore: new Date(Date.now() + from * DAY),
    notAfter: new Date(Date.now() + to * DAY),
  }).certificate;

test.for<readonly [file: string, what: string, content: string, sentence: RegExp]>([
  ['ca.pem', 'a private key', other.privateKey, /^is not a certificate: it is a private key$/],
  ['ca.pem', 'a public key', other.publicKey, /^is not a certificate: it is a public key$/],
  ['ca.pem', 'a certificate of a client', bridge.certificate, /^: the certificate \S+ is not a CA's$/],
  ['ca.pem', 'cut off', cut(choriaCa.certificate), /^is not a certificate: the certificate is damaged$/],
  ['cert.pem', 'a private key', other.privateKey, /^is not a certificate: it is a private key$/],
  ['cert.pem', 'an encrypted key', locked, /^is not a certificate: it is an encrypted private key$/],
  ['cert.pem', 'a public key', other.publicKey, /^is not a certificate: it is a public key$/],
  ['cert.pem', 'cut off', cut(bridge.certificate), /^is not a certificate: the certificate is damaged$/],
  ['cert.pem', 'expired', within(-9, -2), /^: the certificate \S+ expired on [\d-]+$/],
  ['cert.pem', 'not valid yet', within(2, 99), /^: the certificate \S+ is valid from [\d-]+ only$/],
  [
    'cert.pem',
    "another CA's",
    makeAuthority('Another CA').issue({ commonName: 'mcbridge', keys: bridge }).certificate,
    /^: the certificate mcbridge is not signed by the CA Choria CA of tls\.ca$/,
  ],
  ['key.pem', 'encrypted', locked, /^is encrypted$/],
  ['key.pem', 'a public key', other.publicKey, /^is not a private key: it is a public key$/],
  ['key.pem', 'a certificate', bridge.certificate, /^is not a private key: it is a certificate$/],
  ['key.pem', 'cut off', cut(bridge.privateKey), /^is not a private key: the private key is damaged$/],
  ['key.pem', 'of another pair', other.privateKey, /^is not the key of the certificate in cert\.pem$/],
  ['key.pem', 'of another type', elliptic.privateKey, /^is not the key of the certificate in cert\.pem$/],
  [
    'server.pem',
    'too small',
    keyPair('small', 512).publicKey,
    /^is an RSA key of 512 bits, and it takes at least 1024$/,
  ],
  [
    'keys/rip.pem',
    'too small',
    keyPair('small', 512).privateKey,
    /^is an RSA key of 512 bits, and it takes at least 1024$/,
  ],
  ['server.pem', 'a private key', other.privateKey, /^is a private key$/],
  ['server.pem', 'of another type', elliptic.publicKey, /^is not an RSA key but ec$/],
  ['server.pem', 'cut off', cut(bridge.certificate), /: the certificate is damaged$/],
  ['keys/rip.pem', 'encrypted', locked, /^is encrypted$/],
  ['keys/rip.pem', 'a public key', other.publicKey, /^is not a private key: it is a public key$/],
  ['keys/rip.pem', 'a certificate', bridge.certificate, /^is not a private key: it is a certificate$/],
  ['keys/rip.pem', 'of another type', elliptic.privateKey, /^is not an RSA key but ec$/],
  ['keys/rip.pem', 'cut off', cut(other.privateKey), /^is not a private key: the private key is damaged$/],
])('mcbridge check and run say of %s that it is %s', async ([file, , content, sentence]) => {
  const world = openWorld();
  holding(content)(world, file);
  const key = FILES.find((one) => one.file === file)?.key ?? '';
  const found = await problemsOf(world);
  expect(found).toHaveLength(1);
  const [start, said = ''] = [`problem ${key}: ${file}`, found[0]];
  expect(said.slice(0, start.length)).toBe(start);
  expect(said.slice(start.length).trim()).toMatch(sentence);
});

test('a folder that nobody may search is told for each file in it', async () => {
  const world = openWorld();
  chmodSync(join(world.folder, 'keys'), 0o600);
  expect(await problemsOf(world)).toEqual([
    'problem egresses.legacy.signing.keys_dir: keys cannot be read: permission denied',
  ]);
});

test('a path through a file, and a file where a folder is wanted', async () => {
  const world = openWorld((config) =>
    config.replace('cert: cert.pem', 'cert: ca.pem/cert.pem').replace('keys_dir: keys', 'keys_dir: ca.pem'),
  );
  expect(await problemsOf(world)).toEqual([
    'problem ingresses.federation.tls.cert: ca.pem/cert.pem cannot be read: a part of its path is a file, not a folder',
    'problem egresses.legacy.signing.keys_dir: ca.pem cannot be read: it is a file, and a folder is wanted',
    "problem routes[0].identities[0].to: there is no key ca.pem/rip.pem, so this caller's requests cannot be signed",
  ]);
});

test.for<readonly [what: string, change: (text: string) => string]>([
  ['the line ends of Windows', (text) => text.replaceAll('\n', '\r\n')],
  ['a byte order mark', (text) => `\ufeff${text}`],
  ['text before it, as openssl x509 -text writes it', (text) => `Certificate:\n    Data:\n${text}`],
  ['spaces and empty lines after it', (text) => `${text}\n \n`],
])('%s harms no file', async ([, change]) => {
  const world = openWorld();
  holding(change(choriaCa.certificate + makeAuthority('Another CA').certificate))(world, 'ca.pem');
  holding(change(bridge.certificate))(world, 'cert.pem');
  holding(change(bridge.privateKey))(world, 'key.pem');
  holding(change(keyPair('daemons').publicKey))(world, 'server.pem');
  holding(change(keyPair('rip').privateKey))(world, 'keys/rip.pem');
  expect(await problemsOf(world)).toEqual([]);
});

test('a pair that OpenSSL takes for too weak', async () => {
  const weak = choriaCa.issue({ commonName: 'mcbridge.example.net', keys: keyPair('small', 512) });
  const world = openWorld();
  holding(weak.certificate)(world, 'cert.pem');
  holding(weak.privateKey)(world, 'key.pem');
  expect(await problemsOf(world)).toEqual([
    expect.stringMatching(
      /^problem ingresses\.federation\.tls\.cert: cert\.pem is weaker than TLS takes here \(.*ee key too small\)$/,
    ),
  ]);
});

test('a certificate with those above it in one file is taken', async () => {
  const between = choriaCa.intermediate('Between');
  const own = between.issue({ commonName: 'mcbridge.example.net', keys: bridge });
  const world = openWorld();
  holding(own.certificate)(world, 'cert.pem');
  expect(await problemsOf(world)).toEqual([
    expect.stringContaining('is not signed by the CA Choria CA of tls.ca'),
  ]);
  holding(own.chain)(world, 'cert.pem');
  expect(await problemsOf(world)).toEqual([]);
});

test.for<readonly [what: string, content: string, said: RegExp]>([
  [
    'an encrypted key',
    locked,
    /^BRIDGE:7:\d+: ingresses\.federation\.tls\.key: FOLDER\/key\.pem is encrypted\n {4}the bridge has no passphrase; /,
  ],
  [
    'the key of another certificate',
    other.privateKey,
    /^BRIDGE:7:\d+: ingresses\.federation\.tls\.key: FOLDER\/key\.pem is not the key of the certificate in FOLDER\/cert\.pem\n {4}give the pair /,
  ],
])(
  'mcbridge run ends for %s with exit code 2, file, line, setting and what to do',
  async ([, content, said]) => {
    const world = openWorld();
    holding(content)(world, 'key.pem');
    const { status, stdout, stderr } = await mcbridge('run', '--config', world.config);
    expect(stderr.replaceAll(world.config, 'BRIDGE').replaceAll(world.folder, 'FOLDER')).toMatch(said);
    expect(stderr).not.toMatch(/\n {4}at |bug/);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  },
);
