import { describe, expect, it } from 'vitest';
import {
  createCallerVerifier,
  DEFAULT_ALLOW,
  DEFAULT_PRIVILEGED,
} from '../../../../src/adapters/choria/wire/index.ts';
import type { ReadableReplyAddress, ReadableRequest } from '../../../../src/envelope/message.ts';
import { namedNodes } from '../../../../src/envelope/message.ts';
import { COLLECTIVE } from '../../brokers.ts';
import { authority, makeEgress, settled, until } from '../../world.ts';
import { makeCollectiveWorld, makeResidents } from './ingress-world.ts';

const fleet = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, n) => `n${n}.example.net`);

/** What one request is for, sorted: subscriptions of their own hand messages over in any order. */
const nodesOf = ({ targets }: ReadableRequest): readonly string[] => (namedNodes(targets) ?? []).toSorted();

/** Counts the signatures that are checked. */
const counting = () => {
  const verifier = createCallerVerifier({
    ca: authority.certificate,
    allow: DEFAULT_ALLOW,
    privileged: DEFAULT_PRIVILEGED,
  });
  let checked = 0;
  return {
    verifier: {
      verify: (...args: Parameters<typeof verifier.verify>) => {
        checked++;
        return verifier.verify(...args);
      },
    },
    checked: () => checked,
  };
};

/** A client of Go that is not federated sends the same bytes to the subject of each node that it has found. */
describe('a request that comes as one message a node', () => {
  it('is one request for all of them, verified once', async () => {
    const nodes = fleet(300);
    const { verifier, checked } = counting();
    const { requests, rejections, send } = await makeCollectiveWorld(makeResidents(nodes), { verifier });
    const id = send({ dialect: 'go', nodes });
    await settled();
    expect(rejections).toEqual([]);
    expect(requests.map((request) => [request.id, nodesOf(request)])).toEqual([[id, nodes.toSorted()]]);
    expect(checked()).toBe(1);
  });

  it('is told apart from another that comes at the same time', async () => {
    const nodes = fleet(3);
    const { client, requests, send } = await makeCollectiveWorld(makeResidents(nodes));
    const ids = [send({ nodes }), send({ nodes })];
    await until('both are handed over', () => requests.length === 2);
    expect(requests.map((request) => [request.id, nodesOf(request)])).toEqual(ids.map((id) => [id, nodes]));
    expect(client.replies).toEqual([]);
  });

  it('waits for its further messages, but not for long', async () => {
    const nodes = fleet(2);
    const { ingress, requests, send } = await makeCollectiveWorld(makeResidents(nodes), { collect: 50 });
    send({ nodes });
    await settled();
    expect(requests).toEqual([]);
    await until('it is handed over', () => requests.length > 0);
    expect(requests.map(nodesOf)).toEqual([nodes]);
    await ingress.close();
  });

  it('is for no more nodes at once than a message may name', async () => {
    const nodes = fleet(5);
    const { requests, send } = await makeCollectiveWorld(makeResidents(nodes), { maxTargets: 2 });
    send({ nodes });
    await settled();
    expect(requests.map((request) => nodesOf(request).length)).toEqual([2, 2, 1]);
    expect(requests.flatMap(nodesOf).toSorted()).toEqual(nodes);
  });

  it.each(['drain', 'close'] as const)('is handed over whole before a %s', async (end) => {
    const nodes = fleet(3);
    const { ingress, requests, send } = await makeCollectiveWorld(makeResidents(nodes), {
      collect: 60_000,
    });
    send({ nodes });
    await settled();
    expect(requests).toEqual([]);
    await ingress[end]();
    expect(requests.map(nodesOf)).toEqual([nodes]);
  });

  it('is refused once, and its requester told', async () => {
    const { requests, rejections, send } = await makeCollectiveWorld(makeResidents(fleet(3)));
    const id = send({ nodes: fleet(3), secure: { signature: 'AAAA' } });
    await settled();
    expect(requests).toEqual([]);
    expect(rejections).toEqual([
      {
        rejection: expect.objectContaining({ code: 'invalid_signature' }),
        home: expect.objectContaining({ requestId: id, agent: 'rpcutil' }) as ReadableReplyAddress,
      },
    ]);
  });

  it('is left to the Federation Broker that sent it, once', async () => {
    const { ignored, send } = await makeCollectiveWorld(makeResidents(fleet(3)));
    send({ nodes: fleet(3), headers: { 'reply-to': 'choria.federation.production.collective' } });
    await settled();
    expect(ignored).toEqual([expect.objectContaining({ why: 'bridged' })]);
  });

  it('is not spoilt by copies that somebody sends on to where the request is not for', async () => {
    const everywhere = { ...makeResidents(), patterns: () => ['*'], has: () => true };
    const { requests, rejections, send } = await makeCollectiveWorld(everywhere, {
      collectives: [COLLECTIVE, 'uk'],
    });
    send({
      subjects: [
        'mcollective.node.n0.example.net',
        'uk.node.n0.example.net',
        'mcollective.node.n!',
        'mcollective.node.n1.example.net',
      ],
    });
    await settled();
    expect(requests.map(nodesOf)).toEqual([fleet(2)]);
    expect(rejections.map(({ rejection }) => rejection.code).toSorted()).toEqual([
      'collective_mismatch',
      'invalid_target',
    ]);
  });

  it('goes on to legacy nodes as a few messages that name them, not as one broadcast a node', async () => {
    const nodes = fleet(1_000);
    const { brokers, requests, send } = await makeCollectiveWorld(makeResidents(nodes));
    const frames: (string | undefined)[] = [];
    const daemon = brokers.stomp.link();
    for (const destination of [`/topic/${COLLECTIVE}.>`, `/queue/${COLLECTIVE}.nodes`])
      await daemon.subscribe({ destination, onMessage: ({ replyTo }) => void frames.push(replyTo) });
    const egress = makeEgress(brokers);
    await egress.start({ reply: () => undefined, rejected: () => undefined });
    send({ dialect: 'go', nodes });
    await settled();
    await Promise.all(requests.map((request) => egress.deliver({ ...request, caller: 'cert=alice' })));
    await settled();
    // 200 nodes share a reply queue.
    expect(frames).toHaveLength(5);
    expect(new Set(frames).size).toBe(5);
  });
});
