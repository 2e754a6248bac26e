import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type BridgeProcess, startBridge } from '../support/bridge.ts';
import { type Child, start } from '../support/process.ts';
import { documentText, SAMPLE, type Synthetic } from '../telemetry/observe/documents.ts';
import { openTerminal, type Terminal } from '../telemetry/observe/terminal.ts';
import { MAIN, type ObserveWorld, PATIENCE_MS, startObserveWorld } from '../telemetry/observe/world.ts';

let world: ObserveWorld;
beforeAll(async () => {
  world = await startObserveWorld();
});
afterAll(() => world.stop());

const running: Child[] = [];
const terminals: Terminal[] = [];
afterEach(async () => {
  world.quiet();
  for (const terminal of terminals.splice(0)) terminal.kill();
  await Promise.all(running.splice(0).map((child) => child.kill()));
});

const texts = (documents: readonly Synthetic[]): readonly string[] => documents.map(documentText);

/** A live observer without a terminal, once it listens. */
const launch = async (...more: readonly string[]): Promise<Child> => {
  const child = start(process.execPath, world.production(...more));
  running.push(child);
  await child.waitFor(/Waiting for statistics on choria\.federation\.production\.stats\n/, PATIENCE_MS);
  return child;
};

describe('mcbridge federation observe into a pipe', () => {
  it('prints a block an update, marks who falls silent, and ends well on SIGINT', async () => {
    const child = await launch();
    const bridge = { identity: 'b', interval: 1 };
    world.publish(documentText({ federation: [10, 0], bridge }));
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
    world.publish('no JSON');
    await child.waitFor(/"malformed":\{"count":1/, PATIENCE_MS);
    world.publish(documentText({ federation: [1, 2] }));
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
    world.publish(documentText({ federation: [1, 0] }));
    await child.waitFor(/Received: 1 {2}Sent/, PATIENCE_MS);
    await world.nats.kill();
    await child.waitFor(/^not connected to .*127\.0\.0\.1/m, PATIENCE_MS);
    await world.nats.restart();
    world.keepPublishing(documentText({ federation: [2, 0] }));
    await child.waitFor(/Received: 2 {2}Sent/, PATIENCE_MS);
  });
});

describe('mcbridge federation observe in a terminal', () => {
  const ENTER = '\u001b[?1049h\u001b[?25l';
  const LEAVE = '\u001b[?25h\u001b[?1049l';
  const HOME = '\u001b[H';

  const open = (columns: number, rows: number): Terminal => {
    const terminal = openTerminal([process.execPath, ...world.production()], { columns, rows });
    terminals.push(terminal);
    return terminal;
  };

  it('redraws in place, and leaves the terminal as it was with the last table on it', async () => {
    const terminal = open(100, 50);
    await terminal.until(/Waiting for statistics/);
    expect(terminal.output().startsWith(ENTER + HOME)).toBe(true);
    for (const document of texts(SAMPLE)) world.publish(document);
    await terminal.until(/Received: 1024 {2}Sent: 12288/);
    const before = terminal.output().length;
    world.publish(documentText({ ...SAMPLE[0], federation: [633, 7192] }));
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
    for (const document of texts(SAMPLE)) world.publish(document);
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
    config = world.folder.configure({
      identity: 'bridge7.example.net',
      cluster: 'production',
      instance: '7',
      cluster_key: 'only for tests, thirty-two bytes or more',
      statistics: { interval: 1 },
      http: { listen: 'off' },
      ingresses: { federation: { type: 'choria-federation', servers: [world.nats.url], tls } },
      egresses: { collective: { type: 'choria-collective', servers: [world.nats.url], tls } },
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
    world.publisher.publish('choria.federation.production.federation', 'no JSON');
    await child.waitFor(/^ {7}rejected 1 \(malformed_json 1\), expired 0$/m, PATIENCE_MS);
    expect(child.log()).toMatch(/^ {7}federation \w+:\/\/127\.0\.0\.1:\d+, /m);

    await bridge.child.kill();
    await child.waitFor(/^ {4}7: version .* {2}STALE: silent for \d+ s$/m, PATIENCE_MS);
  });
});
