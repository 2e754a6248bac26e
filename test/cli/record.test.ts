import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CassetteEntry, isRejected } from '../../src/capture/file/format.ts';
import { layersIn, trustedKeys } from '../capture/record/layers.ts';
import { STRAY_REQUEST, sendStrayReply } from '../capture/record/stray-reply.ts';
import { readCassette } from '../fixtures/cassettes.ts';
import { mcbridge } from '../support/bridge.ts';
import type { ChoriaClient } from '../support/choria-client.ts';
import { C1, type MixedWorld, mixedConfig, startMixedWorld } from '../support/mixed-world.ts';
import { startNatsServer } from '../support/nats-server.ts';
import { type Child, start } from '../support/process.ts';
import { program } from '../support/program.ts';
import { NODE1 } from '../support/world.ts';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const SECRET = 'correct horse battery staple';
const TOKEN = 4_815_162_342;
/** What the bridge says of a reply that it cannot send home. */
const STRAY = { rejected: { code: 'invalid_reply_to', request_id: STRAY_REQUEST, sender: NODE1 } };

let mixed: MixedWorld;
let client: ChoriaClient;
let config: string;

beforeAll(async () => {
  mixed = await startMixedWorld({ legacy: [NODE1] });
  client = await mixed.world.client({ dialect: 'go' });
  config = mixed.world.config(mixedConfig);
});

afterAll(() => mixed?.stop());

const at = (name: string): string => join(mixed.world.files.folder, name);

/** `mcbridge record`, once it listens. */
const startRecording = async (...args: readonly string[]): Promise<Child> => {
  const child = start(process.execPath, [MAIN, 'record', '--config', config, ...args]);
  await child.waitFor(/recording to /, 60_000);
  return child;
};

/** How often each way of each link was taken. */
const flowsOf = (entries: readonly CassetteEntry[]): Readonly<Record<string, number>> => {
  const flows: Record<string, number> = {};
  for (const entry of entries) {
    if (isRejected(entry)) continue;
    const key = `${entry.side} ${entry.link} ${entry.dir}`;
    flows[key] = (flows[key] ?? 0) + 1;
  }
  return flows;
};

const echo = (value: string) =>
  client.rpc({ agent: 'echo', action: 'echo', data: { value, password: value }, targets: [NODE1] });

/** One directed call and one discovery from the Choria side: the replies, and how often the daemon handled the call. */
const traffic = async (): Promise<{ readonly replies: number; readonly handled: number }> => {
  const body = `{"agent":"echo","action":"echo","data":{"value":"${SECRET}"}}`;
  const built = client.buildRequest({ agent: 'echo', body, targets: [NODE1] });
  const replies = await client.send(built, { expect: 1 });
  const found = await client.discover({ expect: 1 });
  const log = mixed.world.daemons[0]?.log() ?? '';
  const handled = log.split(`Handling message ${built.requestId}`).length - 1;
  return { replies: replies.length + found.length, handled };
};

describe('mcbridge record', () => {
  test('takes no message from anyone, and writes a cassette of what it hears', async () => {
    const without = await traffic();
    expect(without).toEqual({ replies: 2, handled: 1 });
    const file = at('heard.ndjson');
    const child = await startRecording('--out', file);
    const requests = await traffic();
    expect(requests).toEqual(without);
    child.signal('SIGUSR1');
    // The terminal is closed: what has been recorded is complete all the same.
    child.signal('SIGHUP');
    expect(await child.exited).toBe(0);
    expect(child.log()).not.toContain('Debugger');

    const { header, entries } = await readCassette(file);
    expect(header).toMatchObject({
      cassette: 1,
      bridge: { cluster: 'production' },
      config: {
        sha256: expect.stringMatching(/^sha256:/),
        routes: expect.arrayContaining([expect.any(String)]),
      },
    });
    expect(header.keys['ingresses.federation.callers.ca']).toMatch(/^sha256:/);
    expect(header.rejections).toBeUndefined();
    const flows = flowsOf(entries);
    expect(flows['ingress federation in']).toBe(2);
    expect(flows['ingress federation out']).toBeGreaterThanOrEqual(2);
    expect(flows['egress legacy out']).toBeGreaterThanOrEqual(1);
    expect(flows['egress legacy in']).toBeUndefined();
    expect(child.log()).toContain('queues');
    expect(child.log()).toMatch(/ingress federation +in +2 messages/);
    expect(child.log()).toContain(`written to ${file}`);
  });

  test('ends after --count messages, in as many files as --rotate makes of them, and after --for', async () => {
    const counted = at('counted.ndjson');
    const child = await startRecording('--out', counted, '--count', '2');
    await traffic();
    expect(await child.exited).toBe(0);
    const { entries } = await readCassette(counted);
    expect(entries.length).toBeGreaterThanOrEqual(2);
    // After them there is only what the bridge makes of the last.
    expect(entries.slice(2).filter((entry) => isRejected(entry) || entry.dir === 'in')).toEqual([]);

    const parts = at('heard-parts.ndjson');
    const rotating = await startRecording('--out', parts, '--rotate', '4KiB', '--count', '6');
    while (!rotating.log().includes('written to')) await traffic();
    expect(await rotating.exited).toBe(0);
    expect(rotating.log()).toContain(`written to ${parts}, ${parts}.2`);
    const second = await readCassette(`${parts}.2`);
    expect(second.header).toMatchObject({ cassette: 1, seed: (await readCassette(parts)).header.seed });
    expect(second.entries.length).toBeGreaterThan(0);

    const timed = at('timed.ndjson');
    const short = await startRecording('--out', timed, '--for', '5s');
    await traffic();
    expect(await short.exited).toBe(0);
    expect(short.log()).toContain(`written to ${timed}`);
    expect((await readCassette(timed)).header.cassette).toBe(1);
  });

  test('refuses what it would overwrite, and does so with --force', async () => {
    const file = at('there.ndjson');
    writeFileSync(file, 'precious');
    const refused = await program('record', '--config', config, '--out', file, '--for', '3s');
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toContain(`${file} is there already`);
    expect(readFileSync(file, 'utf8')).toBe('precious');
    writeFileSync(`${file}.2`, 'a part of it');
    const recording = await startRecording('--out', file, '--force', '--count', '1');
    await traffic();
    expect(await recording.exited).toBe(0);
    expect(recording.log()).toContain(`written to ${file}`);
    expect((await readCassette(file)).header.cassette).toBe(1);
    expect(existsSync(`${file}.2`)).toBe(false);
  });

  test('says what cannot be written, and what wrong usage is', async () => {
    const nowhere = await program('record', '--config', config, '--out', at('no/such/folder'), '--for', '1s');
    expect(nowhere.status).toBe(1);
    expect(nowhere.stderr).toContain('there is no such folder');
    const path = await program('record', '--config', config, '--out', at('x'), '--redact', 'agent');
    expect(path.status).toBe(2);
    expect(path.stderr).toContain('begins neither with data');
  });

  test('says what it may not listen to, and goes on with the rest', async () => {
    const nats = await startNatsServer({
      extra: `authorization { users = [ {
        user: tap, password: tap, permissions: { subscribe: { deny: "quiet.reply.>" } }
      } ] }`,
    });
    try {
      const limited = mixed.world.config((it) => ({
        ...it,
        // Where the bridge that runs asks nobody who is there.
        routes: it.routes.map((route) => ({ ...route, collectives: ['quiet'] })).slice(0, 1),
        ingresses: {
          federation: {
            type: 'choria-federation',
            servers: [nats.url],
            insecure_plaintext: true,
            user: 'tap',
            password: 'tap',
            callers: { ca: 'ca.pem' },
          },
        },
      }));
      const out = at('limited.ndjson');
      const finished = await mcbridge('record', '--config', limited, '--out', out, '--for', '1s');
      expect(finished.stderr).toMatch(
        /ingress federation: quiet\.reply\.> is not recorded: .*no right to subscribe/,
      );
      // Nobody sent anything, and a cassette without a message is of no use.
      expect(existsSync(out)).toBe(false);
    } finally {
      await nats.stop();
    }
  });

  test('ends with a sentence when the disk takes no more', async () => {
    // The shell's limit of a file's size, in KiB: to the program it is a disk that is full.
    const command = `ulimit -f 8; exec '${process.execPath}' '${MAIN}' record --config '${config}' --out '${at('full.ndjson')}'`;
    const child = start('bash', ['-c', command]);
    // What is heard meanwhile may fill the disk before it says that.
    await child.waitFor(/recording to |cannot be written/, 60_000);
    let ended = false;
    void child.exited.then(() => {
      ended = true;
    });
    while (!ended) {
      await traffic();
      await sleep(10);
    }
    expect(await child.exited).toBe(1);
    expect(child.log()).toMatch(/full\.ndjson cannot be written: .*larger than is allowed/);
  });
});

describe('mcbridge run --record', () => {
  const recorded = (): string => at('bridge.ndjson');
  let bridge: Child;

  beforeAll(async () => {
    await mixed.bridge.stop();
    bridge = start(process.execPath, [MAIN, 'run', '--config', config, '--record', recorded()]);
    await bridge.waitFor(/"event":"ready"/, 90_000);
    await echo(SECRET);
    const called = await mixed.mco.marshal.run('rpc', 'echo', 'echo', `value=${SECRET}`, '-I', C1, '-j');
    expect(called.stdout).toContain(C1);
    await client.publish('choria.federation.production.federation', '{"protocol":"choria:transport:1"');
    await bridge.waitFor(/"event":"rejected"/, 90_000);
    await sendStrayReply(mixed.world);
    await bridge.waitFor(/"event":"reply_not_sent"/, 90_000);
    bridge.signal('SIGTERM');
    expect(await bridge.exited).toBe(0);
  });

  test('records every way through every link, and what was refused', async () => {
    const { header, entries } = await readCassette(recorded());
    // Both egresses to Choria share the cluster's queue group of replies.
    const ways = Object.keys(flowsOf(entries)).map((way) => way.replace('choria_ruby in', 'choria in'));
    expect([...new Set(ways)].toSorted()).toEqual(
      ['ingress federation', 'ingress mco', 'egress legacy', 'egress choria']
        .flatMap((link) => [`${link} in`, `${link} out`])
        .toSorted(),
    );
    expect(entries.filter(isRejected)).toMatchObject([{ rejected: { code: 'malformed_json' } }, STRAY]);
    expect(header.rejections).toBe(true);
    expect(header.nodes['choria']?.['mcollective']).toContain(C1);
    expect(header.nodes['legacy']?.['mcollective']).toEqual([NODE1]);
    const destinations = entries.flatMap((entry) => (isRejected(entry) ? [] : [entry.destination]));
    expect(destinations.filter((one) => one.endsWith('.stats'))).toEqual([]);
    expect(existsSync(`${recorded()}.${bridge.pid}.partial`)).toBe(false);
  });

  test('replays, for it holds nothing that no request has caused', async () => {
    const { status, stdout } = await program('replay', recorded(), '--config', config);
    expect(stdout).toContain('1 cassette: 1 same');
    expect(status).toBe(0);
  });

  test('replays with each refusal: one that is not in it any more is a difference', async () => {
    const file = at('forgiving.ndjson');
    const lines = readFileSync(recorded(), 'utf8').split('\n');
    writeFileSync(
      file,
      lines.filter((line) => !line.includes(STRAY_REQUEST) || line.includes('"dir"')).join('\n'),
    );
    const { status, stdout } = await program('replay', file, '--config', config);
    expect(status).toBe(1);
    expect(stdout).toMatch(/rejections: reply not sent: .*elsewhere.* came, and was not recorded/);
  });

  test('goes on in another file, each a cassette of its own', async () => {
    const file = at('parts.ndjson');
    const args = ['run', '--config', config, '--record', file, '--record-rotate', '16kB'];
    const child = start(process.execPath, [MAIN, ...args]);
    await child.waitFor(/"event":"ready"/, 90_000);
    for (let i = 0; i < 5; i++) await echo(`${SECRET} ${i}`);
    child.signal('SIGTERM');
    expect(await child.exited).toBe(0);
    const parts = readdirSync(mixed.world.files.folder).filter((name) => name.startsWith('parts.ndjson'));
    expect(parts).toContain('parts.ndjson.2');
    let requests = 0;
    for (const part of parts) {
      const { header, entries } = await readCassette(at(part));
      expect(header.cassette).toBe(1);
      expect(readFileSync(at(part)).length).toBeLessThan(32_000);
      requests += flowsOf(entries)['ingress federation in'] ?? 0;
    }
    expect(requests).toBe(5);
  });

  test('leaves the bridge alone when the disk takes no more', async () => {
    const file = at('bridge-full.ndjson');
    const command = `ulimit -f 8; exec '${process.execPath}' '${MAIN}' run --config '${config}' --record '${file}'`;
    const child = start('bash', ['-c', command]);
    await child.waitFor(/"event":"ready"/, 90_000);
    while (!child.log().includes('recording ended: ')) expect((await traffic()).replies).toBe(2);
    expect(child.log()).toContain('larger than is allowed');
    expect((await traffic()).replies).toBe(2);
    child.signal('SIGTERM');
    expect(await child.exited).toBe(0);
  });

  test('leaves nothing of a recording that never began', async () => {
    const file = at('never.ndjson');
    const broken = mixed.world.config((it) => ({
      ...mixedConfig(it),
      cluster_key: undefined,
      cluster_key_file: 'no.key',
    }));
    const { status } = await mcbridge('run', '--config', broken, '--record', file);
    expect(status).toBe(2);
    expect(readdirSync(mixed.world.files.folder).filter((name) => name.startsWith('never'))).toEqual([]);
  });

  test('leaves nothing of a redacted value in any layer, and signatures that its header vouches for', async () => {
    const before = layersIn((await readCassette(recorded())).entries, undefined);
    expect(before.text).toContain(SECRET);

    const shared = at('shared.ndjson');
    const { status, stdout } = await program(
      ...['redact', recorded(), '--config', config, '--out', shared],
      ...['--value', 'data.value', 'data.password'],
    );
    expect(status).toBe(0);
    expect(stdout).toContain('left out 1 message: malformed_json');
    const { header, entries } = await readCassette(shared);
    const raw = readFileSync(shared, 'utf8');
    const after = layersIn(entries, trustedKeys(header));
    for (const text of [raw, after.text]) {
      expect(text).not.toContain(SECRET);
      expect(text).not.toContain('PRIVATE KEY');
    }
    expect(after.text).toContain('redacted-1');
    expect(after.verdicts.length).toBeGreaterThanOrEqual(8);
    expect(after.verdicts.filter(({ state }) => state !== 'valid')).toEqual([]);
    expect(entries.filter(isRejected)).toMatchObject([STRAY]);
    expect(header.rejections).toBe(true);
    const replayed = await program('replay', shared, '--config', config);
    expect(replayed.stdout).toContain('1 cassette: 1 same');
    // All else is there as before.
    const { 'ingress federation in': _one, ...flows } = flowsOf((await readCassette(recorded())).entries);
    expect(flowsOf(entries)).toMatchObject(flows);
  });

  test('redacts while it records', async () => {
    const child = start(process.execPath, [MAIN, 'run', '--config', config]);
    await child.waitFor(/"event":"ready"/, 90_000);
    const file = at('live.ndjson');
    const recording = await startRecording('--out', file, '--redact-all-data');
    await echo(`${SECRET} ${TOKEN}`);
    recording.signal('SIGTERM');
    expect(await recording.exited).toBe(0);
    const { header, entries } = await readCassette(file);
    const { text, verdicts } = layersIn(entries, trustedKeys(header));
    expect(text).toContain('redacted-');
    expect(text).not.toContain(SECRET);
    expect(readFileSync(file, 'utf8')).not.toContain(SECRET);
    expect(verdicts.length).toBeGreaterThan(1);
    const settings = Object.keys(header.keys);
    expect(settings.filter((setting) => !/\.signing\.(?:keys|certs)_dir\//.test(setting))).toEqual([]);
    child.signal('SIGTERM');
    await child.exited;
  });
});
