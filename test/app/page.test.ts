import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Services } from '../../src/app/services.ts';
import { startPage } from '../../src/page/server.ts';
import { MemoryBroker, NATS_RULES } from '../../src/transport/memory/broker.ts';
import { makeFolder } from '../audit/world.ts';
import { get, listen, type Told } from '../page/client.ts';
import { type AppWorld, configOf, LEGACY_NODES, makeAppWorld, memoryBrokers, type Parts } from './world.ts';

const page: NonNullable<Services['page']> = (options) => {
  const folder = makeFolder();
  writeFileSync(join(folder, 'index.html'), 'the page');
  return startPage({ ...options, folder });
};

/** Where the page is now. */
const portOf = ({ log }: Pick<AppWorld, 'log'>): number => {
  const url = log.findLast(({ fields }) => fields['event'] === 'page')?.fields['url'];
  return Number(new URL(String(url)).port);
};

/** An audit that leaves one input out. */
const audited = (): string => {
  const audit = { redact: { password: 'drop' }, sinks: [{ file: join(makeFolder(), 'audit.log') }] };
  return `audit: ${JSON.stringify(audit)}\n`;
};

/** All lines that a page was told. */
const linesOf = (told: readonly Told[]) =>
  told.flatMap(({ event, data }) => (event === 'trail' ? data.lines : []));

const withPage = (more = ''): Parts => ({
  change: (text) => `${text}page: { listen: '127.0.0.1:0' }\n${more}`,
});

const startedApp = async (parts: Parts) => {
  const world = await makeAppWorld();
  const app = world.app(configOf(parts), { page });
  await app.start();
  onTestFinished(async () => {
    await app.stop();
    await world.end();
  });
  return { world, app, port: portOf(world) };
};

const WEB = `  web:
    type: websocket
    listen: 127.0.0.1:8443
    tokens: { issuer: 'https://login.example.net', audience: mcbridge, jwks_url: 'https://login.example.net/keys' }
`;
const FROM_WEB = `  - from: web
    to: legacy
    collectives: [mcollective]
    identities: [{ exact: oidc=alice, to: cert=alice }]
`;

const DATA = new Map([['password', 'hunter2']]);

describe('the live page of an app', () => {
  it('shows a request with its replies, and its inputs to nobody where no audit says which may be seen', async () => {
    const { world, port } = await startedApp(withPage());
    const { told } = await listen(port);
    await world.ask('mcollective', LEGACY_NODES, 2, DATA);
    const lines = () => linesOf(told);
    await vi.waitFor(() =>
      expect(lines().at(-1)).toMatchObject({
        ...{ caller: 'choria=alice.mcollective', mapped: 'cert=alice', agent: 'rpcutil', action: 'ping' },
        ...{
          ingress: 'federation',
          egress: 'legacy',
          verdict: 'allow',
          targets: 2,
          replies: { ok: 2 },
          done: true,
        },
      }),
    );
    const { body } = await get(port, `/request?id=${lines().at(-1).id}`);
    expect(JSON.parse(body)).toMatchObject({
      data: '{"process_results":"[dropped]","password":"[dropped]"}',
      nodes: LEGACY_NODES,
      answers: [{ result: 'ok' }, { result: 'ok' }],
    });
    expect(JSON.stringify(told)).not.toContain('hunter2');
  });

  it('shows inputs as the audit writes them, and what the audit hears is the same', async () => {
    const { world, port } = await startedApp(withPage(audited()));
    const { told } = await listen(port);
    await world.ask('mcollective', LEGACY_NODES, 2, new Map([...DATA, ['package', 'nginx']]));
    await vi.waitFor(() => expect(told.some(({ event }) => event === 'trail')).toBe(true));
    const [line] = linesOf(told);
    const { body } = await get(port, `/request?id=${line.id}`);
    expect(JSON.parse(JSON.parse(body).data)).toEqual({
      ...{ password: '[dropped]', package: 'nginx', process_results: true },
    });
  });

  it('opens a request in both wire forms, without the inputs that the audit leaves out', async () => {
    const { world, port } = await startedApp(withPage(audited()));
    const { told } = await listen(port);
    const data = new Map([...DATA, ['package', 'nginx']]);
    await Promise.all([
      world.ask('mcollective', LEGACY_NODES, 2, data),
      world.mco(undefined, 2),
      world.mco('c1.example.net', 1),
    ]);
    const idsOf = (ingress: string): readonly string[] => [
      ...new Set(
        linesOf(told).flatMap((line: { id: string; ingress: string }) =>
          line.ingress === ingress ? [line.id] : [],
        ),
      ),
    ];
    await vi.waitFor(() => expect([idsOf('federation').length, idsOf('clients').length]).toEqual([1, 2]));
    const opened = async (id: string) => JSON.parse((await get(port, `/request?id=${id}`)).body);
    const textOf = ({ lines }: { lines: { text: string }[][] }): string =>
      lines.map((line) => line.map(({ text }) => text).join('')).join('\n');
    const [federated = ''] = idsOf('federation');
    const { came, sent, sentMessages } = await opened(federated);
    expect([came.link, sent.link, sentMessages]).toEqual(['federation', 'legacy', 2]);
    expect(textOf(came)).toMatch(/Choria transport.*choria=alice\.mcollective.*nginx/s);
    expect(textOf(sent)).toMatch(/MCollective request.*cert=alice.*nginx/s);
    for (const shown of [came, sent]) {
      expect(textOf(shown)).toContain('password: "[dropped]"');
      expect(textOf(shown)).not.toContain('hunter2');
      // Whatever is read of it, its text in base64 would be it too: at any of the three places in a group.
      for (const before of ['', 'x', 'xx'])
        expect(textOf(shown)).not.toContain(
          Buffer.from(`${before}hunter2`)
            .toString('base64')
            .slice(before.length === 0 ? 0 : 4, 8),
        );
    }
    for (const id of idsOf('clients')) {
      const legacy = await opened(id);
      expect(textOf(legacy.came)).toMatch(/MCollective request.*cert=alice/s);
      expect(textOf(legacy.sent)).toMatch(/Choria .*choria=alice\.mcollective/s);
    }
  });

  it('shows why a request was refused', async () => {
    const { world, port } = await startedApp({
      change: (text) =>
        `${text.replace('exact: choria=alice.mcollective, to: cert=alice', 'exact: choria=carol.mcollective, to: cert=alice')}page: { listen: '127.0.0.1:0' }\n`,
    });
    const { told } = await listen(port);
    await world.ask('mcollective', LEGACY_NODES, 1);
    await vi.waitFor(() =>
      expect(linesOf(told)).toMatchObject([
        {
          verdict: 'refused',
          code: 'no_mapping',
          reason: expect.stringContaining('choria=alice.mcollective'),
        },
      ]),
    );
    await vi.waitFor(() =>
      expect(told.filter(({ event }) => event === 'state').at(-1)?.data.status.refusals).toMatchObject([
        { reason: 'no_mapping', count: 1, last: [{ sentence: expect.any(String) }] },
      ]),
    );
    const { last } = told.filter(({ event }) => event === 'state').at(-1)?.data.status.refusals[0] ?? {};
    expect(Object.keys(last[0])).toEqual(['at', 'stage', 'sentence']);
  });

  it('comes and goes by a reload, and remembers nothing of before', async () => {
    const { world, app, port } = await startedApp(withPage());
    await world.ask('mcollective', LEGACY_NODES, 2);
    await app.apply(configOf());
    await expect(get(port, '/')).rejects.toThrow('ECONNREFUSED');
    await app.apply(configOf(withPage()));
    const { told } = await listen(portOf(world));
    await vi.waitFor(() => expect(told[0]).toMatchObject({ event: 'snapshot', data: { trail: [] } }));
  });

  it('may connect to the ingresses that take it now, also after a reload', async () => {
    const { link, transports } = memoryBrokers();
    const sessions = new MemoryBroker(NATS_RULES);
    const world = await makeAppWorld({
      link,
      transports: {
        open: (spec, options) => (spec.name === 'web' ? sessions.link() : transports.open(spec, options)),
      },
    });
    const withWeb = (origins: string) =>
      configOf({
        change: (text) =>
          `${text
            .replace('ingresses:\n', `ingresses:\n${WEB}    origins: [${origins}]\n`)
            .replace('routes:\n', `routes:\n${FROM_WEB}`)}page: { listen: '127.0.0.1:0' }\n`,
      });
    const app = world.app(withWeb(''), { page });
    await app.start();
    onTestFinished(async () => {
      await app.stop();
      await world.end();
    });
    const port = portOf(world);
    const asked = (path: string) => get(port, path);
    const policy = async () => String((await asked('/')).headers['content-security-policy']);
    expect(await policy()).not.toContain('connect-src');
    await app.apply(withWeb('http://127.0.0.1:8223'));
    expect(await policy()).toContain("connect-src 'self' ws://127.0.0.1:8443");
    expect(JSON.parse((await asked('/consoles')).body)).toEqual([
      { ingress: 'web', url: 'ws://127.0.0.1:8443' },
    ]);
    await app.apply(withWeb('https://ops.example.net'));
    expect(await policy()).not.toContain('connect-src');
  });

  it('is there, or the bridge does not start', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void taken.close());
    const address = taken.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const change = (text: string) => `${text}page: { listen: '127.0.0.1:${port}' }\n`;
    const world = await makeAppWorld();
    await expect(world.app(configOf({ change }), { page }).start()).rejects.toThrow(
      /page\.listen: 127\.0\.0\.1:\d+ is in use already/,
    );
    await world.end();
  });

  it('names an address of IPv6 that cannot be had as the file has it', async () => {
    const taken = async (): Promise<never> => {
      throw Object.assign(new Error('taken'), { code: 'EADDRINUSE' });
    };
    const change = (text: string) => `${text}page: { listen: '[::1]:8223' }\n`;
    const world = await makeAppWorld();
    await expect(world.app(configOf({ change }), { page: taken }).start()).rejects.toThrow(
      /page\.listen: \[::1\]:8223 is in use already/,
    );
    await world.end();
  });

  it('is nowhere where nobody serves it', async () => {
    const world = await makeAppWorld();
    const app = world.app(configOf(withPage()));
    await app.start();
    expect(world.log.some(({ fields }) => fields['event'] === 'page')).toBe(false);
    await app.stop();
    await world.end();
  });
});
