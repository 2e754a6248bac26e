import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { type CassetteEntry, isRejected } from '../../src/capture/file/format.ts';
import { freePort } from '../../src/testing/ports.ts';
import { readCassette } from '../fixtures/cassettes.ts';
import { mcbridge } from '../support/bridge.ts';
import type { ChoriaClient } from '../support/choria-client.ts';
import { type Child, start } from '../support/process.ts';
import { program } from '../support/program.ts';
import { NODE1, startWorld, type World } from '../support/world.ts';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const SECRET = 'correct horse battery staple';

let world: World;
let client: ChoriaClient;
let config: string;
let bridge: Child;

const at = (name: string): string => join(world.files.folder, name);
const run = async (): Promise<Child> => {
  const child = start(process.execPath, [MAIN, 'run', '--config', config]);
  await child.waitFor(/"event":"ready"/, 90_000);
  return child;
};
const record = (...args: readonly string[]): Child =>
  start(process.execPath, [MAIN, 'record', '--config', config, ...args]);
const call = () =>
  client.rpc({ agent: 'echo', action: 'echo', data: { value: SECRET }, targets: [NODE1], expect: 1 });

const replyPathsOf = (entries: readonly CassetteEntry[]): readonly string[] =>
  entries.map((entry) =>
    isRejected(entry) ? `rejected ${entry.rejected.code}` : `${entry.side} ${entry.link} ${entry.dir}`,
  );

beforeAll(async () => {
  world = await startWorld({ nodes: [NODE1] });
  client = await world.client({ dialect: 'go' });
  config = world.config((it) => ({ ...it, record_socket: 'record.sock' }));
  bridge = await run();
});

afterAll(async () => {
  await bridge?.kill();
  await world?.stop();
});

describe('mcbridge record from inside a running bridge', () => {
  test('hears queues too, and refusals, and takes nothing from anyone', async () => {
    expect(statSync(at('record.sock')).mode & 0o777).toBe(0o600);
    const file = at('inside.cassette.ndjson');
    const child = record('--out', file, '--count', '4');
    await child.waitFor(/recording to /, 60_000);
    expect(child.log()).toContain('from inside the running bridge');
    expect(await call()).toMatchObject([{ sender: NODE1, rpc: { statuscode: 0 } }]);
    expect(await child.exited).toBe(0);
    const { header, entries } = await readCassette(file);
    // The reply came out of a queue.
    expect(replyPathsOf(entries)).toEqual([
      'ingress federation in',
      'egress legacy out',
      'egress legacy in',
      'ingress federation out',
    ]);
    expect(header).toMatchObject({ rejections: true, nodes: { legacy: {} } });

    const refused = at('refused.cassette.ndjson');
    const another = record('--out', refused, '--for', '3s');
    await another.waitFor(/recording to /, 60_000);
    await client.publish('choria.federation.production.federation', '{"protocol":"choria:transport:1"');
    await another.exited;
    expect(replyPathsOf((await readCassette(refused)).entries)).toEqual([
      'ingress federation in',
      'rejected malformed_json',
    ]);

    for (const one of [file, refused]) {
      const replayed = await program('replay', one, '--config', config);
      expect(replayed.stdout).toContain('1 same');
    }
  });

  test.each([
    [1, ['ingress federation in', 'egress legacy out']],
    [3, ['ingress federation in', 'egress legacy out', 'egress legacy in', 'ingress federation out']],
  ])('that ends after %i messages has what the bridge makes of the last: it replays', async (count, ways) => {
    const file = at(`count-${count}.cassette.ndjson`);
    const child = record('--out', file, '--count', String(count));
    await child.waitFor(/recording to /, 60_000);
    await call();
    expect(await child.exited).toBe(0);
    expect(replyPathsOf((await readCassette(file)).entries)).toEqual(ways);
    expect((await program('replay', file, '--config', config)).stdout).toContain('1 same');
  });

  test('takes values out before they reach the disk', async () => {
    const file = at('redacted.cassette.ndjson');
    const child = record('--out', file, '--count', '4', '--redact-all-data');
    await child.waitFor(/recording to /, 60_000);
    await call();
    expect(await child.exited).toBe(0);
    const decoded = await program('decode', file, '--full');
    expect(decoded.stdout).toContain('redacted-1');
    expect(decoded.stdout).not.toContain(SECRET);
    expect((await program('replay', file, '--config', config)).stdout).toContain('1 same');
  });

  test('hears at another socket once a reload says so, and at that of before again', async () => {
    const text = readFileSync(config, 'utf8');
    const moves = [
      [text.replace('record.sock', 'moved.sock'), 'moved.sock', 'record.sock'],
      [text, 'record.sock', 'moved.sock'],
    ] as const;
    for (const [content, there, gone] of moves) {
      writeFileSync(config, content);
      bridge.signal('SIGHUP');
      await vi.waitFor(() =>
        expect([there, gone].map((name) => existsSync(at(name)))).toEqual([true, false]),
      );
      const file = at(`${there}.cassette.ndjson`);
      const child = record('--out', file, '--count', '4');
      await child.waitFor(/recording to /, 60_000);
      expect(child.log()).toContain('from inside the running bridge');
      await call();
      expect(await child.exited).toBe(0);
      expect((await readCassette(file)).entries).toHaveLength(4);
    }
  });

  test('ends as a whole cassette when the bridge stops, and says why', async () => {
    const file = at('stopped.cassette.ndjson');
    const child = record('--out', file);
    await child.waitFor(/recording to /, 60_000);
    await call();
    bridge.signal('SIGTERM');
    expect(await bridge.exited).toBe(0);
    expect(await child.exited).toBe(0);
    expect(child.log()).toContain('nothing more comes: the bridge was stopped');
    expect((await readCassette(file)).entries).toHaveLength(4);
    expect(existsSync(at('record.sock'))).toBe(false);

    bridge = await run();
    const cut = at('cut.cassette.ndjson');
    const listening = record('--out', cut);
    await listening.waitFor(/recording to /, 60_000);
    await call();
    await bridge.kill();
    expect(await listening.exited).toBe(1);
    expect(listening.log()).toMatch(/the bridge at .*record\.sock is gone/);
    expect((await readCassette(cut)).entries).toHaveLength(4);
  });

  test('listens from outside where no bridge answers, or where it is told to', async () => {
    // The killed one has left its socket there.
    expect(existsSync(at('record.sock'))).toBe(true);
    const child = record('--out', at('outside.cassette.ndjson'), '--for', '1s');
    await child.exited;
    expect(child.log()).toContain('not from inside a bridge');
    bridge = await run();
    const told = record('--out', at('told.cassette.ndjson'), '--for', '1s', '--outside');
    await told.exited;
    expect(told.log()).toContain('queues cannot be heard');
  });

  test('goes through the pool of each side, whose first server may be away', async () => {
    const dead = await freePort();
    const text = readFileSync(config, 'utf8').replace(
      /"servers": \[\s*"([\w+]+):\/\//g,
      `"servers": ["$1://127.0.0.1:${dead}", "$1://`,
    );
    expect(text.split(`:${dead}"`).length).toBeGreaterThan(2);
    world.files.write('pools.yaml', text);
    const file = at('pools.cassette.ndjson');
    const args = ['record', '--config', at('pools.yaml'), '--out', file, '--outside', '--count', '1'];
    const child = start(process.execPath, [MAIN, ...args]);
    await child.waitFor(/recording to /, 60_000);
    await call();
    expect(await child.exited).toBe(0);
    expect((await readCassette(file)).entries.length).toBeGreaterThan(0);
  });

  test('needs no variables of what it does not connect to, and those of what it does', async () => {
    const unset = (name: string): object => ({
      servers: [`nats://\${${name}_SERVER}:4222`],
      password: `\${${name}}`,
    });
    const { egresses, ...rest } = z
      .looseObject({ egresses: z.record(z.string(), z.looseObject({})) })
      .parse(JSON.parse(readFileSync(config, 'utf8')));
    const withSpare = (name: string, legacy: object): string => {
      const spare = {
        type: 'choria-collective',
        user: 'spare',
        tls: { ca: `\${SPARE_CA}` },
        ...unset('SPARE'),
      };
      const all = { ...egresses, spare, legacy: { ...egresses['legacy'], ...legacy } };
      world.files.write(
        name,
        JSON.stringify({
          ...rest,
          egresses: all,
          claims: { user: 'c', insecure_plaintext: true, ...unset('CLAIMS') },
        }),
      );
      return at(name);
    };
    const outside = (file: string, name: string): Child =>
      start(process.execPath, [
        MAIN,
        'record',
        '--config',
        file,
        '--out',
        at(name),
        '--outside',
        '--for',
        '1s',
      ]);
    const heard = outside(withSpare('spare.yaml', {}), 'spare.ndjson');
    await heard.exited;
    expect(heard.log()).toContain('recording to');
    const missing = outside(withSpare('missing.yaml', { password: `\${LEGACY}` }), 'missing.ndjson');
    expect(await missing.exited).toBe(2);
    expect(missing.log()).toContain('the environment variable LEGACY is not set');
    expect(missing.log()).not.toMatch(/SPARE|CLAIMS/);
  });

  test('a second bridge does not take the socket away', async () => {
    const second = start(process.execPath, [MAIN, 'run', '--config', config]);
    expect(await second.exited).toBe(1);
    expect(second.log()).toMatch(/record_socket: .*record\.sock cannot be listened at: .*another bridge/);
  });

  test('a file that is no socket stays', async () => {
    writeFileSync(at('traffic.ndjson'), 'a recording');
    const other = world.config((it) => ({ ...it, record_socket: 'traffic.ndjson' }));
    const { status, stderr } = await mcbridge('run', '--config', other);
    expect(status).toBe(1);
    expect(stderr).toMatch(/traffic\.ndjson cannot be listened at: there is a file of that name/);
    expect(readFileSync(at('traffic.ndjson'), 'utf8')).toBe('a recording');
  });

  test('a start that fails does not hang at the socket', async () => {
    const other = world.config((it) => ({
      ...it,
      record_socket: 'other.sock',
      egresses: { ...it.egresses, legacy: { ...it.egresses.legacy, server_public_key: 'nowhere.pem' } },
    }));
    expect(await mcbridge('run', '--config', other)).toMatchObject({ status: 2 });
    expect(existsSync(at('other.sock'))).toBe(false);
  });

  test('who stays connected does not hold up the end', async () => {
    const idle = connect({ path: at('record.sock'), allowHalfOpen: true });
    idle.on('error', () => undefined);
    idle.pause();
    await bridge.waitFor(/"event":"listener_joined"/, 90_000);
    bridge.signal('SIGTERM');
    expect(await bridge.exited).toBe(0);
    idle.destroy();
    bridge = await run();
  });

  test('who does not read does not make the bridge keep everything', async () => {
    const idle = connect(at('record.sock'));
    idle.on('error', () => undefined);
    idle.pause();
    await bridge.waitFor(/"event":"listener_joined"/, 90_000);
    const value = 'x'.repeat(250_000);
    for (let calls = 0; calls < 80 && !bridge.log().includes('"event":"listener_left"'); calls++)
      await client.rpc({ agent: 'echo', action: 'echo', data: { value }, targets: [NODE1], expect: 1 });
    await bridge.waitFor(/"event":"listener_left".*"reason"/, 90_000);
    expect(await call()).toHaveLength(1);
    idle.destroy();
  });
});
