import { afterAll, beforeAll, expect, test } from 'vitest';
import { BUILT_IN } from '../../../src/adapters/registry.ts';
import type { CassetteMessage } from '../../../src/capture/file/format.ts';
import { bundlesOf } from '../../../src/capture/replay/bundles.ts';
import { loadConfig } from '../../../src/setup/load.ts';
import { makeWorld, type World } from './world.ts';

let world: World;

beforeAll(() => {
  world = makeWorld();
});

afterAll(() => world.end());

const directed = (node: string, more: Partial<CassetteMessage> = {}): CassetteMessage => ({
  at: 1,
  link: 'clients',
  side: 'ingress',
  dir: 'in',
  destination: '/queue/mcollective.nodes',
  reply_to: '/queue/mcollective.reply.a_1',
  headers: { mc_identity: node },
  text: 'request',
  ...more,
});

test('messages to single nodes that are the same otherwise are one request', () => {
  const { mayBePart, isOne } = bundlesOf(loadConfig(world.config(), {}, BUILT_IN).config);
  const one = directed('n1');
  expect([mayBePart(one), isOne(one, directed('n2'))]).toEqual([true, true]);
  const others: readonly Partial<CassetteMessage>[] = [
    { text: 'another' },
    { reply_to: '/queue/mcollective.reply.a_2' },
    { destination: '/queue/other.nodes' },
    { link: 'federation' },
    { side: 'egress' },
    { headers: {} },
  ];
  expect(others.map((it) => isOne(one, directed('n2', it)))).toEqual(others.map(() => false));
  expect(mayBePart(directed('n1', { destination: '/topic/mcollective.rpcutil.agent', headers: {} }))).toBe(
    false,
  );
});
