import { nkeys } from '@nats-io/transport-node';
import { afterEach, describe, expect, test } from 'vitest';
import type { App } from '../../src/app/app.ts';
import { createNatsLink } from '../../src/transport/nats/index.ts';
import type { Login } from '../../src/transport/nats/options.ts';
import { until } from '../adapters/world.ts';
import { changingFiles } from '../app/files/changing-files.ts';
import { load, some } from '../app/load.ts';
import { configOf, KEYS, LEGACY_NODES, makeAppWorld, memoryBrokers } from '../app/world.ts';
import { makeNatsOperator } from '../support/nats-jwt.ts';
import {
  type NatsServer,
  type NatsServerOptions,
  newerNatsServer,
  startNatsServer,
} from '../support/nats-server.ts';
import { type Identity, makeAuthority } from '../support/pki.ts';

const OLD = makeAuthority('rotation old');
const NEXT = makeAuthority('rotation next');
const BOTH = OLD.certificate + NEXT.certificate;
const SOON = { every: 200, within: 100 };

const makeSeed = () => {
  const pair = nkeys.createUser();
  return { seed: Buffer.from(pair.getSeed()).toString(), public: pair.getPublicKey() };
};
const SEEDS = [makeSeed(), makeSeed()] as const;

const ending: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

const serverOf = async (options: NatsServerOptions): Promise<NatsServer> => {
  const server = await startNatsServer(options);
  ending.push(() => server.stop());
  return server;
};

const tlsOf = ({ certificate: cert, privateKey: key }: Identity, ca: string) => ({ ca, cert, key });

/** An app whose federation is on a real nats-server with TLS, with files that the test writes. */
const start = async (
  server: NatsServer,
  {
    login = '',
    times = SOON,
    client: ofClient = login === '' ? {} : { user: 'client', password: 'client' },
  }: {
    readonly login?: string;
    readonly times?: typeof SOON;
    /** With what the test's own client logs in. */
    readonly client?: Login;
  } = {},
) => {
  const memory = memoryBrokers();
  const client = OLD.issue({ commonName: 'client' });
  const world = await makeAppWorld({
    link: (site) =>
      site === 'federation'
        ? createNatsLink({
            servers: [server.url],
            name: 'client',
            tls: { ...tlsOf(client, BOTH), verify: true },
            ...ofClient,
            onEvent: () => undefined,
          })
        : memory.link(site),
    transports: {
      open: (spec, options) =>
        spec.name === 'federation' ? spec.connect(options) : memory.transports.open(spec, options),
    },
  });
  ending.push(() => world.end());
  const files = changingFiles(KEYS);
  const write = ({ certificate, privateKey }: Identity): void => {
    files.write('/app/tls/cert.pem', certificate);
    files.write('/app/tls/key.pem', privateKey);
  };
  files.write('/app/tls/ca.pem', OLD.certificate);
  write(OLD.issue({ commonName: 'bridge' }));
  files.write('/app/tls/seed', '');
  const config = configOf({
    at: {
      federation: server.url,
      clients: 'stomp://clients:61613',
      legacy: 'stomp://legacy:61613',
      second: 'stomp://second:61613',
      choria: 'nats://choria:4222',
    },
    change: (text) =>
      text.replace(
        'insecure_plaintext: true',
        `tls: { ca: tls/ca.pem, cert: tls/cert.pem, key: tls/key.pem }\n${login}`,
      ),
  });
  const run = async (): Promise<App> => {
    const app = world.app(config, { keys: files, fileTimes: times });
    await app.start();
    ending.push(() => app.stop());
    return app;
  };
  const links = (): number => world.made.filter((name) => name === 'federation').length;
  const events = (event: string) => world.log.filter(({ fields }) => fields['event'] === event);
  return { world, files, write, run, links, events, config };
};

test('the CA of a side and its certificate are exchanged by overlap, on a real nats-server, under load', async () => {
  const ofServer = tlsOf(OLD.issue({ commonName: 'server' }), BOTH);
  const server = await serverOf({ tls: ofServer });
  const { world, files, write, run, links } = await start(server);
  const app = await run();
  const traffic = load(world, false);
  await some(traffic, 10);
  // Both CAs are believed.
  files.write('/app/tls/ca.pem', BOTH);
  await until('a connection that believes both', () => links() === 2);
  await some(traffic, 10);
  // The bridge shows a certificate of the next one.
  write(NEXT.issue({ commonName: 'bridge' }));
  await until('a connection with the next certificate', () => links() >= 3);
  await some(traffic, 10);
  expect(await traffic.end()).toEqual([]);
  expect(new Set(world.replies).size).toBe(world.replies.length);
  expect(app.status().counts).toMatchObject({ rejected: {}, expired: 0 });
  expect(app.status().refusedFiles).toEqual([]);
  // The broker has one of the next CA, and believes that alone: whoever is let in shows one of it.
  await server.stop();
  const next = tlsOf(NEXT.issue({ commonName: 'server' }), NEXT.certificate);
  await serverOf({ tls: next, port: server.port });
  await until('the connection again', () => app.status().links.every(({ up }) => up));
  const made = links();
  files.write('/app/tls/ca.pem', NEXT.certificate);
  await until('a connection that believes the next CA alone', () => links() > made);
  await until('that connection', () => app.status().links.every(({ up }) => up));
}, 240_000);

test('a certificate without its key is refused: the old one is kept, said once, and the pair is taken over when it fits', async () => {
  const server = await serverOf({ tls: tlsOf(OLD.issue({ commonName: 'server' }), OLD.certificate) });
  const { world, files, run, links, events } = await start(server);
  const app = await run();
  const next = OLD.issue({ commonName: 'bridge again' });
  files.write('/app/tls/cert.pem', next.certificate);
  await until('a refusal', () => app.status().refusedFiles.length === 1);
  expect(app.status().refusedFiles).toMatchObject([
    { link: 'federation', reason: expect.stringContaining('key') },
  ]);
  expect(await world.ask('mcollective', undefined, 2)).toHaveLength(LEGACY_NODES.length);
  // The old one is in force still when another configuration comes for another reason.
  expect(links()).toBe(1);
  files.write('/app/tls/key.pem', next.privateKey);
  await until('the connection with the new pair', () => links() === 2);
  await until('no refusal', () => app.status().refusedFiles.length === 0);
  expect(await world.ask('mcollective', undefined, 2)).toHaveLength(LEGACY_NODES.length);
  expect(events('files_refused')).toHaveLength(1);
  await until('a line about it', () => events('files_renewed').length === 1);
}, 240_000);

test('a certificate without its key refuses another configuration also while its link is down', async () => {
  const server = await serverOf({ tls: tlsOf(OLD.issue({ commonName: 'server' }), OLD.certificate) });
  const { files, run, config } = await start(server);
  const app = await run();
  await server.stop();
  await until('a link that is down', () => app.status().links.some(({ up }) => !up));
  files.write('/app/tls/cert.pem', OLD.issue({ commonName: 'bridge again' }).certificate);
  await expect(app.apply(config)).rejects.toThrow(/key/);
}, 240_000);

const SERVERS = [
  ['nats-server', () => undefined],
  ['a newer nats-server', newerNatsServer],
] as const;

const ofProgram = (program: string | undefined): Pick<NatsServerOptions, 'program'> =>
  program === undefined ? {} : { program };

describe.each(SERVERS)('on %s', (_, programOf) => {
  /** Nobody looks at the files for as long as these tests take: each attempt reads them. */
  const NEVER = { every: 3_600_000, within: 0 };

  test('a .creds file is taken over when it changes, and read anew at each attempt', async () => {
    const operator = makeNatsOperator();
    const soon = Math.floor(Date.now() / 1000) + 3_600;
    const server = await serverOf({
      ...ofProgram(programOf()),
      tls: tlsOf(OLD.issue({ commonName: 'server' }), OLD.certificate),
      extra: operator.config,
    });
    const { world, files, run, links } = await start(server, {
      login: '    credentials: tls/seed',
      client: { credentials: operator.credentials('client') },
    });
    files.write('/app/tls/seed', operator.credentials('bridge', soon));
    const app = await run();
    expect(await world.ask('mcollective', undefined, 2)).toHaveLength(LEGACY_NODES.length);
    files.write('/app/tls/seed', operator.credentials('bridge again'));
    await until('a connection with the next token', () => links() === 2);
    await until('that connection', () => app.status().links.every(({ up }) => up));
    expect(await world.ask('mcollective', undefined, 2)).toHaveLength(LEGACY_NODES.length);
    // One that has ended is refused, and the one before stays.
    files.write('/app/tls/seed', operator.credentials('late', Math.floor(Date.now() / 1000) - 60));
    await until('a refusal', () => app.status().refusedFiles.length === 1);
    expect(app.status().refusedFiles[0]?.reason).toContain('the token of late has ended');
    expect(await world.ask('mcollective', undefined, 2)).toHaveLength(LEGACY_NODES.length);
  }, 240_000);

  test('a .creds file of another operator gets the bridge in again where the server has changed', async () => {
    const [before, after] = [makeNatsOperator(), makeNatsOperator()];
    const server = await serverOf({
      ...ofProgram(programOf()),
      tls: tlsOf(OLD.issue({ commonName: 'server' }), OLD.certificate),
      extra: before.config,
    });
    const { files, run, links, events } = await start(server, {
      login: '    credentials: tls/seed',
      times: NEVER,
      client: { credentials: before.credentials('client') },
    });
    files.write('/app/tls/seed', before.credentials('bridge'));
    const app = await run();
    files.write('/app/tls/seed', after.credentials('bridge'));
    await server.reconfigure(after.config);
    await server.restart();
    await until('the connection again', () => events('connected').length === 2);
    expect(app.status().links.every(({ up }) => up)).toBe(true);
    expect(links()).toBe(1);
  }, 240_000);

  test('a token of the server is read anew at each attempt', async () => {
    const tokens = (token: string): string => `authorization { token: "${token}" }`;
    const server = await serverOf({
      ...ofProgram(programOf()),
      tls: tlsOf(OLD.issue({ commonName: 'server' }), OLD.certificate),
      extra: tokens('the first token'),
    });
    const { files, run, links, events } = await start(server, {
      login: '    token_file: tls/seed',
      times: NEVER,
      client: { token: 'the first token' },
    });
    files.write('/app/tls/seed', 'the first token');
    const app = await run();
    files.write('/app/tls/seed', 'the next token');
    await server.reconfigure(tokens('the next token'));
    await server.restart();
    await until('the connection again', () => events('connected').length === 2);
    expect(app.status().links.every(({ up }) => up)).toBe(true);
    expect(links()).toBe(1);
  }, 240_000);
});

test('an NKey is read anew at each attempt: a broker that takes the next one alone gets it, without a new link', async () => {
  const users = (nkey: string): string =>
    `authorization { users: [{ nkey: ${nkey} }, { user: client, password: client }] }`;
  const [old, next] = [SEEDS[0], SEEDS[1]] as const;
  const server = await serverOf({
    tls: tlsOf(OLD.issue({ commonName: 'server' }), OLD.certificate),
    extra: users(old.public),
  });
  // Nobody looks at the files for as long as this test takes.
  const { world, files, run, links } = await start(server, {
    login: '    nkey: tls/seed',
    times: { every: 3_600_000, within: 0 },
  });
  files.write('/app/tls/seed', old.seed);
  const app = await run();
  files.write('/app/tls/seed', next.seed);
  await server.reconfigure(users(next.public));
  await server.restart();
  await until('the connection again', () => app.status().links.every(({ up }) => up));
  expect(links()).toBe(1);
  expect(await world.ask('mcollective', undefined, 2)).toHaveLength(LEGACY_NODES.length);
}, 240_000);
