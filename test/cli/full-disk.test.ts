import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../src/testing/ports.ts';
import { type BridgeFolder, makeBridgeFolder } from '../support/bridge.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';
import { keyPair, makeAuthority } from '../support/pki.ts';
import { type Finished, run, start } from '../support/process.ts';
import { type CheckWorld, makeCheckWorld } from './check-world.ts';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const FULL = /^mcbridge: the output cannot be written: no space is left on the device\n$/;

let nats: NatsServer;
let folder: BridgeFolder;
let world: CheckWorld | undefined;

beforeAll(async () => {
  nats = await startNatsServer();
  const authority = makeAuthority('Full CA');
  const { certificate, privateKey } = authority.issue({ commonName: 'alice.mcollective' });
  folder = makeBridgeFolder({
    'ca.pem': authority.certificate,
    'alice.pem': certificate,
    'alice.key': privateKey,
    'server.pem': keyPair('daemons').publicKey,
    'keys/rip.pem': keyPair('rip').privateKey,
    'messages.ndjson': '{"agent":"rpcutil","action":"ping","data":{}}\n'.repeat(2_000),
  });
});
afterEach(() => {
  world?.end();
  world = undefined;
});
afterAll(async () => {
  folder?.remove();
  await nats?.stop();
});

/** A command line of a shell in which `mcbridge` is this program; its descriptors can lead anywhere. */
const shell = (line: string): Promise<Finished> =>
  run('bash', ['-c', `mcbridge() { "$NODE" "$MAIN" "$@"; }; ${line}`], {
    cwd: folder.folder,
    env: { NODE: process.execPath, MAIN },
  });

const asAlice = (command: string): string =>
  `mcbridge ${command} --server ${nats.url} --insecure-plaintext --cert alice.pem --key alice.key`;

const bridgeConfig = (listen: string) => ({
  identity: 'mcbridge.example.net',
  cluster_key: 'k'.repeat(48),
  http: { listen },
  ingresses: {
    federation: {
      type: 'choria-federation',
      servers: [nats.url],
      insecure_plaintext: true,
      callers: { ca: 'ca.pem' },
    },
  },
  egresses: {
    choria: { type: 'choria-collective', servers: [nats.url], insecure_plaintext: true },
  },
  routes: [{ from: 'federation', to: 'choria', collectives: ['mcollective'] }],
});

describe('on a full disk', () => {
  test.each([
    ['--help', 1],
    ['check --offline --config CONFIG', 1],
    ['decode messages.ndjson', 1],
    ['replay messages.ndjson --config CONFIG', 2],
  ])('mcbridge %s says so and ends', async (command, status) => {
    world = makeCheckWorld();
    const line = `mcbridge ${command.replace('CONFIG', world.config)} > /dev/full`;
    const finished = await shell(line);
    expect(finished.stderr).toMatch(FULL);
    expect(finished.status).toBe(status);
  });

  test.each([
    'ping --timeout 0.2',
    'federation trace n1 --timeout 0.2 --stats-timeout 0.2',
    'rpc a b --target n1 --timeout 0.2',
  ])('mcbridge %s says so and ends', async (command) => {
    const { status, stderr } = await shell(`${asAlice(command)} > /dev/full`);
    expect(stderr.split('\n').slice(-2).join('\n')).toMatch(FULL);
    expect(status).toBe(1);
  });

  test('the exit code tells how it went where nothing else can', async () => {
    expect(await shell('mcbridge run --config nowhere.yaml 2> /dev/full')).toMatchObject({
      status: 2,
      stdout: '',
    });
    expect(await shell('mcbridge --help > /dev/full 2> /dev/full')).toMatchObject({ status: 1 });
  });

  test('a bridge goes on, and says once that its log is lost', async () => {
    const port = await freePort();
    const config = folder.configure(bridgeConfig(`127.0.0.1:${port}`));
    const child = start('bash', ['-c', `exec "$NODE" "$MAIN" run --config "$CONFIG" > /dev/full`], {
      env: { NODE: process.execPath, MAIN, CONFIG: config },
    });
    await child.waitFor(/the log cannot be written/, 60_000);
    const ready = async (): Promise<boolean> => {
      try {
        return (await fetch(`http://127.0.0.1:${port}/readyz`)).ok;
      } catch {
        return false;
      }
    };
    await expect.poll(ready, { timeout: 60_000 }).toBe(true);
    child.signal('SIGTERM');
    expect(await child.exited).toBe(0);
    expect(child.log()).toBe(
      'mcbridge: the log cannot be written: no space is left on the device; the bridge goes on\n',
    );
  });

  test('a file that may not grow is told by whoever writes it', async () => {
    const { status, stderr } = await shell('ulimit -f 8; mcbridge decode messages.ndjson > decoded.txt');
    expect(stderr).toMatch(
      /^mcbridge: the output cannot be written: the file has become larger than is allowed\n$/,
    );
    expect(status).toBe(1);
  });
});

test('a closed pipe ends a command without a word', async () => {
  const { stdout, stderr, status } = await shell(
    'set -o pipefail; mcbridge decode messages.ndjson | head -1',
  );
  expect({ stdout, stderr, status }).toEqual({ stdout: 'messages.ndjson:1\n', stderr: '', status: 0 });
});
