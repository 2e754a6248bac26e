import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type BridgeFolder, makeBridgeFolder } from '../support/bridge.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';
import { keyPair, makeAuthority } from '../support/pki.ts';
import { type Finished, run } from '../support/process.ts';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

const authority = makeAuthority('Needs CA');
const bridge = authority.issue({ commonName: 'mcbridge.mcollective' });
const signer = authority.issue({ commonName: 'mcbridge.privileged.mcollective' });

/** Everything that the configuration takes from elsewhere: files, and variables by their name in capitals. */
const THERE = {
  'cluster.key': 'k'.repeat(48),
  'ca.pem': authority.certificate,
  'cert.pem': bridge.certificate,
  'cert.key': bridge.privateKey,
  'callers.pem': authority.certificate,
  'egress-ca.pem': authority.certificate,
  'egress.pem': bridge.certificate,
  'egress.key': bridge.privateKey,
  'signer.pem': signer.certificate,
  'signer.key': signer.privateKey,
  'server-public.pem': keyPair('daemons').publicKey,
  'server-private.pem': keyPair('daemons').privateKey,
  'shared.pem': keyPair('shared').privateKey,
  'keys/rip.pem': keyPair('rip').publicKey,
  INGRESS_SERVER: '',
  INGRESS_PASSWORD: 'p',
  EGRESS_PASSWORD: 'p',
  HTTP_LISTEN: '127.0.0.1:1',
  CLUSTER_KEY: 'k'.repeat(48),
  RECORD_SOCKET: 'no.sock',
  CALLERS_CA: 'callers.pem',
} as const;
type Thing = keyof typeof THERE;
const THINGS = Object.keys(THERE).filter((name): name is Thing => name in THERE);

const STOMP = {
  type: 'mcollective-stomp',
  servers: ['stomp://127.0.0.1:1'],
  user: 'm',
  password: 'p',
} as const;
/** As the configuration has it. */
const variable = (name: Thing): string => `\${${name}}`;
const CONFIG = {
  identity: 'mcbridge.example.net',
  cluster: 'production',
  cluster_key: variable('CLUSTER_KEY'),
  record_socket: variable('RECORD_SOCKET'),
  http: { listen: variable('HTTP_LISTEN') },
  ingresses: {
    federation: {
      type: 'choria-federation',
      servers: [variable('INGRESS_SERVER')],
      tls: { ca: 'ca.pem', cert: 'cert.pem', key: 'cert.key' },
      user: 'm',
      password: variable('INGRESS_PASSWORD'),
      callers: { ca: variable('CALLERS_CA') },
    },
    mco: {
      ...STOMP,
      callers: { keys_dir: 'keys' },
      server_private_key: 'server-private.pem',
    },
  },
  egresses: {
    choria: {
      type: 'choria-collective',
      servers: [variable('INGRESS_SERVER')],
      tls: { ca: 'egress-ca.pem', cert: 'egress.pem', key: 'egress.key' },
      user: 'm',
      password: variable('EGRESS_PASSWORD'),
      signing: { cert: 'signer.pem', key: 'signer.key' },
    },
    legacy: {
      ...STOMP,
      signing: { callerid: 'cert=mcbridge', private_key: 'shared.pem' },
      server_public_key: ['server-public.pem'],
    },
  },
  routes: [
    {
      from: 'federation',
      to: 'choria',
      collectives: ['mcollective'],
      identities: [{ regex: 'choria=(.+)', to: 'choria=$1' }],
    },
  ],
};

let nats: NatsServer;
let folder: BridgeFolder;

beforeAll(async () => {
  const { certificate: cert, privateKey: key } = authority.issue({ commonName: '127.0.0.1' });
  nats = await startNatsServer({ tls: { ca: authority.certificate, cert, key } });
});
beforeEach(() => {
  folder = makeBridgeFolder({});
  folder.configure(CONFIG);
  return () => folder.remove();
});
afterAll(() => nats?.stop());

/** `mcbridge <args> --config bridge.yaml` where only these things are there. */
const withOnly = (there: readonly Thing[], args: readonly string[]): Promise<Finished> => {
  const env: Record<string, string> = {};
  for (const name of there)
    if (/^[A-Z_]+$/.test(name)) env[name] = name === 'INGRESS_SERVER' ? nats.url : THERE[name];
    else folder.write(name, THERE[name]);
  return run(process.execPath, [MAIN, ...args, '--config', 'bridge.yaml'], { env, cwd: folder.folder });
};

interface Need {
  readonly args: readonly string[];
  readonly uses: readonly Thing[];
  /** What it says, or exits with, once it has all that it needs: nobody else is on this network. */
  readonly ends: { readonly status: number; readonly says: RegExp };
}

const LINK = ['ca.pem', 'cert.pem', 'cert.key', 'INGRESS_SERVER', 'INGRESS_PASSWORD'] as const;
const QUICK = ['--timeout', '0.2'] as const;

const NEEDS: readonly Need[] = [
  { args: ['ping', ...QUICK], uses: LINK, ends: { status: 1, says: /No node answered/ } },
  {
    args: ['rpc', 'rpcutil', 'ping', '--target', 'n1', ...QUICK],
    uses: LINK,
    ends: { status: 1, says: /0 of 1 node answered/ },
  },
  {
    args: ['federation', 'trace', 'n1', ...QUICK, '--stats-timeout', '0.2'],
    uses: LINK,
    ends: { status: 1, says: /production/ },
  },
  {
    args: ['federation', 'observe', '--once', '--wait', '0.2'],
    uses: LINK,
    ends: { status: 1, says: /heard no statistics of the cluster production/ },
  },
  { args: ['inventory'], uses: ['HTTP_LISTEN'], ends: { status: 1, says: /127\.0\.0\.1:1/ } },
  {
    args: ['decode', 'message.json'],
    uses: ['callers.pem', 'server-public.pem', 'CALLERS_CA'],
    ends: { status: 0, says: /RPC request/ },
  },
  {
    args: ['record', '--outside', '--out', 'out.ndjson', '--for', '1s'],
    uses: [...LINK, 'egress-ca.pem', 'egress.pem', 'egress.key', 'EGRESS_PASSWORD', 'CALLERS_CA'],
    ends: { status: 1, says: /there was no message/ },
  },
];

const MESSAGE = '{"agent":"rpcutil","action":"ping","data":{}}';

describe.each(NEEDS)('mcbridge $args', ({ args, uses, ends }) => {
  beforeEach(() => folder.write('message.json', MESSAGE));

  test('works with what it uses, and with nothing else', async () => {
    const { status, stdout, stderr } = await withOnly(uses, args);
    expect(`${stdout}${stderr}`).toMatch(ends.says);
    expect(status).toBe(ends.status);
  });

  test.each(uses)('names %s where that is not there', async (missing) => {
    const { status, stderr } = await withOnly(
      uses.filter((name) => name !== missing),
      args,
    );
    expect(stderr).toContain(missing);
    expect(stderr).not.toMatch(/\n {4}at |bug/);
    expect(status).toBe(2);
  });
});

test('decode says which of the private keys it cannot read, and what is not verified without them', async () => {
  folder.write('message.json', MESSAGE);
  const there = THINGS.filter((name) => !['server-private.pem', 'shared.pem'].includes(name));
  const { status, stderr } = await withOnly(there, ['decode', 'message.json']);
  expect(stderr).toMatch(
    /^mcbridge: replies to the legacy clients of mco are not verified: bridge\.yaml:\d+:\d+: ingresses\.mco\.server_private_key: \S+server-private\.pem cannot be read: there is no such file\nmcbridge: requests of cert=mcbridge are not verified: bridge\.yaml:\d+:\d+: egresses\.legacy\.signing\.private_key: \S+shared\.pem cannot be read/,
  );
  expect(status).toBe(0);
});

test('a client that is given a server, a CA, a certificate and a key needs none of the file', async () => {
  folder.write('own.pem', authority.certificate);
  folder.write('me.pem', bridge.certificate);
  folder.write('me.key', bridge.privateKey);
  const own = ['--server', nats.url, '--ca', 'own.pem', '--cert', 'me.pem', '--key', 'me.key'];
  const { status, stdout } = await withOnly(['INGRESS_PASSWORD'], ['ping', ...own, ...QUICK]);
  expect(stdout).toContain('No node answered');
  expect(status).toBe(1);
});
