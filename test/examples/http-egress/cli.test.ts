import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../src/testing/ports.ts';
import {
  type BridgeFolder,
  type BridgeProcess,
  launchBridge,
  makeBridgeFolder,
} from '../../support/bridge.ts';
import { type ChoriaClient, connectChoriaClient } from '../../support/choria-client.ts';
import { type ChoriaNetwork, startChoriaNetwork } from '../../support/choria-network.ts';
import { makeAuthority } from '../../support/pki.ts';
import { type Child, start } from '../../support/process.ts';
import { program } from '../../support/program.ts';
import { beginLines, type HttpServer, lineOf, type Posted, requestIn, startHttpServer } from './server.ts';

const MAIN = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
const ADAPTER = fileURLToPath(new URL('../../../examples/http-egress/http-egress.js', import.meta.url));
const NODES = ['n1.example.net', 'n2.example.net'];
const TOKEN = 'a-bearer-token-of-the-test';
const SECRET = 'correct horse battery staple';

const authority = makeAuthority('HTTP CA');
const { certificate: cert, privateKey: key } = authority.issue({ commonName: 'api', usages: ['server'] });

let network: ChoriaNetwork;
let server: HttpServer;
let files: BridgeFolder;
let client: ChoriaClient;
let bridge: BridgeProcess;
let recorder: Child;
let config: string;
let pages: string;

/** Says again what it was asked, as each of its nodes that is asked; but nonsense to the agent `nonsense`, and nothing to `broken`. */
const onPost = (posted: Posted): void => {
  const { agent, data, nodes } = requestIn(posted);
  if (agent === 'broken') {
    posted.response.writeHead(500).end();
    return;
  }
  const answer = beginLines(posted);
  if (agent === 'nonsense') answer.write('nonsense\n');
  else
    for (const node of NODES)
      if (!Array.isArray(nodes) || nodes.includes(node))
        answer.write(lineOf(posted, node, { statuscode: 0, statusmsg: 'OK', data }));
  answer.end();
};

/** How often the bridge itself has asked who is there. */
const questions = (): number =>
  server.posted.filter((posted) => requestIn(posted)['callerid'] === 'mcbridge=bridge.example.net').length;

const at = (name: string): string => join(files.folder, name);

const configure = (changes: object = {}, name = 'bridge.yaml'): string =>
  files.configure(
    {
      adapters: [ADAPTER],
      identity: 'bridge.example.net',
      cluster: 'production',
      cluster_key: 'only for tests, thirty-two bytes or more',
      log: { level: 'debug', format: 'json' },
      http: { listen: pages },
      record_socket: 'record.sock',
      drain_timeout: '1s',
      ingresses: { federation: { type: 'choria-federation', ...network.connection } },
      egresses: {
        api: {
          type: 'http',
          servers: [server.url],
          tls: { ca: 'http-ca.pem' },
          token_file: 'token',
          discovery: { every: '1s' },
          ...changes,
        },
      },
      routes: [
        {
          from: 'federation',
          to: 'api',
          collectives: ['mcollective'],
          identities: [{ regex: 'choria=(.+)\\.mcollective', to: 'http=$1' }],
        },
      ],
    },
    name,
  );

beforeAll(async () => {
  network = await startChoriaNetwork('choria');
  server = await startHttpServer({ tls: { cert, key }, token: TOKEN, onPost });
  files = makeBridgeFolder({ ...network.files, 'http-ca.pem': authority.certificate, token: `${TOKEN}\n` });
  pages = `127.0.0.1:${await freePort()}`;
  config = configure();
  bridge = launchBridge(config);
  await bridge.child.waitFor(/"event":"ready"/, 30_000);
  const alice = network.authority.issue({ commonName: 'alice.mcollective' });
  client = await connectChoriaClient({
    url: network.nats.url,
    tls: network.tls(alice),
    certificate: alice.certificate,
    key: alice.privateKey,
    dialect: 'ruby',
    cluster: 'production',
    identity: 'alice.mcollective',
  });
  recorder = start(process.execPath, [MAIN, 'record', '--config', config, '--out', at('recorded.ndjson')]);
  await recorder.waitFor(/recording to /, 30_000);
  const data = { password: SECRET, count: 1 };
  await client.rpc({ agent: 'echo', action: 'echo', data, expect: 2 });
  await client.rpc({ agent: 'echo', action: 'echo', data, targets: ['n2.example.net'] });
  await client.rpc({ agent: 'nonsense', action: 'echo', data: {}, expect: 1 });
  await client.rpc({ agent: 'broken', action: 'echo', data: {}, expect: 1 });
  await client.discover({ expect: 2 });
  const asked = questions();
  while (questions() === asked) await sleep(20);
  recorder.signal('SIGINT');
  await recorder.exited;
});

afterAll(async () => {
  await client?.close();
  await bridge?.child.kill();
  await server?.close();
  await network?.nats.stop();
  files?.remove();
});

describe('with adapters: [http-egress.js]', () => {
  it('mcbridge check opens the connection, and says what fails', async () => {
    const good = await program('check', '--config', config);
    expect(good.stdout).toContain(`${server.url} lets the bridge in`);
    expect(good.status).toBe(0);
    files.write('wrong', 'another-token');
    const refused = await program('check', '--config', configure({ token_file: 'wrong' }, 'refused.yaml'));
    expect(refused.status).not.toBe(0);
    expect(refused.stdout).toMatch(/it refuses the credentials \(401 Unauthorized\)/);
    expect(refused.stdout).toContain('check token or token_file');
    const untrusted = configure({ tls: { ca: 'choria/ca.pem' } }, 'untrusted.yaml');
    expect((await program('check', '--config', untrusted)).stdout).toMatch(/not signed by a CA of tls\.ca/);
  });

  it('mcbridge check names what is wrong with the section', async () => {
    const wrong = configure(
      { servers: ['http://h/'], tls: { cert: 'x' }, token: 'too', nodes: [7] },
      'wrong.yaml',
    );
    const { stdout, stderr, status } = await program('check', '--config', wrong);
    expect(status).not.toBe(0);
    const said = stdout + stderr;
    expect(said).toContain('egresses.api.servers[0]: is not encrypted: write https://');
    expect(said).toContain('cert and key belong together');
    expect(said).toContain('contradicts token');
    expect(said).toContain('egresses.api.nodes[0]');
  });

  it('mcbridge run carries requests and replies, and tells who waits what went wrong', async () => {
    const replies = await client.rpc({ agent: 'echo', action: 'echo', data: { count: 1.5 }, expect: 2 });
    expect(replies.map(({ sender }) => sender)).toEqual(NODES);
    expect(JSON.stringify(replies)).toContain('1.5');
    const [told] = await client.rpc({ agent: 'nonsense', action: 'echo', data: {}, expect: 1 });
    expect(told?.sender).toBe('bridge.example.net');
    expect(JSON.stringify(told)).toMatch(/not JSON.*\(malformed_json\)/);
    expect(requestIn(server.posted.at(-1) ?? { body: Buffer.from('{}') })).toMatchObject({
      callerid: 'http=alice',
    });
    expect(bridge.child.log()).not.toContain(TOKEN);
  });

  it('mcbridge record writes what goes through it, and replay finds the same', async () => {
    const recorded = readFileSync(at('recorded.ndjson'), 'utf8');
    expect(recorded).toContain('"link":"api"');
    expect(recorded).toContain('mcbridge-http:reply:1');
    expect(recorded).not.toContain(TOKEN);
    // The bridge's own questions, one a second.
    expect(recorded).not.toContain('mcbridge.question');
    const { stdout, stderr, status } = await program('replay', at('recorded.ndjson'), '--config', config);
    expect({ status, stderr, stdout }).toMatchObject({ status: 0 });
    // The replay sees it where the bridge makes something else of a request.
    const other = readFileSync(config, 'utf8').replace('http=$1', 'http=not-$1');
    files.write('other.yaml', other);
    const differs = await program('replay', at('recorded.ndjson'), '--config', at('other.yaml'));
    expect(differs.status).toBe(1);
    expect(differs.stdout).toContain('callerid');
  });

  it('a recording replays under another cluster key, and without a network', async () => {
    files.write('key.yaml', readFileSync(config, 'utf8').replace('only for tests', 'of somebody else'));
    const { stdout, status } = await program('replay', at('recorded.ndjson'), '--config', at('key.yaml'));
    expect({ status, stdout }).toMatchObject({ status: 0 });
  });

  it('mcbridge redact takes values out, and what is left replays', async () => {
    const out = at('redacted.ndjson');
    const redacted = await program(
      'redact',
      at('recorded.ndjson'),
      '--config',
      config,
      '--out',
      out,
      '--all-data',
    );
    expect(redacted).toMatchObject({ status: 0, stderr: '' });
    const text = readFileSync(out, 'utf8');
    expect(text).not.toContain(SECRET);
    expect(text).toContain('mcbridge-http:request:1');
    expect(text).toContain('mcbridge-http:reply:1');
    expect(text).toContain('"failed":"far_side_failed"');
    const { stdout, status } = await program('replay', out, '--config', config);
    expect({ status, stdout }).toMatchObject({ status: 0 });
  });

  it('mcbridge decode --config reads its messages', async () => {
    const message = server.posted.find((posted) => requestIn(posted)['agent'] === 'echo');
    writeFileSync(at('message.json'), message?.body ?? '');
    const { stdout, status } = await program('decode', at('message.json'), '--config', config);
    expect(stdout).toContain("message of an adapter's own format");
    expect(stdout).toContain('callerid');
    expect(status).toBe(0);
    expect((await program('decode', at('message.json'))).stdout).toContain('RPC request');
    writeFileSync(at('reply.json'), '{"protocol":"mcbridge-http:reply:1","requestid":"1"}');
    const broken = await program('decode', at('reply.json'), '--config', config);
    expect(broken.stdout).toContain('it has no senderid');
    expect(broken.status).toBe(1);
  });

  it('mcbridge inventory says who lives beyond it', async () => {
    await client.rpc({ agent: 'echo', action: 'echo', data: {}, expect: 2 });
    const { stdout, status } = await program('inventory', '--config', config);
    expect(status).toBe(0);
    for (const node of NODES) expect(stdout).toContain(node);
    expect(stdout).toContain('http');
  });
});
