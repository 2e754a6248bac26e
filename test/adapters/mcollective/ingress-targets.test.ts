import { expect, test } from 'vitest';
import { namedNodes } from '../../../src/envelope/message.ts';
import { until } from '../world.ts';
import { clientFrame, fakeLink, makeResidents, makeStompIngress, recordingSink } from './ingress-world.ts';

const NODES = Array.from({ length: 5 }, (_, at) => `n${at + 1}.example.net`);

test('the frames of one request are put together for max_targets nodes at most', async () => {
  const link = fakeLink();
  const ingress = makeStompIngress(link, { remoteNodes: makeResidents(NODES), maxTargets: 2 });
  const { sink, requests } = recordingSink();
  await ingress.start(sink);
  const frame = clientFrame({ node: NODES[0] ?? '' });
  for (const node of NODES) link.deliver({ ...frame, headers: { ...frame.headers, mc_identity: node } });
  const named = () => requests.map(({ targets }) => namedNodes(targets) ?? []);
  await until('all nodes are named', () => named().flat().length === NODES.length);
  expect(named().map(({ length }) => length)).toEqual([2, 2, 1]);
  expect(named().flat()).toEqual(NODES);
  await ingress.close();
});
