import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { headVerifier } from '../../src/audit/head.ts';
import { verified } from '../audit/world.ts';
import { mcbridge } from '../support/bridge.ts';
import { start } from '../support/process.ts';
import { type AuditWorld, NODES, startAuditWorld } from './audit-world.ts';

let world: AuditWorld;

beforeAll(async () => {
  world = await startAuditWorld();
}, 120_000);
afterAll(() => world?.stop());

const ping = { agent: 'rpcutil', action: 'ping', collective: 'east', targets: NODES } as const;

/** Calls of the kernel, in order: what was written of the request to which file, and when that was on the disk. */
const calls = (trace: string): readonly string[] =>
  trace.split('\n').flatMap((line) => {
    if (/"kind":"request"|\\"kind\\":\\"request\\"/.test(line)) return ['record'];
    if (/fdatasync\(\d+\) += 0|fdatasync resumed>\) += 0/.test(line)) return ['fdatasync'];
    if (/PUB east\.node\./.test(line)) return ['request'];
    return [];
  });

describe('a bridge that lets out nothing whose record is not on the disk', () => {
  it('begins to send a request after the fdatasync of its record has ended, as the kernel sees it', async () => {
    const bridge = await world.bridge();
    const trace = join(world.folder, 'trace');
    // The bytes on the wire are encrypted; what goes out is what is handed to the socket after the record.
    const strace = start('strace', [
      ...['-f', '-p', String(bridge.child.pid), '-o', trace, '-s', '4000'],
      ...['-e', 'trace=write,writev,pwrite64,fdatasync,sendto,sendmsg'],
    ]);
    await strace.waitFor(/attached/, 60_000);
    await world.client.rpc({ ...ping, timeout: 60_000 });
    strace.signal('SIGINT');
    await strace.exited;
    await bridge.stop();
    const text = readFileSync(trace, 'utf8');
    const order = calls(text);
    const record = order.indexOf('record');
    expect(record).toBeGreaterThanOrEqual(0);
    expect(order.slice(record, record + 2)).toEqual(['record', 'fdatasync']);
    // The socket that the NATS connection has: nothing goes out between the record and the end of its fdatasync.
    const lines = text.split('\n');
    const written = lines.findIndex((line) => line.includes('kind\\":\\"request'));
    const synced = lines.findIndex(
      (line, index) => index > written && /fdatasync(\(\d+\)| resumed>\)) += 0/.test(line),
    );
    const socket = (line: string): string | undefined =>
      /(?:write|writev|sendto|sendmsg)\((\d+), .*(?:\\27\\3\\3|\\x17\\x03\\x03)/.exec(line)?.[1];
    const sends = lines
      .map((line, index) => ({ index, socket: socket(line) }))
      .filter((one) => one.socket !== undefined);
    expect(sends.filter(({ index }) => index > written && index < synced)).toEqual([]);
    expect(sends.some(({ index }) => index > synced)).toBe(true);
  });

  it('has a record of each request that a node got, which nobody can change', async () => {
    const bridge = await world.bridge();
    for (let count = 0; count < 5; count++) await world.client.rpc({ ...ping, timeout: 60_000 });
    await bridge.stop();
    const recorded = world.recorded();
    const ids = new Set(world.fleet.received().map(({ requestId }) => requestId));
    expect(ids.size).toBeGreaterThanOrEqual(5);
    expect([...ids].filter((id) => !recorded.has(id))).toEqual([]);
    expect((await verified(world.files(), headVerifier(world.key))).findings).toEqual([]);
  });

  it.each(['SIGWINCH', 'SIGHUP'] as const)(
    'goes on in another file by %s once its own has been moved, and both prove to be whole',
    async (signal) => {
      const bridge = await world.bridge();
      const id = async (): Promise<readonly string[]> => {
        const before = world.recorded();
        await world.client.rpc({ ...ping, timeout: 60_000 });
        return [...world.recorded()].filter((one) => !before.has(one));
      };
      const [before] = await id();
      const file = join(world.folder, 'audit.log');
      const moved = join(world.folder, `audit.log.by-${signal}`);
      const size = statSync(file).size;
      renameSync(file, moved);
      bridge.child.signal(signal);
      await vi.waitFor(() => expect(existsSync(file)).toBe(true));
      await vi.waitFor(() => expect(readFileSync(file, 'utf8')).toMatch(/"kind":"start".*\n/));
      const [after] = await id();
      await bridge.stop();
      expect(statSync(moved).size).toBeGreaterThan(size);
      const text = (at: string): string => readFileSync(at, 'utf8');
      expect([text(moved).includes(`${before}`), text(file).includes(`${before}`)]).toEqual([true, false]);
      expect([text(moved).includes(`${after}`), text(file).includes(`${after}`)]).toEqual([false, true]);
      expect(text(moved).trimEnd().split('\n').at(-1)).toContain('"kind":"close"');
      const key = join(world.folder, 'public.pem');
      writeFileSync(key, world.key);
      const { status, stdout } = await mcbridge('audit', 'verify', ...world.files(), '--key', key);
      expect(stdout).toMatch(/^chain [^\n]*\n {2}in [^\n]*\nnobody has touched these records\n$/);
      expect(status).toBe(0);
    },
  );
});
