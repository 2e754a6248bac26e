import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type BridgeProcess, stopAndCount } from '../support/bridge.ts';
import type { ChoriaClient, RequestOptions } from '../support/choria-client.ts';
import { type Fleet, startFleet } from '../support/choria-fleet.ts';
import { type ChoriaNetwork, startChoriaNetwork } from '../support/choria-network.ts';
import { makeV2Key, makeV2Request, makeV2Token, parseV2Reply, type V2Reply } from '../support/choria-v2.ts';
import { makeAuthority } from '../support/pki.ts';
import { NODE1, startWorld, type World } from '../support/world.ts';

const NODES = ['n1', 'n2', 'n3', 'n4', 'n5'];
const EAST = NODES.map((node) => `${node}.east.example.net`);
const WEST = NODES.map((node) => `${node}.west.example.net`);
const MODERN = ['m1.example.net', 'm2.example.net'];
const PING = '{"agent":"rpcutil","action":"ping","data":{}}';
const issuer = makeV2Key();

/** The networks of two members, each with a CA of its own; beside them the world's legacy collective. */
let east: ChoriaNetwork;
let west: ChoriaNetwork;
let world: World;
let bridge: BridgeProcess;
let attacker: ChoriaClient;
const fleets: Record<string, Fleet> = {};
const clients: Partial<Record<'ruby' | 'go', ChoriaClient>> = {};

const client = (dialect: 'ruby' | 'go'): ChoriaClient => {
  const one = clients[dialect];
  if (one === undefined) throw new Error('not connected');
  return one;
};
const fleet = (name: string): Fleet => {
  const one = fleets[name];
  if (one === undefined) throw new Error(`there is no fleet ${name}`);
  return one;
};

beforeAll(async () => {
  [world, east, west] = await Promise.all([
    startWorld({ nodes: [NODE1] }),
    startChoriaNetwork('east'),
    startChoriaNetwork('west'),
  ]);
  const callers = world.authority.certificate;
  const at = ({ nats, authority, tls }: ChoriaNetwork) => ({
    url: nats.url,
    tls: tls(authority.issue({ commonName: 'nodes.example.net' })),
  });
  const nodes = await Promise.all([
    startFleet({
      ...at(east),
      dialect: 'ruby',
      callers,
      collectives: ['east', 'east_secret'],
      nodes: EAST,
      services: ['registry'],
    }),
    startFleet({ ...at(west), dialect: 'go', callers, collectives: ['west'], nodes: WEST }),
    startFleet({ ...at(east), protocol: 2, issuer, collectives: ['modern'], nodes: MODERN }),
  ]);
  for (const [index, name] of ['east', 'west', 'modern'].entries()) {
    const one = nodes[index];
    if (one !== undefined) fleets[name] = one;
  }
  for (const { files } of [east, west])
    for (const [name, text] of Object.entries(files)) world.files.write(name, text);
  const egress = ({ connection }: ChoriaNetwork) => ({ type: 'choria-collective', ...connection });
  bridge = await world.bridge((config) => ({
    ...config,
    log: { level: 'info', format: 'json' },
    egresses: { ...config.egresses, east: egress(east), west: egress(west) },
    routes: [
      ...config.routes,
      { from: 'federation', to: 'east', collectives: ['east', 'modern'] },
      { from: 'federation', to: 'west', collectives: ['west'], verify: true },
    ],
  }));
  for (const dialect of ['ruby', 'go'] as const) clients[dialect] = await world.client({ dialect });
});

afterAll(async () => {
  await attacker?.close();
  await Promise.all(Object.values(fleets).map((one) => one.close()));
  await world?.stop();
  await Promise.all([east, west].map((network) => network?.nats.stop()));
});

afterEach(() => {
  for (const one of Object.values(fleets)) one.forget();
});

const members = [
  { dialect: 'ruby', collective: 'east', nodes: EAST },
  { dialect: 'go', collective: 'west', nodes: WEST },
] as const;

describe.each(members)('a client of the $dialect dialect', ({ dialect, collective, nodes }) => {
  /** Every node of the list got the one request once, and nobody else anything. */
  const expectDelivered = (expected: readonly string[]): void => {
    for (const [name, one] of Object.entries(fleets))
      expect(
        one
          .received()
          .map(({ node }) => node)
          .toSorted(),
        name,
      ).toEqual(name === collective ? expected : []);
    for (const one of Object.values(fleets)) expect(one.refused()).toEqual([]);
  };

  test('discovers the nodes of a member collective, and asks each once', async () => {
    expect(await client(dialect).discover({ collective, timeout: 1_500 })).toEqual(nodes);
    expectDelivered(nodes);
  });

  test('discovers by a filter that only nodes look at', async () => {
    const found = await client(dialect).discover({
      collective,
      filter: { identity: ['/^n[24]/'], agent: ['rpcutil'] },
      timeout: 1_500,
    });
    expect(found).toEqual([nodes[1], nodes[3]]);
    expectDelivered(nodes);
  });

  test('calls all nodes at once', async () => {
    const replies = await client(dialect).rpc({
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
    const replies = await client(dialect).rpc({
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
    for (const one of fleet(collective).received()) expect(one.caller).toBe('choria=alice.mcollective');
  });

  test('gets the replies of those that exist of 450 that it names', async () => {
    const ghosts = Array.from({ length: 445 }, (_, n) => `ghost${n}.example.net`);
    const targets = [...ghosts.slice(0, 150), ...nodes.slice(0, 2), ...ghosts.slice(150), ...nodes.slice(2)];
    const replies = await client(dialect).rpc({
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
    const [reply] = await client(dialect).rpc({
      collective,
      agent: 'rpcutil',
      action: 'ping',
      targets: [node],
      trace: true,
    });
    const [there, here] = [world.nats.url, (collective === 'east' ? east : west).nats.url];
    const out = [
      dialect === 'ruby' ? ['alice.mcollective', there] : [there, 'alice.mcollective', there],
      [there, 'production:1', here],
    ];
    expect(fleet(collective).received()[0]?.hops).toEqual(out);
    expect(reply?.hops).toEqual([...out, [here, node, here], [here, 'production:1', there]]);
  });
});

test('nodes see what the recorded broker showed them: the bridge in reply-to, the client in the federation header', async () => {
  const built = client('ruby').buildRequest({
    collective: 'east',
    agent: 'rpcutil',
    body: PING,
    targets: EAST,
  });
  await client('ruby').send(built, { expect: EAST.length });
  for (const { headers } of fleet('east').received())
    expect(headers).toEqual({
      mc_sender: 'alice.mcollective',
      'reply-to': 'choria.federation.production.collective',
      federation: { req: built.requestId, 'reply-to': built.replyTo },
    });
});

test('one node of a service gets each request', async () => {
  for (let round = 0; round < 10; round++) {
    const built = client('ruby').buildRequest({
      collective: 'east',
      agent: 'registry',
      body: '{"agent":"registry","action":"ping","data":{}}',
      targetSubjects: ['east.broadcast.service.registry'],
    });
    expect(await client('ruby').send(built, { expect: 1 })).toHaveLength(1);
    expect([...fleet('east').deliveries(built.requestId).values()]).toEqual([1]);
  }
});

describe('protocol 2', () => {
  const ask = async (agent: string, body: string, targets: readonly string[], expected: number) => {
    const key = makeV2Key();
    const callerid = 'choria=alice';
    const now = Date.now();
    const caller = { callerid, key, token: makeV2Token(issuer, key, callerid, now) };
    const trace = world.nats.url;
    const request = makeV2Request(caller, { collective: 'modern', agent, body, targets, now, trace });
    const replies: V2Reply[] = [];
    const who = client('go');
    await who.subscribe(request.replyTo, (payload) => {
      replies.push(parseV2Reply(payload, request.requestId));
    });
    await who.publish('choria.federation.production.federation', request.payload, request.replyTo);
    await vi.waitFor(() => expect(replies).toHaveLength(expected), { timeout: 10_000 });
    expect(fleet('modern').refused()).toEqual([]);
    expect(fleet('modern').received()).toHaveLength(expected);
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
    const [there, here] = [world.nats.url, east.nats.url];
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
    client('ruby').rpc({ agent: 'rpcutil', action: 'ping', targets: [NODE1] }),
    client('ruby').rpc({ agent: 'rpcutil', action: 'ping', targets: EAST, collective: 'east' }),
    client('go').rpc({ agent: 'rpcutil', action: 'ping', targets: WEST, collective: 'west' }),
  ]);
  expect([one, two, three].map((replies) => replies.map(({ sender }) => sender))).toEqual([
    [NODE1],
    EAST,
    WEST,
  ]);
  for (const reply of [...one, ...two, ...three]) expect(reply.rpc?.statuscode).toBe(0);
});

describe('what is refused', () => {
  const refusal = async (
    options: Partial<RequestOptions>,
    reason: string,
    who = client('ruby'),
  ): Promise<string> => {
    const built = who.buildRequest({ collective: 'east', agent: 'rpcutil', body: PING, ...options });
    const [reply, ...more] = await who.send(built, { expect: 1 });
    expect(more).toEqual([]);
    expect(reply?.rpc).toMatchObject({ statuscode: 5, statusmsg: expect.stringContaining(`(${reason})`) });
    await bridge.line(
      (line) => line['reason'] === reason && line['request_id'] === built.requestId,
      `the refusal of ${built.requestId}`,
    );
    for (const one of Object.values(fleets)) expect([...one.received(), ...one.refused()]).toEqual([]);
    return reply?.rpc?.statusmsg ?? '';
  };

  test('a collective of a member network that no route exports', async () => {
    await refusal(
      { targetSubjects: [`east.node.${EAST[0]}`, `east_secret.node.${EAST[0]}`] },
      'collective_mismatch',
    );
    await refusal(
      { collective: 'east_secret', targets: EAST.slice(0, 1), replyTo: 'east.reply.0123.1' },
      'collective_not_exported',
    );
  });

  test('another member beside the first', async () => {
    await refusal(
      { targetSubjects: [`east.node.${EAST[0]}`, `west.node.${WEST[0]}`] },
      'collective_mismatch',
    );
  });

  test('where requests are verified: a certificate of another CA, a signature that does not fit, other targets', async () => {
    const stranger = makeAuthority('somebody else').issue({ commonName: 'alice.mcollective' });
    const liar = await world.client({ certificate: stranger.certificate, key: stranger.privateKey });
    const west = { collective: 'west' };
    expect(await refusal(west, 'untrusted_certificate', liar)).toMatch(/certificate/);
    const secure = (layer: object) => ({ ...layer, signature: Buffer.alloc(256, 1).toString('base64') });
    await refusal({ ...west, tamper: { secure } }, 'invalid_signature');
    const targetSubjects = ['west.broadcast.agent.package'];
    await refusal({ ...west, targetSubjects }, 'agent_mismatch');
  });

  test('where they are not verified, by the nodes themselves', async () => {
    const secure = (layer: object) => ({ ...layer, signature: Buffer.alloc(256, 1).toString('base64') });
    const built = client('ruby').buildRequest({
      collective: 'east',
      agent: 'rpcutil',
      body: PING,
      targets: EAST,
      tamper: { secure },
    });
    expect(await client('ruby').send(built, { timeout: 1_000 })).toEqual([]);
    expect(fleet('east').received()).toEqual([]);
    expect(
      fleet('east')
        .refused()
        .map(({ why }) => why),
    ).toEqual(EAST.map(() => 'signature'));
  });

  test('by a member network: to have the bridge publish anything but replies on the federation network', async () => {
    const identity = east.authority.issue({ commonName: 'attacker.mcollective' });
    attacker = await world.client({
      url: east.nats.url,
      tls: east.tls(identity),
    });
    const seen: string[] = [];
    const watch = client('go');
    await watch.subscribe('>', (payload) => seen.push(payload));
    const asReply = (home: string): string => {
      const built = client('ruby').buildRequest({
        collective: 'west',
        agent: 'rpcutil',
        body: PING,
        targets: WEST,
      });
      const { protocol, data } = built.transports[0] ?? {};
      const federation = { req: built.requestId, 'reply-to': home };
      return JSON.stringify({ protocol, data, headers: { mc_sender: EAST[0], federation } });
    };
    const homes = [
      'choria.federation.production.federation',
      `west.node.${WEST[0]}`,
      'west.broadcast.agent.rpcutil',
      'nowhere.reply.x',
      '_INBOX.x',
    ];
    for (const home of homes)
      await attacker.publish('choria.federation.production.collective', asReply(home));
    await attacker.publish('choria.federation.production.collective', asReply('west.reply.x'));
    // The last one is a reply subject; had another been published, it would have been so before.
    await vi.waitFor(() => expect(seen).toHaveLength(1), { timeout: 10_000 });
    const refusals = bridge
      .lines()
      .filter(({ sender, reason }) => sender === EAST[0] && reason !== undefined);
    expect(refusals.map(({ reason }) => reason).toSorted()).toEqual([
      'collective_not_exported',
      'invalid_reply_to',
      'invalid_reply_to',
      'invalid_reply_to',
      'invalid_reply_to',
    ]);
    expect(fleet('west').received()).toEqual([]);
  });
});

test('one log line a request tells where it passed, and the totals fit', async () => {
  const requestId = '0123456789abcdef0123456789abcdef';
  await client('go').rpc({
    collective: 'west',
    agent: 'rpcutil',
    action: 'ping',
    targets: WEST,
    requestId,
  });
  const line = await bridge.line(
    (it) => it['request_id'] === requestId && it.msg === 'request',
    'the request',
  );
  expect(line).toMatchObject({
    caller_in: 'choria=alice.mcollective',
    sender: 'alice.mcollective',
    collective: 'west',
    route: 'federation → west',
    targets: 5,
    replies: 5,
    missing: 0,
    duration_ms: expect.any(Number),
  });
  const counts = await stopAndCount(bridge);
  // The attacker's reply to a collective that is not exported was one of a node.
  expect(counts.repliesReceived - counts.repliesSent).toBe(1);
  expect(counts.rejected).toMatchObject({ invalid_reply_to: 4, invalid_signature: 1, agent_mismatch: 1 });
});
