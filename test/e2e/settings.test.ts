import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BridgeProcess, LogLine } from '../support/bridge.ts';
import type { ChoriaClient } from '../support/choria-client.ts';
import { newRequestId } from '../support/choria-messages.ts';
import { type Mcollectived, type McollectivedOptions, startMcollectived } from '../support/mcollectived.ts';
import { keyPair } from '../support/pki.ts';
import { expectNoSecrets } from '../support/secrets.ts';
import { connectStompClient, type StompClient } from '../support/stomp-client.ts';
import { NODE1, NODE2, SERVER_KEYS, startWorld, type World } from '../support/world.ts';
import { startProxy, type TcpProxy } from '../transport/stomp/proxy.ts';

/** Collectives with one egress each, so that one bridge shows all settings. */
const COLLECTIVES = ['secure', 'shared', 'oldest', 'urgent'] as const;
const ODD = 'odd_collective';

let world: World;
let bridge: BridgeProcess;
let alice: ChoriaClient;
let listener: StompClient;
let proxy: TcpProxy;
let plain: Mcollectived;
const daemons: Mcollectived[] = [];

beforeAll(async () => {
  world = await startWorld({
    nodes: [],
    activemq: (authority) => {
      const broker = authority.issue({ commonName: 'activemq.example.net' });
      const tls = { ca: authority.certificate, cert: broker.certificate, key: broker.privateKey };
      return { tls: { ...tls, needClientAuth: true } };
    },
  });
  const shared = keyPair('legacy mcbridge');
  world.files.write('mcbridge.pem', shared.privateKey);
  const common: Omit<McollectivedOptions, 'identity' | 'mainCollective' | 'collectives'> = {
    activemqPort: world.activemq.port,
    user: world.activemq.user,
    password: world.activemq.password,
    serializer: 'marshal',
    serverKeys: SERVER_KEYS,
    clientPublicKeys: { alice: keyPair('legacy alice').publicKey, mcbridge: shared.publicKey },
    facts: {},
    classes: [],
  };
  const [one, two] = await Promise.all([
    startMcollectived({ ...common, identity: NODE1, mainCollective: 'secure', collectives: COLLECTIVES }),
    startMcollectived({
      ...common,
      identity: NODE2,
      mainCollective: ODD,
      collectives: [ODD],
      base64: true,
      extra: { 'plugin.activemq.agents_multiplex': '1' },
    }),
  ]);
  plain = one;
  daemons.push(one, two);
  proxy = await startProxy(world.activemq.port);
  bridge = await world.bridge((config) => {
    const { legacy } = config.egresses;
    const [route] = config.routes;
    const tls = { ca: 'ca.pem', cert: 'bridge-cert.pem', key: 'bridge-key.pem' };
    const egresses = {
      secure: { ...legacy, servers: [`stomp+ssl://127.0.0.1:${world.activemq.tlsPort}`], tls },
      shared: { ...legacy, signing: { callerid: 'cert=mcbridge', private_key: 'mcbridge.pem' } },
      oldest: { ...legacy, versions: ['1.0'], servers: [`stomp://127.0.0.1:${proxy.port}`] },
      urgent: { ...legacy, priority: 5 },
      [ODD]: { ...legacy, base64: true, agents_multiplex: true },
    };
    const routes = Object.keys(egresses).map((name) => ({ ...route, to: name, collectives: [name] }));
    return { ...config, log: { level: 'trace', format: 'json' }, egresses, routes };
  });
  [alice, listener] = await Promise.all([world.client(), connectStompClient(world.activemq)]);
});

afterAll(async () => {
  listener?.close();
  await Promise.all(daemons.map((daemon) => daemon.stop()));
  await world?.stop();
  await proxy?.close();
});

/** A broadcast and a directed request, each answered by the collective's only node. */
const asked = async (collective: string, node: string): Promise<void> => {
  for (const targets of [undefined, [node]]) {
    const [reply, ...more] = await alice.rpc({
      agent: 'rpcutil',
      action: 'ping',
      collective,
      ...(targets === undefined ? {} : { targets }),
      expect: 1,
    });
    expect(more).toEqual([]);
    expect(reply).toMatchObject({ sender: node, rpc: { statuscode: 0, data: { pong: expect.any(Number) } } });
  }
};

const connectedBy = (link: string): unknown =>
  bridge.lines().find((line) => line.event === 'connected' && line['link'] === link)?.['server'];

describe('a bridge reaches nodes', () => {
  test('over TLS with a client certificate', async () => {
    await asked('secure', NODE1);
    expect(connectedBy('secure')).toBe(`stomp+ssl://127.0.0.1:${world.activemq.tlsPort}`);
  });

  test('over STOMP 1.0 alone', async () => {
    await asked('oldest', NODE1);
    expect(proxy.sent()).toContain('\naccept-version:1.0\n');
  });

  test('with one signing identity for all callers, which is the one that daemons see', async () => {
    await asked('shared', NODE1);
    const requestId = newRequestId();
    await alice.rpc({ agent: 'rpcutil', action: 'ping', collective: 'shared', targets: [NODE1], requestId });
    await plain.waitFor(new RegExp(`Handling message ${requestId} .* from cert=mcbridge@`), 90_000);
    // While the bridge's own log knows who was behind it.
    const isIt = (it: LogLine) => it.event === 'request' && it['request_id'] === requestId;
    const line = await bridge.line(isIt, 'the request');
    expect(line).toMatchObject({ caller_in: 'choria=alice.mcollective', agent: 'rpcutil' });
  });

  test('with a priority that is on the wire', async () => {
    const next = await listener.subscribe('/topic/urgent.rpcutil.agent');
    await asked('urgent', NODE1);
    expect((await next()).headers['priority']).toBe('5');
  });

  test('in a collective that multiplexes agents and speaks base64', async () => {
    const next = await listener.subscribe(`/topic/${ODD}.agents`);
    await asked(ODD, NODE2);
    expect((await next()).body.toString('latin1')).toMatch(/^[A-Za-z0-9+/=\n]+$/);
  });
});

test('no log has a secret', () => {
  expectNoSecrets(world);
});
