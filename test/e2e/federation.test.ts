import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { stopAndCount } from '../support/bridge.ts';
import { opaqueReplies, opaqueRequests, openRawLink, tally } from '../support/burst.ts';
import { makeV2Key, makeV2Request, makeV2Token, parseV2Reply, type V2Reply } from '../support/choria-v2.ts';
import {
  EAST,
  type FederationWorld,
  ISSUER,
  MODERN,
  PING,
  startFederationWorld,
  WEST,
} from '../support/federation-world.ts';
import { CLUSTER, NODE1 } from '../support/world.ts';
import { parseExposition } from '../telemetry/prometheus.ts';
import { startProxy } from '../transport/stomp/proxy.ts';

const PATIENCE = { timeout: 60_000, interval: 100 };

let federation: FederationWorld;

beforeAll(async () => {
  federation = await startFederationWorld([NODE1]);
});

afterEach(() => federation.forget());

afterAll(() => federation?.stop());

const members = [
  { dialect: 'ruby', collective: 'east', nodes: EAST },
  { dialect: 'go', collective: 'west', nodes: WEST },
] as const;

describe.each(members)('a client of the $dialect dialect', ({ dialect, collective, nodes }) => {
  /** Every node of the list got the one request once, and nobody else anything. */
  const expectDelivered = (expected: readonly string[]): void => {
    for (const [name, one] of Object.entries(federation.fleets))
      expect(
        one
          .received()
          .map(({ node }) => node)
          .toSorted(),
        name,
      ).toEqual(name === collective ? expected : []);
    for (const one of Object.values(federation.fleets)) expect(one.refused()).toEqual([]);
  };

  test('discovers the nodes of a member collective, and asks each once', async () => {
    expect(await federation.clients[dialect].discover({ collective, timeout: 1_500 })).toEqual(nodes);
    expectDelivered(nodes);
  });

  test('discovers by a filter that only nodes look at', async () => {
    const found = await federation.clients[dialect].discover({
      collective,
      filter: { identity: ['/^n[24]/'], agent: ['rpcutil'] },
      timeout: 1_500,
    });
    expect(found).toEqual([nodes[1], nodes[3]]);
    expectDelivered(nodes);
  });

  test('calls all nodes at once', async () => {
    const replies = await federation.clients[dialect].rpc({
      collective,
      agent: 'rpcutil',
      action: 'ping',
      timeout: 1_500,
    });
    expect(replies.map(({ sender, rpc }) => [sender, rpc?.statuscode, rpc?.data])).toEqual(
      nodes.map((node) => [node, 0, { pong: expect.any(Number) }]),
    );
    expectDelivered(nodes);
  });

  test('calls the nodes that it names, by its own name', async () => {
    const targets = nodes.filter((_, index) => index % 2 === 0);
    const replies = await federation.clients[dialect].rpc({
      collective,
      agent: 'rpcutil',
      action: 'ping',
      targets,
      // A fourth would have had the time to come.
      expect: 4,
      timeout: 1_500,
    });
    expect(replies.map(({ sender }) => sender)).toEqual(targets);
    expectDelivered(targets);
    for (const one of federation.fleets[collective].received())
      expect(one.caller).toBe('choria=alice.mcollective');
  });

  test('gets the replies of those that exist of 450 that it names', async () => {
    const ghosts = Array.from({ length: 445 }, (_, n) => `ghost${n}.example.net`);
    const targets = [...ghosts.slice(0, 150), ...nodes.slice(0, 2), ...ghosts.slice(150), ...nodes.slice(2)];
    const replies = await federation.clients[dialect].rpc({
      collective,
      agent: 'rpcutil',
      action: 'ping',
      targets,
      expect: nodes.length,
    });
    expect(replies.map(({ sender }) => sender)).toEqual(nodes);
    expectDelivered(nodes);
  });

  test('gets the hops that it asks for, as they were recorded', async () => {
    const [node = ''] = nodes;
    const [reply] = await federation.clients[dialect].rpc({
      collective,
      agent: 'rpcutil',
      action: 'ping',
      targets: [node],
      trace: true,
    });
    const [there, here] = [federation.world.nats.url, federation[collective].nats.url];
    const out = [
      dialect === 'ruby' ? ['alice.mcollective', there] : [there, 'alice.mcollective', there],
      [there, 'production:1', here],
    ];
    expect(federation.fleets[collective].received()[0]?.hops).toEqual(out);
    expect(reply?.hops).toEqual([...out, [here, node, here], [here, 'production:1', there]]);
  });
});

test('nodes see what the recorded broker showed them: the bridge in reply-to, the client in the federation header', async () => {
  const built = federation.clients.ruby.buildRequest({
    collective: 'east',
    agent: 'rpcutil',
    body: PING,
    targets: EAST,
  });
  await federation.clients.ruby.send(built, { expect: EAST.length });
  for (const { headers } of federation.fleets.east.received())
    expect(headers).toEqual({
      mc_sender: 'alice.mcollective',
      'reply-to': 'choria.federation.production.collective',
      federation: { req: built.requestId, 'reply-to': built.replyTo },
    });
});

test('one node of a service gets each request', async () => {
  for (let round = 0; round < 10; round++) {
    const built = federation.clients.ruby.buildRequest({
      collective: 'east',
      agent: 'registry',
      body: '{"agent":"registry","action":"ping","data":{}}',
      targetSubjects: ['east.broadcast.service.registry'],
    });
    expect(await federation.clients.ruby.send(built, { expect: 1 })).toHaveLength(1);
    expect([...federation.fleets.east.deliveries(built.requestId).values()]).toEqual([1]);
  }
});

describe('protocol 2', () => {
  const ask = async (agent: string, body: string, targets: readonly string[], expected: number) => {
    const key = makeV2Key();
    const callerid = 'choria=alice';
    const now = Date.now();
    const caller = { callerid, key, token: makeV2Token(ISSUER, key, callerid, now) };
    const trace = federation.world.nats.url;
    const request = makeV2Request(caller, { collective: 'modern', agent, body, targets, now, trace });
    const replies: V2Reply[] = [];
    const who = federation.clients.go;
    await who.subscribe(request.replyTo, (payload) => {
      replies.push(parseV2Reply(payload, request.requestId));
    });
    await who.publish('choria.federation.production.federation', request.payload, request.replyTo);
    await vi.waitFor(() => expect(replies).toHaveLength(expected), { timeout: 60_000 });
    expect(federation.fleets.modern.refused()).toEqual([]);
    expect(federation.fleets.modern.received()).toHaveLength(expected);
    return { request, replies: replies.toSorted((a, b) => (a.sender < b.sender ? -1 : 1)) };
  };

  test('passes both ways in discovery', async () => {
    const { replies } = await ask('discovery', 'cGluZw==', ['modern.broadcast.agent.discovery'], 2);
    expect(replies.map(({ sender, body }) => [sender, body])).toEqual(MODERN.map((node) => [node, 'pong']));
  });

  test('passes both ways for named nodes, with its trace', async () => {
    const targets = MODERN.map((node) => `modern.node.${node}`);
    const { replies } = await ask('rpcutil', PING, targets, 2);
    expect(replies.map(({ sender }) => sender)).toEqual(MODERN);
    const [there, here] = [federation.world.nats.url, federation.east.nats.url];
    for (const { sender, body, headers } of replies) {
      expect(JSON.parse(body)).toMatchObject({ statuscode: 0, statusmsg: 'OK' });
      expect(headers).toEqual({
        sender,
        trace: [
          [there, 'client.example.net', there],
          [there, 'production:1', here],
          [here, sender, here],
          [here, 'production:1', there],
        ],
      });
    }
  });
});

test('one bridge translates for a legacy collective while it passes requests to two others', async () => {
  const [one, two, three] = await Promise.all([
    federation.clients.ruby.rpc({ agent: 'rpcutil', action: 'ping', targets: [NODE1] }),
    federation.clients.ruby.rpc({ agent: 'rpcutil', action: 'ping', targets: EAST, collective: 'east' }),
    federation.clients.go.rpc({ agent: 'rpcutil', action: 'ping', targets: WEST, collective: 'west' }),
  ]);
  expect([one, two, three].map((replies) => replies.map(({ sender }) => sender))).toEqual([
    [NODE1],
    EAST,
    WEST,
  ]);
  for (const reply of [...one, ...two, ...three]) expect(reply.rpc?.statuscode).toBe(0);
});

describe('a burst passes whole, while every link is up:', () => {
  const stage = async () => {
    const { world, east } = federation;
    const { certificate: cert, privateKey: key } = world.authority.issue({ commonName: 'burst.mcollective' });
    const tls = { ca: world.authority.certificate, cert, key };
    const clients = await openRawLink({ url: world.nats.url, tls });
    const inside = east.tls(east.authority.issue({ commonName: 'burst.east.example.net' }));
    const nodes = await openRawLink({ url: east.nats.url, tls: inside });
    const close = () => Promise.all([clients.close(), nodes.close()]);
    return { clients, nodes, close };
  };
  const to = { cluster: CLUSTER, collective: 'east' };

  test('75 requests of 200 targets each', async () => {
    const { clients, nodes, close } = await stage();
    const delivered = await tally(nodes, 'east.node.>');
    for (const request of opaqueRequests({ ...to, requests: 75, targets: 200 })) clients.send(request);
    await vi.waitFor(() => expect(delivered.count).toBe(15_000), PATIENCE);
    expect(delivered.by.size).toBe(200);
    expect(new Set(delivered.by.values())).toEqual(new Set([75]));
    await close();
  }, 90_000);

  test('15,000 replies to one client', async () => {
    const { clients, nodes, close } = await stage();
    const home = await tally(clients, 'east.reply.>');
    for (const reply of opaqueReplies({ ...to, replies: 15_000 })) nodes.send(reply);
    await vi.waitFor(() => expect(home.count).toBe(15_000), PATIENCE);
    await close();
  }, 90_000);
});

test('one log line a request tells where it passed, and the totals fit', async () => {
  const requestId = '0123456789abcdef0123456789abcdef';
  await federation.clients.go.rpc({
    collective: 'west',
    agent: 'rpcutil',
    action: 'ping',
    targets: WEST,
    requestId,
  });
  const line = await federation.bridge.line(
    (it) => it['request_id'] === requestId && it.event === 'request',
    'the request',
  );
  expect(line).toMatchObject({
    caller_in: 'choria=alice.mcollective',
    sender: 'alice.mcollective',
    collective: 'west',
    route: 'federation → west',
    targets: 5,
    replies: 5,
    unheard: 0,
    duration_ms: expect.any(Number),
  });
  const counts = await stopAndCount(federation.bridge);
  expect(counts.requestsSent).toBe(counts.requestsReceived);
  expect(counts.repliesSent).toBe(counts.repliesReceived);
  expect(counts).toMatchObject({ rejected: {}, expired: 0, errorsSent: 0 });
});

test('a server that comes back with a lower max_payload costs only the request that is too large', async () => {
  const { world, west } = federation;
  const cluster = 'narrow';
  const proxy = await startProxy(west.nats.port);
  const bridge = await world.bridge((config) => ({
    ...config,
    cluster,
    egresses: {
      west: {
        type: 'choria-collective',
        ...west.connection,
        servers: [`nats://127.0.0.1:${proxy.port}`],
      },
    },
    routes: [{ from: 'federation', to: 'west', collectives: ['west'] }],
  }));
  const native = await world.client({
    url: west.nats.url,
    tls: west.tls(west.authority.issue({ commonName: 'native.west.example.net' })),
    dialect: 'go',
    federated: false,
  });
  const client = await world.client({ dialect: 'go', cluster });
  await proxy.close();
  await bridge.line(
    ({ event, link }) => event === 'disconnected' && link === 'west',
    'that the link is down',
  );
  const replies = Array.from({ length: 20 }, (_, n) =>
    client.rpc({
      collective: 'west',
      agent: 'rpcutil',
      action: 'ping',
      data: n === 2 ? { ballast: 'x'.repeat(100_000) } : {},
      targets: [WEST[n % WEST.length] ?? ''],
      timeout: 60_000,
    }),
  );
  const { url } = await bridge.line(({ event }) => event === 'http', 'its address');
  await vi.waitFor(async () => {
    const page = parseExposition(await (await fetch(new URL('/metrics', String(url)))).text());
    expect(page.value('mcbridge_buffered_messages', { link: 'west' })).toBe(20);
  }, PATIENCE);
  await west.nats.reconfigure('max_payload: 100000');
  await west.nats.restart();
  await vi.waitFor(
    async () => expect(await native.discover({ collective: 'west', timeout: 1_000 })).toEqual(WEST),
    PATIENCE,
  );
  const back = await startProxy(west.nats.port, proxy.port);
  const answers = (await Promise.all(replies)).map((all) => all.map(({ rpc }) => rpc?.statuscode));
  expect(answers).toEqual(Array.from({ length: 20 }, (_, n) => (n === 2 ? [5] : [0])));
  expect((await stopAndCount(bridge)).rejected).toEqual({ too_large: 1 });
  await back.close();
}, 120_000);
