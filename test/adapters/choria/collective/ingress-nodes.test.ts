import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { namedNodes } from '../../../../src/envelope/message.ts';
import type { Subscription } from '../../../../src/transport/link.ts';
import { makeBrokers } from '../../brokers.ts';
import { settled } from '../../world.ts';
import {
  makeCollectiveIngress,
  makeCollectiveWorld,
  makeHanded,
  makeResidents,
  NODES,
} from './ingress-world.ts';

const [N1 = '', N2 = ''] = NODES;

describe('the nodes that it stands in for', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());
  /** Changes close to each other are followed together. */
  const followed = async (): Promise<void> => {
    vi.advanceTimersByTime(100);
    await settled();
  };

  const ask = async (world: Awaited<ReturnType<typeof makeCollectiveWorld>>, nodes: readonly string[]) => {
    const before = world.requests.length;
    await followed();
    for (const node of nodes) world.send({ nodes: [node] });
    await settled();
    return world.requests.slice(before).flatMap(({ targets }) => namedNodes(targets) ?? []);
  };

  it('may come and go', async () => {
    const remoteNodes = makeResidents(NODES);
    const world = await makeCollectiveWorld(remoteNodes);
    const all = [...NODES, 'n3.example.net'];
    expect(await ask(world, all)).toEqual(NODES);
    remoteNodes.change([N2, 'n3.example.net']);
    expect(await ask(world, all)).toEqual([N2, 'n3.example.net']);
    remoteNodes.change([N2], [N2]);
    expect(await ask(world, all)).toEqual([]);
    remoteNodes.change([N2], []);
    expect(await ask(world, all)).toEqual([N2]);
  });

  it('are those that a pattern covers, and those that have been learned beside it, each once', async () => {
    const remoteNodes = makeResidents(
      [N1, 'other.example.org'],
      ['n?.example.net', 'old-*'],
      (node) => /^n.\.example\.net$/.test(node) || node.startsWith('old-'),
    );
    const world = await makeCollectiveWorld(remoteNodes);
    const all = [N1, N2, 'n10.example.net', 'nXexampleYnet', 'other.example.org', 'old-1.a.b', 'an-old-1'];
    expect((await ask(world, all)).toSorted()).toEqual([N1, N2, 'old-1.a.b', 'other.example.org']);
    remoteNodes.change([], [N2]);
    expect((await ask(world, all)).toSorted()).toEqual([N1, 'old-1.a.b']);
  });

  it('cost one subscription each, and a change only the difference', async () => {
    const brokers = makeBrokers();
    const link = brokers.nats.link();
    const calls: string[] = [];
    const remoteNodes = makeResidents(['a', 'b', 'c']);
    const ingress = makeCollectiveIngress(
      {
        ...link,
        subscribe: async (subscription: Subscription) => {
          calls.push(`+ ${subscription.destination} ${subscription.group}`);
          const held = await link.subscribe(subscription);
          return {
            unsubscribe: () => {
              calls.push(`- ${subscription.destination}`);
              return held.unsubscribe();
            },
          };
        },
      },
      remoteNodes,
    );
    await ingress.start(makeHanded().sink);
    expect(calls.splice(0)).toEqual([
      '+ mcollective.broadcast.agent.* prod_mcbridge',
      '+ mcollective.node.a prod_mcbridge',
      '+ mcollective.node.b prod_mcbridge',
      '+ mcollective.node.c prod_mcbridge',
    ]);
    remoteNodes.change(['b', 'c', 'd']);
    await followed();
    expect(calls.splice(0).toSorted()).toEqual([
      '+ mcollective.node.d prod_mcbridge',
      '- mcollective.node.a',
    ]);
    remoteNodes.change(['b', 'c', 'd']);
    await followed();
    expect(calls).toEqual([]);
    await ingress.drain();
    expect(calls.splice(0).toSorted()).toEqual([
      '- mcollective.broadcast.agent.*',
      '- mcollective.node.b',
      '- mcollective.node.c',
      '- mcollective.node.d',
    ]);
    remoteNodes.change(['e']);
    await followed();
    expect(calls).toEqual([]);
  });

  it('are looked at as often for a thousand changes as for two that come as fast', async () => {
    const remoteNodes = makeResidents();
    let looks = 0;
    const names = (collective: string) => {
      looks++;
      return remoteNodes.names(collective);
    };
    const world = await makeCollectiveWorld({ ...remoteNodes, names });
    const nodes = Array.from({ length: 1_000 }, (_, n) => `n${n}.example.net`);
    looks = 0;
    for (const [n] of nodes.entries()) remoteNodes.change(nodes.slice(0, n + 1));
    expect(looks).toBe(1);
    expect(await ask(world, nodes)).toEqual(nodes);
    expect(looks).toBe(2);
    await followed();
    expect(looks).toBe(2);
  });

  it('are no part of a subject where their name would reach further', async () => {
    const world = await makeCollectiveWorld(makeResidents(['*', '>', 'a.*', 'a b', N1]));
    expect(await ask(world, ['anybody.example.net', 'a.b', N1])).toEqual([N1]);
  });
});
