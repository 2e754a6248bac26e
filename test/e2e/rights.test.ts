import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ActiveMqAcl } from '../support/activemq.ts';
import type { BridgeProcess } from '../support/bridge.ts';
import type { ChoriaClient } from '../support/choria-client.ts';
import { ADMIN, DAEMON, documentedAnd } from '../support/documented-acls.ts';
import { type BridgeConfig, CLUSTER, NODE1, startWorld, type World } from '../support/world.ts';
import { fetchPage, health } from '../telemetry/pages.ts';

/** As long as the longest pause between two questions, and a broker's start. */
const PATIENCE = { timeout: 90_000, interval: 50 };

const HEAR_REPLIES = `/queue/mcollective.reply.${CLUSTER}.>`;
const REQUESTS = `choria.federation.${CLUSTER}.federation`;
const STATS = `choria.federation.${CLUSTER}.stats`;

let world: World;
let client: ChoriaClient;
let bridge: BridgeProcess;
let mend: (() => Promise<void>) | undefined;

/** What the bridge's user may do on NATS; everybody else logs in without a name and may do everything. */
const permissions = (publish: readonly string[], subscribe: readonly string[]): string =>
  `authorization { users: [
    { user: open, password: "x" }
    { user: bridge, password: "x", permissions: {
      publish: { allow: ${JSON.stringify(publish)} }, subscribe: { allow: ${JSON.stringify(subscribe)} } } }
  ] }
  no_auth_user: open`;

const ALL = permissions(['mcollective.reply.>', STATS], [REQUESTS, STATS]);

const own = ['mcollective'];
const READS: ActiveMqAcl = {
  queue: `mcollective.reply.${CLUSTER}.>`,
  read: 'mcollective',
  admin: 'mcollective',
};
const WRITES: readonly ActiveMqAcl[] = [
  { queue: 'mcollective.nodes', read: 'mcollective', write: 'mcollective', admin: 'mcollective' },
  { topic: 'mcollective.*.agent', read: 'mcollective', write: 'mcollective', admin: 'mcollective' },
];
const GRANTED = documentedAnd([READS, ...WRITES]);

/** The account of the daemons, as the documentation of many a fleet has it. */
const oneCollective = (config: BridgeConfig): object => {
  const [route] = config.routes;
  const { federation } = config.ingresses;
  return {
    ...config,
    ingresses: { federation: { ...federation, user: 'bridge', password: 'x' } },
    egresses: { legacy: { ...config.egresses.legacy, user: DAEMON.name, password: DAEMON.password } },
    routes: [{ ...route, collectives: own }],
  };
};

beforeAll(async () => {
  world = await startWorld({
    nodes: [NODE1],
    activemq: () => ({ users: [ADMIN, DAEMON], acls: GRANTED }),
  });
  await world.nats.reconfigure(ALL);
  await world.nats.restart();
  client = await world.client({ dialect: 'go' });
}, 120_000);

afterEach(async () => {
  await bridge?.child.kill();
  // Where a test failed.
  await mend?.();
});
afterAll(() => world?.stop());

const readiness = async () => {
  const { status, text } = await fetchPage(bridge, '/readyz');
  return { status, ...health.parse(JSON.parse(text)) };
};

const untilReady = () =>
  vi.waitFor(async () => expect(await readiness()).toMatchObject({ status: 200, troubles: [] }), PATIENCE);

const untilItSays = (link: string, reason: RegExp) =>
  vi.waitFor(async () => {
    const it = await readiness();
    expect(it).toMatchObject({ status: 503, ready: false });
    // A side waits for the one that replies come home by.
    expect(it.troubles.filter(({ problem }) => problem !== 'not connected')).toEqual([
      {
        name: link,
        problem: 'not permitted',
        reason: expect.stringMatching(reason),
      },
    ]);
  }, PATIENCE);

/** It tells of each right in one line, shows no stack, and lives on. */
const expectCalm = (destination: string): void => {
  const told = bridge.lines().filter(({ event }) => event === 'not_permitted');
  const destinations = told.map((line) => line['destination']);
  expect(destinations).toContain(destination);
  expect(new Set(destinations).size).toBe(destinations.length);
  expect(bridge.child.log()).not.toMatch(/\n\s+at |"stack"|\bat org\.apache|SecurityException/);
  expect(bridge.lines().filter((line) => Number(line['level']) >= 50 || line['level'] === 'error')).toEqual(
    [],
  );
};

const works = async (): Promise<void> => {
  // The daemon comes back to a broker that was started anew when it likes.
  await vi.waitFor(
    async () => expect(await client.discover({ timeout: 5_000, expect: 1 })).toEqual([NODE1]),
    PATIENCE,
  );
  const replies = await ask();
  expect(replies).toHaveLength(1);
};

const ask = (timeout = 10_000) =>
  client.rpc({ agent: 'rpcutil', action: 'ping', targets: [NODE1], expect: 1, timeout });

/** What the bridge lacks, how it is seen, and how the broker's owner mends it while the bridge runs. */
interface Case {
  readonly name: string;
  readonly link: string;
  /** Takes the right away. */
  readonly take: () => Promise<void>;
  readonly grant: () => Promise<void>;
  readonly destination: string;
  readonly reason: RegExp;
}

const permit = async (extra: string): Promise<void> => {
  await world.nats.reconfigure(extra);
  world.nats.signal('SIGHUP');
};

const nats = (publish: readonly string[], subscribe: readonly string[]) => ({
  link: 'federation',
  take: async () => {
    await world.nats.reconfigure(permissions(publish, subscribe));
    await world.nats.restart();
  },
  grant: () => permit(ALL),
});

const activemq = (acls: readonly ActiveMqAcl[]) => ({
  link: 'legacy',
  take: () => world.activemq.restart(undefined, documentedAnd(acls)),
  grant: () => world.activemq.restart(undefined, GRANTED),
});

describe('a bridge that may not subscribe keeps trying, says so by one line and /readyz, and goes on by itself:', () => {
  const cases: readonly Case[] = [
    {
      name: 'ActiveMQ with the documented ACLs',
      ...activemq([]),
      destination: HEAR_REPLIES,
      reason:
        /no right to subscribe to \/queue\/mcollective\.reply\.production\.>; it is needed to hear replies of nodes \(.*<authorizationEntry queue="mcollective\.reply\.production\.>" read="GROUP" admin="GROUP"\/>\)/,
    },
    {
      name: 'NATS with permissions',
      ...nats(['mcollective.reply.>', STATS], [STATS]),
      destination: REQUESTS,
      reason:
        /no right to subscribe to "choria\.federation\.production\.federation" in queue group "production_federation"; it is needed to hear requests \(.*subscribe: \{ allow: \["choria\.federation\.production\.federation"\] \}\)/,
    },
  ];
  it.each(cases)('$name', async ({ link, take, grant, destination, reason }) => {
    mend = grant;
    await take();
    bridge = world.launch(oneCollective);
    await untilItSays(link, reason);
    expect((await readiness()).phase).toBe('starting');
    // Further refusals are no news.
    await vi.waitFor(
      () => expect(bridge.lines().some(({ event }) => event === 'not_permitted')).toBe(true),
      PATIENCE,
    );
    expectCalm(destination);
    await grant();
    mend = undefined;
    await untilReady();
    expect(bridge.lines().filter(({ event }) => event === 'starting')).toHaveLength(1);
    await works();
  });
});

describe('a bridge that may not publish says so by one line and /readyz once a message was refused, until it may:', () => {
  const cases: readonly Case[] = [
    {
      name: 'ActiveMQ with the documented ACLs and the right to hear replies',
      ...activemq([READS]),
      destination: '/queue/mcollective.nodes',
      reason:
        /no right to publish to \/queue\/mcollective\.nodes; it is needed to send directed requests \(.*<authorizationEntry queue="mcollective\.nodes" write="GROUP" admin="GROUP"\/>\)/,
    },
    {
      name: 'NATS with permissions',
      ...nats([STATS], [REQUESTS, STATS]),
      destination: 'mcollective.reply.>',
      reason:
        /no right to publish to "mcollective\.reply\.mcbridge_check\.1"; it is needed to answer clients \(.*publish: \{ allow: \["mcollective\.reply\.>"\] \}\)/,
    },
  ];
  it.each(cases)('$name', async ({ link, take, grant, destination, reason }) => {
    mend = grant;
    await take();
    bridge = world.launch(oneCollective);
    await untilReady();
    // Each with a place of its own for the reply.
    for (let i = 0; i < 5; i++) expect(await ask(200)).toEqual([]);
    await untilItSays(link, reason);
    expectCalm(destination);
    await grant();
    mend = undefined;
    await untilReady();
    await bridge.line(
      ({ event, ...line }) => event === 'permitted' && line['destination'] === destination,
      'that it may now',
    );
    await works();
  });
});
