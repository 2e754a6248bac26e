import { expect, test } from 'vitest';
import { ARRIVALS as CHORIA } from '../../src/adapters/choria/collective/arrivals.ts';
import type { IngressAdapter } from '../../src/adapters/descriptor.ts';
import { ARRIVALS as LEGACY } from '../../src/adapters/mcollective/arrivals.ts';
import { load, MINIMAL } from '../config/sample.ts';

const federation = (): IngressAdapter => {
  const it = load(MINIMAL).config.ingresses.get('federation');
  if (it === undefined) throw new Error('the sample has no ingress federation');
  return it.adapter;
};

const taken = (it: Pick<IngressAdapter, 'takes'>, destinations: readonly string[]): readonly string[] =>
  destinations.filter(it.takes(['alpha', 'beta']));

test('a federation’s ingress takes what is for its own cluster, which says itself whom it is for', () => {
  const it = federation();
  const own = `choria.federation.${it.cluster}.federation`;
  const others = ['choria.federation.other.federation', 'alpha.node.n1', `${own}.more`];
  expect(taken(it, [own, ...others])).toEqual([own]);
  expect(it.directedTo({ destination: own })).toBeUndefined();
});

test('Choria’s requests in exported collectives are taken, and nodes are told by subjects', () => {
  const ours = ['alpha.broadcast.agent.rpcutil', 'beta.node.n1.example.net'];
  const others = ['gamma.node.n1', 'alpha.broadcast.service.x', 'alpha.reply.x.1', 'alpha.node'];
  expect(taken(CHORIA, [...ours, ...others])).toEqual(ours);
  expect([...ours, ...others].map((destination) => CHORIA.directedTo({ destination })?.node)).toEqual([
    undefined,
    'n1.example.net',
    'n1',
    ...[undefined, undefined, undefined],
  ]);
});

test('legacy requests in exported collectives are taken, and nodes are told by mc_identity', () => {
  const ours = ['/topic/alpha.rpcutil.agent', '/topic/alpha.agents', '/queue/beta.nodes'];
  const others = ['/queue/gamma.nodes', '/queue/alpha.reply.x_1', '/topic/alpha.x.y.agent'];
  expect(taken(LEGACY, [...ours, ...others])).toEqual(ours);
  const headers = { mc_identity: 'n1.example.net' };
  expect(LEGACY.directedTo({ destination: '/queue/beta.nodes', headers })).toEqual({
    collective: 'beta',
    node: 'n1.example.net',
  });
  expect(LEGACY.directedTo({ destination: '/queue/beta.nodes' })).toBeUndefined();
  expect(LEGACY.directedTo({ destination: '/topic/alpha.agents', headers })).toBeUndefined();
});
