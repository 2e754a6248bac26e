import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { type Fleet, startFleet } from './choria-fleet.ts';
import {
  type ChoriaFilter,
  discoveryBody,
  type Json,
  newRequestId,
  requestLayer,
  rpcBody,
  secureLayer,
  toJson,
} from './choria-messages.ts';
import { type ChoriaNetwork, startChoriaNetwork } from './choria-network.ts';

const CALLER = 'choria=alice.mcollective';
const DEBIAN = {
  identity: 'd1.example.net',
  facts: { os: 'Debian' },
  agents: ['discovery', 'rpcutil', 'echo'],
};
const REDHAT = {
  identity: 'r1.example.net',
  facts: { os: 'RedHat' },
  classes: ['apache'],
  collectives: ['uk'],
};

let network: ChoriaNetwork;
let fleet: Fleet;
let nats: NatsConnection;
const pongs: string[] = [];

const publish = (subject: string, agent: string, body: string, filter: ChoriaFilter = {}): string => {
  const requestId = newRequestId();
  const { certificate, privateKey } = network.authority.issue({ commonName: 'alice.mcollective' });
  const [collective = ''] = subject.split('.');
  const time = Math.floor(Date.now() / 1000);
  const request = requestLayer({
    dialect: 'ruby',
    requestId,
    sender: 'alice',
    callerid: CALLER,
    collective,
    agent,
    filter,
    ttl: 60,
    time,
    body,
  });
  const secure = secureLayer('ruby', toJson(request, 'ruby'), privateKey, certificate);
  const headers = { 'reply-to': `mcollective.reply.x.${requestId}`, mc_sender: 'alice' };
  const data = Buffer.from(toJson(secure, 'ruby')).toString('base64');
  nats.publish(subject, toJson({ protocol: 'choria:transport:1', data, headers }, 'ruby'));
  return requestId;
};
const ping = (collective: string, filter?: ChoriaFilter): string =>
  publish(`${collective}.broadcast.agent.discovery`, 'discovery', discoveryBody('ruby'), filter);
/** Sorted, once as many have been handled as were sent. */
const answeredBy = async (count: number): Promise<readonly string[]> => {
  await vi.waitFor(() => expect(fleet.received()).toHaveLength(count), { timeout: 60_000 });
  await vi.waitFor(() => expect(pongs).toHaveLength(fleet.received().filter((one) => one.answered).length));
  return pongs.toSorted();
};

beforeAll(async () => {
  network = await startChoriaNetwork('fleet');
  const tls = network.tls(network.authority.issue({ commonName: 'nodes.example.net' }));
  // The client checks a server given by its address for the name "localhost", unless told its host.
  const hosted = { ...tls, host: new URL(network.nats.url).hostname };
  nats = await connect({ servers: network.nats.url, tls: hosted });
  nats.subscribe('*.reply.>', {
    callback: (_, message) => void pongs.push(JSON.parse(message.string()).headers.mc_sender),
  });
  await nats.flush();
  fleet = await startFleet({
    url: network.nats.url,
    tls,
    dialect: 'ruby',
    callers: network.authority.certificate,
    collectives: ['mcollective', 'uk'],
    nodes: ['plain.example.net', DEBIAN, REDHAT],
  });
});

afterEach(() => {
  fleet.forget();
  pongs.length = 0;
});

afterAll(async () => {
  await nats?.close();
  await fleet?.close();
  await network?.nats.stop();
});

test('nodes answer in the collectives that they are in', async () => {
  ping('mcollective');
  expect(await answeredBy(2)).toEqual(['d1.example.net', 'plain.example.net']);
  ping('uk');
  expect((await answeredBy(5)).filter((one) => one === 'r1.example.net')).toHaveLength(1);
});

test.each<[filter: ChoriaFilter, expected: readonly string[]]>([
  [{ fact: [{ fact: 'os', operator: '=~', value: '/^Red/' }] }, ['r1.example.net']],
  [{ cf_class: ['apache'] }, ['r1.example.net']],
  [{ agent: ['echo'] }, ['d1.example.net']],
  [{ identity: ['/^p/'] }, ['plain.example.net']],
  [{ compound: [[{ not: 'not' }, { statement: 'os=Debian' }]] }, ['plain.example.net', 'r1.example.net']],
])('nodes that %j means answer', async (filter, expected) => {
  ping('uk', filter);
  expect(await answeredBy(3)).toEqual(expected);
});

test('a node can move here and away again, and runs nothing twice', async () => {
  const moving: Json = { value: 'x', process_results: false };
  const body = rpcBody('ruby', 'echo', 'echo', CALLER, moving);
  const send = (): string => publish('mcollective.node.m1.example.net', 'echo', body);
  send();
  await nats.flush();
  await fleet.add({ identity: 'm1.example.net', agents: ['discovery', 'echo'] });
  await expect(fleet.add('m1.example.net')).rejects.toThrow('runs already');
  const requestId = send();
  await vi.waitFor(() => expect(fleet.received()).toHaveLength(1));
  // It ran, though nobody waits for the outcome.
  expect(fleet.received()[0]).toMatchObject({ action: 'echo', answered: false, node: 'm1.example.net' });
  expect(fleet.executions('echo#echo', requestId)).toEqual(new Map([['m1.example.net', 1]]));
  expect(fleet.executions('echo#echo', newRequestId()).size).toBe(0);
  nats.publish('mcollective.node.m1.example.net', 'not a message');
  await vi.waitFor(() => expect(fleet.refused()).toMatchObject([{ node: 'm1.example.net' }]));
  await fleet.stop('m1.example.net');
  await expect(fleet.stop('m1.example.net')).rejects.toThrow('no node');
  ping('mcollective');
  expect(await answeredBy(3)).toEqual(['d1.example.net', 'plain.example.net']);
  expect(fleet.executions('echo#echo')).toEqual(new Map([['m1.example.net', 1]]));
});
