import { execFileSync } from 'node:child_process';
import { existsSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { statsSubject } from '../../src/adapters/choria/wire/stats.ts';
import { AUDIT_DISK, type Disk } from '../../src/audit/file/disk.ts';
import { withStandIns } from '../../src/config/key-files.ts';
import { startHttp } from '../../src/telemetry/http.ts';
import { fileInFullFolder, fullDisk, hangingDisk, readOnlyFolder } from '../audit/disks.ts';
import { linesIn, makeFolder, makeKey, verified } from '../audit/world.ts';
import { configOf, KEYS, LEGACY_NODES, makeAppWorld } from './world.ts';

const key = makeKey();
const keys = withStandIns({ files: new Map([['/app/audit.pem', key.secret.toString()]]) }, KEYS);

const withAudit = (audit: object, change = (text: string): string => text) => ({
  change: (text: string) => `${change(text)}audit: ${JSON.stringify(audit)}\n`,
});

const fileIn = (folder = makeFolder()): string => join(folder, 'audit.log');

const recordsIn = (file: string) => linesIn(file).map((line) => JSON.parse(line));
const kindsIn = (file: string): readonly string[] => recordsIn(file).map(({ mcbridge }) => mcbridge.kind);

const STOP = { on_failure: 'stop', timeout: 1 } as const;

describe('a bridge with an audit', () => {
  it('writes a record of each request, and of what came back, which nobody can change', async () => {
    const world = await makeAppWorld();
    const file = fileIn();
    const app = world.app(
      configOf(withAudit({ key_file: 'audit.pem', redact: { secret: 'drop' }, sinks: [{ file, ...STOP }] })),
      { keys },
    );
    await app.start();
    const data = new Map([
      ['secret', 'x'],
      ['plain', 'y'],
    ]);
    expect(await world.ask('mcollective', LEGACY_NODES, 2, data)).toHaveLength(2);
    await world.mco(undefined, 2);
    await app.stop();
    const records = recordsIn(file);
    expect(records.filter(({ mcbridge }) => mcbridge.kind === 'request')).toMatchObject([
      {
        caller: 'choria=alice.mcollective',
        agent: 'rpcutil',
        action: 'ping',
        data: { secret: '[dropped]', plain: 'y' },
        mcbridge: { mapped_caller: 'cert=alice', verdict: 'allow', targets: 2, nodes: LEGACY_NODES },
      },
      { caller: 'cert=alice', mcbridge: { mapped_caller: 'choria=alice.mcollective', targets: 'broadcast' } },
    ]);
    const replies = records.filter(({ mcbridge }) => mcbridge.kind === 'replies');
    expect(replies).toMatchObject([{ mcbridge: { ok: 2, targets: 2 } }, { mcbridge: { ok: 2 } }]);
    expect(replies[0].mcbridge.flow).toBe(records[1].mcbridge.flow);
    expect(await verified([file], key.verifier)).toMatchObject({ findings: [], notes: [] });
  });

  it.each([
    ['where no other instance is heard', ['1'], ['l3.example.net']],
    ['and where one is, it leaves that to whoever has all records', ['1', '2'], []],
  ])('says who has not answered %s', async (_, instances, missing) => {
    const world = await makeAppWorld();
    let ahead = 0;
    const clock = (): number => Date.now() + ahead;
    const speaking = (text: string) => text.replace('interval: 0', 'interval: 100');
    const heard = await world.hear(statsSubject('prod'));
    const files: string[] = [];
    const apps = instances.map((instance) => {
      const file = fileIn();
      files.push(file);
      return world.app(configOf({ instance, ...withAudit({ sinks: [{ file }] }, speaking) }), {
        keys,
        clock,
      });
    });
    for (const app of apps) await app.start();
    const spoken = () => new Set(heard.map(({ body }) => JSON.parse(body).instance));
    await vi.waitFor(() => expect(spoken()).toEqual(new Set(instances)));
    await world.ask('mcollective', [...LEGACY_NODES, 'l3.example.net'], 2);
    // The request is over, and another instance would have been heard.
    ahead = 250_000;
    const replies = () =>
      files.flatMap(recordsIn).flatMap(({ mcbridge }) => (mcbridge.kind === 'replies' ? [mcbridge] : []));
    await vi.waitFor(() => expect(replies().reduce((sum, { ok }) => sum + ok, 0)).toBe(2));
    await vi.waitFor(() => expect(replies().some(({ targets }) => targets === 3)).toBe(true));
    expect(replies().flatMap(({ missing_nodes: names = [] }) => names)).toEqual(missing);
    for (const app of apps) await app.stop();
  });

  it('writes what it refuses as well', async () => {
    const world = await makeAppWorld();
    const file = fileIn();
    const app = world.app(configOf({ ...withAudit({ sinks: [{ file }] }), caller: 'alice' }), { keys });
    await app.start();
    const other = (text: string) =>
      text.replace('exact: choria=alice.mcollective', 'exact: choria=carol.mcollective');
    await app.apply(configOf(withAudit({ sinks: [{ file }] }, other)));
    const [answer] = await world.ask('mcollective', LEGACY_NODES, 1);
    expect(answer).toContain('no_mapping');
    await app.stop();
    expect(recordsIn(file).find(({ mcbridge }) => mcbridge.kind === 'request')).toMatchObject({
      caller: 'choria=alice.mcollective',
      mcbridge: { verdict: 'refused', code: 'no_mapping' },
    });
  });

  it.each([
    ['a full disk', fullDisk, 'the disk is full'],
    ['a disk that hangs', hangingDisk, 'the disk takes too long'],
  ])(
    'lets nothing out by %s where it is to stop, answers, and says so in its metrics',
    async (_, make, words) => {
      const { disk, state } = make();
      const world = await makeAppWorld();
      const file = fileIn();
      const audit = { sinks: [{ file, ...STOP }] };
      const app = world.app(configOf({ ...withAudit(audit), http: '127.0.0.1:0' }), {
        keys,
        audit: { disk },
        http: startHttp,
      });
      await app.start();
      state.isFailing = true;
      const [answer] = await world.ask('mcollective', LEGACY_NODES, 1);
      expect(answer).toContain('audit_unavailable');
      expect(answer).toContain(words);
      expect(app.status().counts.rejected).toEqual({ audit_unavailable: 1 });
      // Nodes have answered nothing, for nothing has come to them.
      expect(world.replies).toHaveLength(1);
      const url = world.log.map(({ fields }) => fields['url']).find((it) => it !== undefined);
      const metrics = await (await fetch(`${url}/metrics`)).text();
      expect(metrics).toContain('mcbridge_rejected_total{reason="audit_unavailable"} 1');
      if (words === 'the disk is full') {
        expect(metrics).toContain(`mcbridge_audit_failing{sink="${file}"} 1`);
        expect(metrics).toContain(`mcbridge_audit_records_total{sink="${file}",result="refused"} 1`);
        expect(world.log.filter(({ fields }) => fields['event'] === 'audit_failed')).toHaveLength(1);
        state.isFailing = false;
        expect(await world.ask('mcollective', LEGACY_NODES, 2)).toHaveLength(2);
        expect(world.log.map(({ fields }) => fields['event'])).toContain('audit_works');
      }
      await app.stop();
      if (words === 'the disk is full') expect((await verified([file], undefined)).findings).toEqual([]);
    },
  );

  it('goes on by a full disk where it may, counts what is lost once there is no room, and writes what waits', async () => {
    const { disk, state } = fullDisk();
    const world = await makeAppWorld();
    const file = fileIn();
    const app = world.app(configOf(withAudit({ sinks: [{ file }] })), { keys, audit: { disk } });
    await app.start();
    state.isFailing = true;
    expect(await world.ask('mcollective', LEGACY_NODES, 2)).toHaveLength(2);
    expect(kindsIn(file)).toEqual(['start']);
    state.isFailing = false;
    await vi.waitFor(() => expect(kindsIn(file)).toEqual(['start', 'request', 'replies']));
    await app.stop();
    expect((await verified([file], undefined)).findings).toEqual([]);
  });

  it.each([
    ['stop', true],
    ['continue', false],
  ])('waits for the disk where on_failure is %s: %s', async (onFailure, waits) => {
    let synced = 0;
    const disk: Disk = {
      ...AUDIT_DISK,
      open: async (name, isNew) => {
        const opened = await AUDIT_DISK.open(name, isNew);
        const datasync = async (): Promise<void> => {
          await opened.datasync();
          synced++;
        };
        return { ...opened, datasync };
      },
    };
    const world = await makeAppWorld();
    const file = fileIn();
    const config = configOf(withAudit({ sinks: [{ file, on_failure: onFailure }] }));
    const app = world.app(config, { keys, audit: { disk } });
    await app.start();
    const before = synced;
    await world.ask('mcollective', LEGACY_NODES, 2);
    expect(synced > before).toBe(waits);
    await app.stop();
  });

  it('is not held up in its own discovery by a disk that hangs', async () => {
    const { disk, state } = hangingDisk();
    const world = await makeAppWorld();
    const asking = (text: string) =>
      text.replace(
        'server_public_key: server.pem',
        'server_public_key: server.pem\n    discovery: { caller: cert=alice, every: 1 }',
      );
    const file = fileIn();
    const app = world.app(configOf(withAudit({ sinks: [{ file, ...STOP }] }, asking)), {
      keys,
      audit: { disk },
    });
    const starting = app.start();
    await vi.waitFor(() => expect(kindsIn(file)).toEqual(['start']));
    state.isFailing = true;
    await starting;
    await vi.waitFor(() => expect(app.nodes.snapshot()['legacy']?.['mcollective']).toHaveLength(2));
    expect(kindsIn(file)).toEqual(['start']);
    await app.stop();
  });

  it.each([
    ['a folder in which nothing can be written', () => fileIn(readOnlyFolder()), /cannot be written: /],
    ['a folder that is not there', () => '/nowhere/audit.log', /cannot be written: there is no such file/],
    [
      'a pipe, which would hang',
      () => {
        const pipe = fileIn();
        execFileSync('mkfifo', [pipe]);
        return pipe;
      },
      /cannot be written: it is a pipe, a device or a folder, and a file is wanted/,
    ],
    ['a device', () => '/dev/full', /and a file is wanted/],
  ])('does not start with %s, and says at which key', async (_, make, words) => {
    const world = await makeAppWorld();
    const app = world.app(configOf(withAudit({ sinks: [{ file: make() }] })), { keys });
    await expect(app.start()).rejects.toThrow(/audit\.sinks\[0\]\.file/);
    await expect(app.start()).rejects.toThrow(words);
  });

  it('is written to by one bridge only, before and after a reload, until that has ended', async () => {
    const world = await makeAppWorld();
    const file = fileIn();
    const config = configOf(withAudit({ key_file: 'audit.pem', sinks: [{ file }] }));
    const [one, other] = [world.app(config, { keys }), world.app(configOf(), { keys })];
    await one.start();
    await expect(world.app(config, { keys }).start()).rejects.toThrow(
      /audit\.sinks\[0\]\.file: .* cannot be written: another bridge has it, the process \d+ on /,
    );
    await other.start();
    await expect(other.apply(config)).rejects.toThrow('another bridge has it');
    await one.apply(configOf());
    await other.apply(config);
    await other.stop();
    await one.stop();
    expect(kindsIn(file).filter((kind) => kind === 'start')).toHaveLength(2);
    expect((await verified([file], key.verifier)).findings).toEqual([]);
  });

  it('is written where no socket can be made beside it, and the log says what is not noticed then', async () => {
    const world = await makeAppWorld();
    const file = fileInFullFolder();
    const app = world.app(configOf(withAudit({ sinks: [{ file }] })), { keys });
    await app.start();
    await app.stop();
    expect(kindsIn(file)).toEqual(['start']);
    expect(world.log.filter(({ fields }) => fields['event'] === 'audit_file')).toMatchObject([
      { level: 'warn', fields: { file } },
    ]);
  });

  it('refuses a key that is none, when it starts and when it reloads', async () => {
    const world = await makeAppWorld();
    const file = fileIn();
    const app = world.app(configOf(withAudit({ sinks: [{ file }] })), { keys });
    await app.start();
    const wrong = configOf(withAudit({ key_file: 'ca.pem', sinks: [{ file }] }));
    await expect(app.apply(wrong)).rejects.toThrow(/audit\.key_file: .*ca\.pem is not what it should be/);
    expect(await world.ask('mcollective', LEGACY_NODES, 2)).toHaveLength(2);
    await app.stop();
  });

  it('goes on with the chain of a file over a reload, closes one that is left, and begins another', async () => {
    const world = await makeAppWorld();
    const folder = makeFolder();
    const [kept, left, added] = ['kept', 'left', 'added'].map((name) => join(folder, name));
    const auditOf = (...files: (string | undefined)[]) =>
      configOf(withAudit({ key_file: 'audit.pem', sinks: files.map((file) => ({ file })) }));
    const app = world.app(auditOf(kept, left), { keys });
    await app.start();
    await world.ask('mcollective', LEGACY_NODES, 2);
    await app.apply(auditOf(kept, added));
    await world.ask('mcollective', LEGACY_NODES, 2);
    await app.stop();
    const [first = '', second = '', third = ''] = [kept, left, added];
    expect(kindsIn(first).filter((kind) => kind === 'request')).toHaveLength(2);
    expect(kindsIn(first).filter((kind) => kind === 'start')).toHaveLength(1);
    for (const one of [second, third])
      expect(kindsIn(one).filter((kind) => kind === 'request')).toHaveLength(1);
    expect((await verified([first, second, third], key.verifier)).findings).toEqual([]);
  });

  it('follows a reload in keys, heads, names and redaction, in the same chain', async () => {
    const world = await makeAppWorld();
    const file = fileIn();
    const app = world.app(configOf(withAudit({ sinks: [{ file }] })), { keys });
    const heard = await world.hear('audit.heads');
    await app.start();
    const data = new Map([['secret', 'x']]);
    await world.ask('mcollective', LEGACY_NODES, 2, data);
    const heads = { records: 1, nats: 'audit.heads' };
    const redact = { secret: 'drop' };
    const after = {
      key_file: 'audit.pem',
      network: 'federation',
      redact,
      names: 1,
      heads,
      sinks: [{ file }],
    };
    await app.apply(configOf(withAudit(after)));
    await world.ask('mcollective', LEGACY_NODES, 2, data);
    await vi.waitFor(() => expect(heard).not.toEqual([]));
    await app.stop();
    const records = recordsIn(file);
    expect(records.filter(({ mcbridge }) => mcbridge.kind === 'request')).toMatchObject([
      { data: { secret: 'x' }, mcbridge: { nodes: LEGACY_NODES } },
      { data: { secret: '[dropped]' }, mcbridge: { nodes: LEGACY_NODES.slice(0, 1) } },
    ]);
    expect(kindsIn(file).filter((kind) => kind === 'start')).toHaveLength(1);
    const signed = records.filter(({ mcbridge }) => mcbridge.kind === 'head').map(({ seq }) => seq);
    expect(signed).toContain(JSON.parse(heard[0]?.body ?? '').seq);
    expect((await verified([file], key.verifier)).findings).toEqual([]);
  });

  it('signs a head once the time for it has come, where there is anything new', async () => {
    const world = await makeAppWorld();
    const file = fileIn();
    const audit = { key_file: 'audit.pem', heads: { interval: 1 }, sinks: [{ file }] };
    const app = world.app(configOf(withAudit(audit)), { keys });
    await app.start();
    await world.ask('mcollective', LEGACY_NODES, 2);
    await vi.waitFor(() => expect(kindsIn(file)).toContain('head'));
    await app.stop();
    expect((await verified([file], key.verifier)).findings).toEqual([]);
  });

  it('writes nothing without the section, and nothing any more once it is gone', async () => {
    const world = await makeAppWorld();
    const file = fileIn();
    const app = world.app(configOf(), { keys });
    await app.start();
    await world.ask('mcollective', LEGACY_NODES, 2);
    expect(existsSync(file)).toBe(false);
    await app.apply(configOf(withAudit({ sinks: [{ file }] })));
    await world.ask('mcollective', LEGACY_NODES, 2);
    await app.apply(configOf());
    const before = kindsIn(file);
    expect(before.filter((kind) => kind === 'request')).toHaveLength(1);
    await world.ask('mcollective', LEGACY_NODES, 2);
    await app.stop();
    expect(kindsIn(file)).toEqual(before);
  });

  it('begins its file anew where it has been moved away and it is told so', async () => {
    const world = await makeAppWorld();
    const file = fileIn();
    const app = world.app(configOf(withAudit({ key_file: 'audit.pem', sinks: [{ file }] })), { keys });
    await app.start();
    await world.ask('mcollective', LEGACY_NODES, 2);
    const moved = join(dirname(file), 'moved');
    renameSync(file, moved);
    app.reopen();
    await vi.waitFor(() => expect(existsSync(file)).toBe(true));
    await world.ask('mcollective', LEGACY_NODES, 2);
    await app.stop();
    expect(kindsIn(moved).at(-1)).toBe('close');
    expect((await verified([file, moved], key.verifier)).findings).toEqual([]);
  });

  it('publishes records and heads on the network of the statistics, and prints them', async () => {
    const world = await makeAppWorld();
    const printed: string[] = [];
    const audit = {
      key_file: 'audit.pem',
      heads: { records: 1, nats: 'audit.heads' },
      sinks: [{ nats: 'audit.records', format: 'cloudevents' }, { stdout: true }],
    };
    const app = world.app(configOf(withAudit(audit)), {
      keys,
      audit: { print: async (text) => void printed.push(text) },
    });
    const heard = await world.hear('audit.>');
    await app.start();
    await world.ask('mcollective', LEGACY_NODES, 2);
    await vi.waitFor(() => expect(heard.some(({ destination }) => destination === 'audit.heads')).toBe(true));
    await vi.waitFor(() =>
      expect(
        heard
          .filter(({ destination }) => destination === 'audit.records')
          .map(({ body }) => JSON.parse(body).type),
      ).toEqual(expect.arrayContaining(['io.mcbridge.audit.v1.request', 'io.mcbridge.audit.v1.head'])),
    );
    await vi.waitFor(() => expect(printed.join('')).toContain('"kind":"request"'));
    await app.stop();
  });
});
