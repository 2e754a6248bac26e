import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BridgeProcess } from '../support/bridge.ts';
import type { ChoriaClient } from '../support/choria-client.ts';
import { DISCOVERY, type McoClient, makeMcoClient } from '../support/mcollectived.ts';
import { keyPair } from '../support/pki.ts';
import {
  type BridgeConfig,
  NODE1,
  NODE2,
  NODE3,
  SERVER_KEYS,
  startWorld,
  type World,
} from '../support/world.ts';

/** Ms. */
const PATIENCE = 100_000;
/** Ms, in which a native client has its answer where the queue is not full: far less than the 70 s that frames lie there. */
const PROMPT = 30_000;
const OTHER = 'staging';

let world: World;
let native: McoClient;
const clients: ChoriaClient[] = [];
let absent = 0;

const clientOf = (at: number): ChoriaClient => {
  const one = clients[at];
  if (one === undefined) throw new Error('not connected');
  return one;
};

const names = (count: number): readonly string[] =>
  Array.from({ length: count }, () => `absent${absent++}.example.net`);

/** Asks for nodes that are not there and for one that is, whose answer shows that a bridge has put the request onto its way. */
const ask = async (
  client: ChoriaClient,
  { count, there = NODE2 }: { readonly count: number; readonly there?: string },
): Promise<void> => {
  const replies = await client.rpc({
    agent: 'rpcutil',
    action: 'ping',
    targets: [...names(count), there],
    expect: 1,
    timeout: PROMPT,
  });
  expect(replies.map(({ sender }) => sender)).toEqual([there]);
};

const nativeIsAnswered = async (node: string): Promise<void> => {
  const asked = Date.now();
  const { stdout } = await native.run('rpc', 'rpcutil', 'ping', '-I', node, '-j', ...DISCOVERY);
  expect(JSON.parse(stdout)).toMatchObject([{ sender: node, statuscode: 0 }]);
  expect(Date.now() - asked).toBeLessThan(PROMPT);
};

const ofOther = (config: BridgeConfig): object => ({ ...config, cluster: OTHER });

beforeAll(async () => {
  world = await startWorld({ nodes: [NODE1, NODE2, NODE3] });
  native = await makeMcoClient({
    identity: 'desk.example.net',
    activemqPort: world.activemq.port,
    user: world.activemq.user,
    password: world.activemq.password,
    mainCollective: 'mcollective',
    collectives: ['mcollective'],
    serializer: 'marshal',
    serverPublicKey: SERVER_KEYS.publicKey,
    name: 'alice',
    keys: keyPair('legacy alice'),
  });
  clients.push(await world.client({ dialect: 'go' }), await world.client({ dialect: 'go', cluster: OTHER }));
});

afterAll(async () => {
  await native.remove();
  await world.stop();
});

describe('the directed queue of a collective', () => {
  const bridges: BridgeProcess[] = [];

  it('serves native clients while bridges of two clusters start, are asked for absent names and start again', async () => {
    for (const changes of [undefined, undefined, ofOther, ofOther]) {
      bridges.push(await world.bridge(changes));
      for (const count of [199, 150, 1, 2, 3, 3])
        for (const client of clients.slice(0, bridges.length > 2 ? 2 : 1)) await ask(client, { count });
    }
    for (const client of clients) await ask(client, { count: 1_000 });
    for (let round = 0; round < 3; round++) {
      await bridges.shift()?.stop();
      bridges.push(await world.bridge(round % 2 === 0 ? undefined : ofOther));
      for (const client of clients) for (const count of [1, 2, 199]) await ask(client, { count });
    }
    await nativeIsAnswered(NODE1);
  });

  it('serves them while nobody waits for answers, and while an agent takes long', async () => {
    const client = clientOf(0);
    for (let i = 0; i < 200; i++) {
      const built = client.buildRequest({
        agent: 'rpcutil',
        body: JSON.stringify({
          agent: 'rpcutil',
          action: 'ping',
          caller: client.callerid,
          data: { process_results: false },
        }),
        targets: [NODE2],
      });
      await client.publish(built.subject, built.payloads[0] ?? '', built.replyTo);
    }
    const slow = Array.from({ length: 60 }, () =>
      client.rpc({
        agent: 'echo',
        action: 'slow',
        data: { seconds: 20 },
        targets: [NODE3],
        expect: 1,
        timeout: PATIENCE,
      }),
    );
    await nativeIsAnswered(NODE1);
    for (const replies of await Promise.all(slow)) expect(replies).toHaveLength(1);
  });

  it('serves them after a node has died of which every bridge has heard', async () => {
    for (const client of clients) for (let i = 0; i < 8; i++) await ask(client, { count: 0, there: NODE2 });
    await world.daemons.find(({ identity }) => identity === NODE2)?.stop();
    await Promise.all(
      clients.flatMap((client) =>
        Array.from({ length: 200 }, () =>
          client.rpc({ agent: 'rpcutil', action: 'ping', targets: [NODE2], expect: 1, timeout: 2_000 }),
        ),
      ),
    );
    await ask(clientOf(0), { count: 200, there: NODE3 });
    await nativeIsAnswered(NODE1);
  });
});
