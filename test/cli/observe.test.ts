import { fileURLToPath } from 'node:url';
import { connect, type NatsConnection } from 'nats';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { captured, documentText, SAMPLE, SAMPLE_TABLE, type Synthetic } from '../observe/documents.ts';
import { openTerminal, type Terminal } from '../observe/terminal.ts';
import { type BridgeFolder, type BridgeProcess, makeBridgeFolder, startBridge } from '../support/bridge.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';
import { makeAuthority } from '../support/pki.ts';
import { freePort } from '../support/ports.ts';
import { type Child, type Finished, run, start } from '../support/process.ts';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const SUBJECT = 'choria.federation.production.stats';
const PATIENCE_MS = 20_000;

const authority = makeAuthority('observe CA');
const me = authority.issue({ commonName: 'alice.mcollective' });
let nats: NatsServer;
let folder: BridgeFolder;
let publisher: NatsConnection;

beforeAll(async () => {
  const server = authority.issue({ commonName: 'nats.example.net', dnsNames: ['localhost'] });
  nats = await startNatsServer({
    tls: { ca: authority.certificate, cert: server.certificate, key: server.privateKey },
  });
  folder = makeBridgeFolder({
    'ca.pem': authority.certificate,
    'other-ca.pem': makeAuthority('another CA').certificate,
    'cert.pem': me.certificate,
    'key.pem': me.privateKey,
  });
  publisher = await connect({
    servers: nats.url,
    tls: { ca: authority.certificate, cert: me.certificate, key: me.privateKey },
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
  });
});

afterAll(async () => {
  await publisher.close();
  await nats.stop();
  folder.remove();
});

const running: Child[] = [];
const terminals: Terminal[] = [];
let publishing: NodeJS.Timeout | undefined;
afterEach(async () => {
  clearInterval(publishing);
  for (const terminal of terminals.splice(0)) terminal.kill();
  await Promise.all(running.splice(0).map((child) => child.kill()));
});

/** Publishes these again and again until the test's end, as nobody can know when a program listens. */
const keepPublishing = (...documents: readonly string[]): void => {
  publishing = setInterval(() => documents.forEach(publish), 200);
};
const publish = (document: string): void => publisher.publish(SUBJECT, document);
const texts = (documents: readonly Synthetic[]): readonly string[] => documents.map(documentText);

const file = (name: string): string => `${folder.folder}/${name}`;
const network = (url = nats.url): readonly string[] => [
  ...['--server', url, '--ca', file('ca.pem')],
  ...['--cert', file('cert.pem'), '--key', file('key.pem')],
];
const production = (...more: readonly string[]): readonly string[] => [
  ...[MAIN, 'federation', 'observe', '--cluster', 'production'],
  ...network(),
  ...more,
];
const observe = (...more: readonly string[]): Promise<Finished> => run(process.execPath, production(...more));

/** A live observer without a terminal, once it listens. */
const launch = async (...more: readonly string[]): Promise<Child> => {
  const child = start(process.execPath, production(...more));
  running.push(child);
  await child.waitFor(/Waiting for statistics on choria\.federation\.production\.stats\n/, PATIENCE_MS);
  return child;
};

describe('mcbridge federation observe --once', () => {
  it('prints what the recorded Ruby brokers counted, as soon as enough of them were heard', async () => {
    keepPublishing(...captured.slice(2, 4).map(({ payload }) => payload));
    const { status, stdout, stderr } = await observe('--once', '--count', '2', '--wait', '30');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain(`Federation Broker: production

Federation
  Totals:
    Received: 4  Sent: 10

  Instances:
    1: Received: 2 (50.0%) Sent: 4 (40.0%)
    2: Received: 2 (50.0%) Sent: 6 (60.0%)

Collective
  Totals:
    Received: 10  Sent: 6

  Instances:
    1: Received: 4 (40.0%) Sent: 4 (66.7%)
    2: Received: 6 (60.0%) Sent: 2 (33.3%)

Rates`);
    expect(stdout).toMatch(/^ {4}2: version 0\.6\.0, started \d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/m);
    expect(stdout).not.toContain('\u001b');
  });

  it('prints the table that the federation documentation shows', async () => {
    keepPublishing(...texts(SAMPLE));
    const { stdout } = await observe('--once', '--count', '2');
    expect(stdout.slice(0, SAMPLE_TABLE.length)).toBe(SAMPLE_TABLE);
  });

  it('prints one JSON object, of the instance that is asked for', async () => {
    keepPublishing(...texts(SAMPLE));
    const { status, stdout } = await observe('--once', '--json', '--instance', '2');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      cluster: 'production',
      federation: { instances: [{ name: '2', received: 491 }] },
      instances: [{ name: '2', version: '0.6.0', stale: false }],
    });
  });

  it('listens for the interval that a document says, and a bit', async () => {
    keepPublishing(documentText({ bridge: { identity: 'b', interval: 1 } }));
    expect(await observe('--once')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('\n    1: Received: 0 (0.0%) Sent: 0 (0.0%)\n'),
    });
  });

  it('fails where nobody is heard, and says what to check', async () => {
    const { status, stdout, stderr } = await observe('--once', '--wait', '0.5');
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain(
      `heard no statistics of the cluster production within 0.5 s on ${SUBJECT}\nat tls://127.0.0.1:${nats.port}. Check that\n`,
    );
  });

  it('fails where only others are heard, and names them', async () => {
    keepPublishing(...texts(SAMPLE));
    expect(await observe('--once', '--wait', '1', '--instance', '9')).toMatchObject({
      status: 1,
      stderr: 'mcbridge: heard nothing of instance 9 within 1 s, but of 1, 2\n',
    });
  });

  it('counts what cannot be read', async () => {
    keepPublishing('{"version":', '\u001b[2J', '[]', documentText());
    const { stdout } = await observe('--once', '--count', '1');
    expect(stdout).toMatch(/^3 documents could not be read, the last: .+$/m);
  });
});

describe('mcbridge federation observe, without a connection', () => {
  const failure = ({ status, stdout, stderr }: Finished): string => {
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).not.toContain('    at ');
    return stderr;
  };

  it('fails with a sentence where nobody listens', async () => {
    const port = await freePort();
    const args = ['federation', 'observe', '--cluster', 'production', ...network(`nats://127.0.0.1:${port}`)];
    expect(failure(await run(process.execPath, [MAIN, ...args]))).toMatch(
      new RegExp(`^mcbridge: .*127\\.0\\.0\\.1:${port}`),
    );
  });

  it('fails with a sentence where the server is of another CA', async () => {
    expect(failure(await observe('--ca', file('other-ca.pem')))).toMatch(/^mcbridge: .*127\.0\.0\.1/);
  });

  it.each([
    [['--once', '--count', '0'], 'whole number above 0'],
    [['--count', '2'], '--count and --wait go with --once'],
    [['--cluster', 'a.b'], '--cluster "a.b" is not a name'],
  ])('takes %j for wrong usage', async (args, sentence) => {
    const { status, stdout, stderr } = await observe(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(sentence);
  });

  it('has to know the cluster', async () => {
    const { status, stderr } = await run(process.execPath, [MAIN, 'federation', 'observe', ...network()]);
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: 'mcbridge: which cluster? Give --cluster, or --config\n',
    });
  });
});

describe('mcbridge federation observe into a pipe', () => {
  it('prints a block an update, marks who falls silent, and ends well on SIGINT', async () => {
    const child = await launch();
    const bridge = { identity: 'b', interval: 1 };
    publish(documentText({ federation: [10, 0], bridge }));
    await child.waitFor(/Received: 10 {2}Sent: 0\n.*Updated: .*\n\n/s, PATIENCE_MS);
    expect(child.log()).not.toContain('STALE');
    await child.waitFor(/^ {4}1: Received: 10 \(100\.0%\) Sent: 0 \(0\.0%\) stale$/m, PATIENCE_MS);
    expect(child.log().match(/^Federation Broker: production$/gm)).toHaveLength(2);
    child.signal('SIGINT');
    expect(await child.exited).toBe(0);
    expect(child.log()).not.toContain('\u001b');
  });

  it('prints a JSON line an update, also of what cannot be read', async () => {
    const child = await launch('--json');
    const updates = (): readonly object[] =>
      child
        .log()
        .split('\n')
        .filter((line) => line.startsWith('{') && line.endsWith('}'))
        .map((line): object => JSON.parse(line));
    publish('no JSON');
    await child.waitFor(/"malformed":\{"count":1/, PATIENCE_MS);
    publish(documentText({ federation: [1, 2] }));
    await child.waitFor(/"sent":2/, PATIENCE_MS);
    expect(updates()).toMatchObject([
      { instances: [], malformed: { count: 1 } },
      { federation: { received: 1, sent: 2 }, instances: [{ name: '1' }], malformed: { count: 1 } },
    ]);
    child.signal('SIGTERM');
    expect(await child.exited).toBe(0);
  });

  it('goes on when the NATS server comes back', async () => {
    const child = await launch();
    publish(documentText({ federation: [1, 0] }));
    await child.waitFor(/Received: 1 {2}Sent/, PATIENCE_MS);
    await nats.kill();
    await child.waitFor(/^not connected to .*127\.0\.0\.1/m, PATIENCE_MS);
    await nats.restart();
    keepPublishing(documentText({ federation: [2, 0] }));
    await child.waitFor(/Received: 2 {2}Sent/, PATIENCE_MS);
  });
});

describe('mcbridge federation observe in a terminal', () => {
  const ENTER = '\u001b[?1049h\u001b[?25l';
  const LEAVE = '\u001b[?25h\u001b[?1049l';
  const HOME = '\u001b[H';

  const open = (columns: number, rows: number): Terminal => {
    const terminal = openTerminal([process.execPath, ...production()], { columns, rows });
    terminals.push(terminal);
    return terminal;
  };

  it('redraws in place, and leaves the terminal as it was with the last table on it', async () => {
    const terminal = open(100, 50);
    await terminal.until(/Waiting for statistics/);
    expect(terminal.output().startsWith(ENTER + HOME)).toBe(true);
    for (const document of texts(SAMPLE)) publish(document);
    await terminal.until(/Received: 1024 {2}Sent: 12288/);
    const before = terminal.output().length;
    publish(documentText({ ...SAMPLE[0], federation: [633, 7192] }));
    await terminal.until(/Received: 1124 {2}Sent: 13288/, before);
    // Every frame begins at the top of the screen and none scrolls it, so each replaces the one before.
    const frames = terminal.output().split(HOME).slice(1);
    for (const frame of frames) expect(frame.split('\n').length).toBeLessThanOrEqual(50);
    const heading = '\u001b[1mFederation Broker: production\u001b[22m\u001b[K\r\n';
    expect(frames.at(-1)?.slice(0, heading.length)).toBe(heading);
    expect(terminal.output()).not.toContain(LEAVE);

    terminal.type('\u0003');
    expect(await terminal.exited).toBe(0);
    const [, after = ''] = terminal.output().split(LEAVE);
    expect(after).toMatch(/^\S*Federation Broker: production.*Received: 1124 {2}Sent: 13288/s);
    expect(after).not.toContain('\u001b[?25l');
  });

  it('shows as much as fits', async () => {
    const terminal = open(40, 8);
    await terminal.until(/Waiting for statistics/);
    for (const document of texts(SAMPLE)) publish(document);
    await terminal.until(/Received: 1024 {2}Sent: 12288/);
    await terminal.until(/… \d+ more lines: enlarge the terminal/);
    const frame = terminal.output().split(HOME).at(-1) ?? '';
    expect(frame.split('\r\n')).toHaveLength(8);
  });
});

describe('mcbridge federation observe beside a running bridge', () => {
  let bridge: BridgeProcess;
  let config: string;

  beforeAll(async () => {
    const tls = { ca: 'ca.pem', cert: 'cert.pem', key: 'key.pem' };
    config = folder.configure({
      identity: 'bridge7.example.net',
      cluster: 'production',
      instance: '7',
      cluster_key: 'only for tests, thirty-two bytes or more',
      statistics: { interval: 1 },
      http: { listen: 'off' },
      ingresses: { federation: { type: 'choria-federation', servers: [nats.url], tls } },
      egresses: { collective: { type: 'choria-collective', servers: [nats.url], tls } },
      routes: [{ from: 'federation', to: 'collective', collectives: ['mcollective'] }],
    });
    bridge = await startBridge(config);
  });
  afterAll(() => bridge.child.kill());

  it('takes network and cluster from its configuration, and shows what it says of itself', async () => {
    const args = [MAIN, 'federation', 'observe', '--config', config];
    const child = start(process.execPath, args);
    running.push(child);
    await child.waitFor(/^ {4}7: version \d+\.\d+\.\d+, started /m, PATIENCE_MS);
    publisher.publish('choria.federation.production.federation', 'no JSON');
    await child.waitFor(/^ {7}rejected 1 \(malformed_json 1\), expired 0$/m, PATIENCE_MS);
    expect(child.log()).toMatch(/^ {7}federation \w+:\/\/127\.0\.0\.1:\d+, /m);

    await bridge.child.kill();
    await child.waitFor(/^ {4}7: version .* {2}STALE: silent for \d+ s$/m, PATIENCE_MS);
  });
});
