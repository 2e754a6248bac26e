import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { bridgeGroup } from '../../../../src/adapters/choria/wire/index.ts';
import { withNodeHop } from '../../../../src/adapters/kit/node-hop.ts';
import type { ReadableReply, ReadableRequest } from '../../../../src/envelope/message.ts';
import { namedNodes } from '../../../../src/envelope/message.ts';
import type { Ingress } from '../../../../src/envelope/port.ts';
import { type ChoriaClient, connectChoriaClient } from '../../../support/choria-client.ts';
import { type NatsServer, startNatsServer } from '../../../support/nats-server.ts';
import { clientTls, closeLinks, linkTo, serverTls } from '../../../transport/nats/harness.ts';
import { CLUSTER, COLLECTIVE } from '../../brokers.ts';
import { alice } from '../../world.ts';
import {
  type Handed,
  makeCollectiveIngress,
  makeHanded,
  makeResidents,
  type TestResidents,
} from './ingress-world.ts';

let nats: NatsServer;
const clients: ChoriaClient[] = [];

beforeAll(async () => {
  nats = await startNatsServer({ tls: serverTls });
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await closeLinks();
});
afterAll(() => nats.stop());

const clientOf = async (dialect: 'ruby' | 'go'): Promise<ChoriaClient> => {
  const { ca, cert, key } = clientTls;
  const client = await connectChoriaClient({
    url: nats.url,
    tls: { ca, cert, key },
    certificate: alice.certificate,
    key: alice.privateKey,
    dialect,
  });
  clients.push(client);
  return client;
};

interface Instance extends Handed {
  readonly ingress: Ingress;
  readonly remoteNodes: TestResidents;
}

/** An instance of the cluster, with a connection of its own. */
const startInstance = async (
  remoteNodes: TestResidents,
  answer?: (request: ReadableRequest) => readonly ReadableReply[],
): Promise<Instance> => {
  const link = linkTo([nats], { tls: clientTls });
  const ingress = makeCollectiveIngress(link, remoteNodes);
  const handed = makeHanded((request) => {
    for (const reply of answer?.(request) ?? []) ingress.reply(reply);
  });
  await ingress.start(handed.sink);
  return { ...handed, ingress, remoteNodes };
};

const STOMP = 'stomp://legacy:61613';

/** What nodes answer, all that are meant. */
const answersOf =
  (nodes: readonly string[]) =>
  ({ home, targets, payload }: ReadableRequest): readonly ReadableReply[] =>
    (namedNodes(targets) ?? nodes).map((sender) => ({
      home: withNodeHop(home, sender, STOMP),
      sender,
      time: 1_800_000_000_000,
      payload:
        payload.kind === 'discovery'
          ? payload
          : { kind: 'rpc', statusCode: 0, statusMessage: 'OK', data: new Map([['pong', 1]]) },
    }));

const nodesOf = ({ targets }: ReadableRequest): readonly string[] => namedNodes(targets) ?? [];

describe.each(['ruby', 'go'] as const)('a client of %s that is not federated', (dialect) => {
  it('finds the nodes and asks them, as if they were there', async () => {
    const nodes = ['legacy1.example.net', 'legacy2.example.net'];
    const remoteNodes = makeResidents();
    await startInstance(remoteNodes, (request) => {
      // As the bridge does: a node is known before its answer goes home.
      remoteNodes.change(nodes);
      return answersOf(nodes)(request);
    });
    const client = await clientOf(dialect);
    expect(await client.discover({ expect: 2 })).toEqual(nodes);
    const asked = await client.rpc({ agent: 'rpcutil', action: 'ping', targets: nodes });
    expect(asked.map(({ sender, rpc }) => [sender, rpc?.statuscode])).toEqual(nodes.map((node) => [node, 0]));
    const traced = await client.rpc({ agent: 'rpcutil', action: 'ping', targets: nodes, trace: true });
    const own = nodes.map((node) => [nats.url, node, nats.url]);
    const trails = own.map((hop) =>
      dialect === 'ruby'
        ? [
            ['alice.mcollective', nats.url],
            [STOMP, hop[1], STOMP],
          ]
        : [hop],
    );
    expect(traced.map(({ hops }) => hops)).toEqual(trails);
  });
});

const COUNT = 200;

/** Publishes that many at once, each a request of its own. @returns their ids, in order */
const publishMany = async (client: ChoriaClient, target?: string): Promise<readonly string[]> => {
  const ids: string[] = [];
  for (let n = 0; n < COUNT; n++) {
    const built = client.buildRequest({
      agent: 'discovery',
      body: '"ping"',
      ...(target === undefined ? {} : { targets: [target] }),
    });
    ids.push(built.requestId);
    await client.publish(built.subject, built.payloads[0] ?? '', built.replyTo);
  }
  return ids;
};

/** Of a name that no client asks for. */
const isMarker = (request: ReadableRequest): boolean => nodesOf(request)[0]?.startsWith('marker') === true;
let markers = 0;

/**
 * Has each instance learn of one node more, and sends to that until it is heard. Then the changes before are followed,
 * and the messages before are handed over, for NATS keeps the order between two connections.
 */
const caughtUp = async (client: ChoriaClient, instances: readonly Instance[]): Promise<void> => {
  for (const { requests, remoteNodes } of instances) {
    const marker = `marker${++markers}.example.org`;
    remoteNodes.change([...remoteNodes.names(COLLECTIVE), marker]);
    const { subject, payloads, replyTo } = client.buildRequest({
      agent: 'discovery',
      body: '"ping"',
      targets: [marker],
    });
    while (!requests.some((one) => nodesOf(one)[0] === marker))
      await client.publish(subject, payloads[0] ?? '', replyTo);
  }
};

describe('two instances of a cluster', () => {
  const idsOf = (instances: readonly Instance[]): readonly string[] =>
    instances.flatMap(({ requests }) => requests.filter((one) => !isMarker(one)).map(({ id }) => id));
  const covers = (node: string): boolean => node.endsWith('.example.net');
  /** One that has learned of some nodes, one of others. */
  const pair = (names: readonly (readonly string[])[], patterns: readonly string[] = []) =>
    Promise.all(
      names.map((own) =>
        startInstance(makeResidents(own, patterns, patterns.length > 0 ? covers : undefined)),
      ),
    );

  it.each([
    ['broadcasts', undefined, [], []],
    ['requests to a node that both have learned of', 'n1.example.net', ['n1.example.net'], []],
    ['requests to a node that a pattern covers', 'n1.example.net', [], ['*.example.net']],
    [
      'requests to a node that a pattern covers, and that one of them has learned of too',
      'n1.example.net',
      [],
      ['*.example.net'],
      ['n1.example.net'],
    ],
  ])('share %s, none twice', async (_, target, both, patterns, first = both) => {
    const instances = await pair([first, both], patterns);
    const client = await clientOf('ruby');
    const sent = await publishMany(client, target);
    await caughtUp(client, instances);
    expect(idsOf(instances).toSorted()).toEqual(sent.toSorted());
    for (const instance of instances) {
      expect(idsOf([instance]).length).toBeGreaterThan(0);
      expect([instance.rejections, instance.ignored]).toEqual([[], []]);
    }
  });

  it('leave requests to a node that only one has learned of to that one, patterns or not', async () => {
    for (const patterns of [[], ['*.example.net']]) {
      const instances = await pair([['learned.example.org'], []], patterns);
      const client = await clientOf('ruby');
      const sent = await publishMany(client, 'learned.example.org');
      await caughtUp(client, instances);
      expect(instances.map((one) => idsOf([one]))).toEqual([sent, []]);
      await Promise.all(instances.map(({ ingress }) => ingress.close()));
    }
  });

  it('go on with one where the other drains, and lose nothing', async () => {
    const node = 'n1.example.net';
    const instances = await pair([[node], [node]]);
    const [staying, leaving] = instances;
    if (staying === undefined || leaving === undefined) throw new Error('no two instances');
    const client = await clientOf('ruby');
    const sent = [...(await publishMany(client, node))];
    const [later] = await Promise.all([publishMany(client, node), leaving.ingress.drain()]);
    sent.push(...later, ...(await publishMany(client)));
    await caughtUp(client, [staying]);
    expect(idsOf(instances).toSorted()).toEqual(sent.toSorted());
    expect(idsOf([staying]).length).toBeGreaterThan(COUNT);
  });
});

describe('nodes that come and go', () => {
  it('are heard as long as they are stood in for', async () => {
    const instance = await startInstance(makeResidents());
    const { requests, remoteNodes } = instance;
    const client = await clientOf('ruby');
    const asked = async (names: readonly string[], natives: readonly string[] = []) => {
      remoteNodes.change(names, natives);
      await caughtUp(client, [instance]);
      requests.splice(0);
      const targets = ['a', 'b', 'c'].map((name) => `${name}.example.net`);
      const { payloads, replyTo, subjects } = client.buildRequest({
        agent: 'discovery',
        body: '"ping"',
        targets,
      });
      for (const subject of subjects) await client.publish(subject, payloads[0] ?? '', replyTo);
      await caughtUp(client, [instance]);
      return requests.filter((one) => !isMarker(one)).flatMap(nodesOf);
    };
    const [a, b, c] = ['a.example.net', 'b.example.net', 'c.example.net'];
    expect(await asked([a, b])).toEqual([a, b]);
    expect(await asked([b, c])).toEqual([b, c]);
    expect(await asked([a, b], [b])).toEqual([a]);
    // On another connection, as well.
    await nats.restart();
    await client.reconnected();
    expect(await asked([b, c], [])).toEqual([b, c]);
  });
});

describe('a server that does not let the bridge listen', () => {
  it('is told of, and asked again', async () => {
    const strict = await startNatsServer({
      tls: serverTls,
      extra: `authorization { users: [ { user: "x", password: "y", permissions: { subscribe: { deny: "${COLLECTIVE}.node.>" } } } ] }`,
    });
    const link = linkTo([strict], { tls: clientTls, user: 'x', password: 'y' });
    const ingress = makeCollectiveIngress(link, makeResidents(['a.example.net']));
    const started = ingress.start(makeHanded().sink).catch((error: unknown) => error);
    await vi.waitFor(() => expect(link.of('denied')).not.toEqual([]), { timeout: 60_000 });
    expect(link.state()).toMatchObject({
      up: true,
      denied: [{ error: { code: 'refused', message: expect.stringContaining(bridgeGroup(CLUSTER)) } }],
    });
    await closeLinks();
    expect(await started).toMatchObject({ code: 'closed' });
    await strict.stop();
  });
});
