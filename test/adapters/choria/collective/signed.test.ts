import { createPublicKey } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { both, negated } from '../../../../src/envelope/expression.ts';
import { SigningPool } from '../../../../src/pki/signing-pool.ts';
import { toNodes } from '../../../../src/testing/targets.ts';
import { LinkError } from '../../../../src/transport/link.ts';
import { COLLECTIVE } from '../../brokers.ts';
import { BRIDGE, settled, until } from '../../world.ts';
import { directed, HOME, makeDelivered, makeNetwork, NODES } from './signed-network.ts';
import { ALICE, credentialsOf, privileged, requestOf } from './signed-world.ts';

describe('a request that is signed', () => {
  it('goes out by the bridge, for its caller, with the way home in its federation header', async () => {
    const { request, first, message } = await makeDelivered();
    const { transport, secure, wire, proven } = message;
    expect(first.destination).toBe('mcollective.broadcast.agent.rpcutil');
    const { data: _data, wrapped: _wrapped, content: _content, ...headers } = transport;
    expect(headers).toEqual({
      sender: BRIDGE,
      replyTo: HOME,
      federation: {
        request: request.id,
        home: expect.stringMatching(/^mcollective\.reply\.mcbridge\.[\w-]+$/),
      },
    });
    expect(wire).toMatchObject({ requestId: request.id, senderId: BRIDGE, callerId: ALICE });
    expect(secure.pubcert).toBe(privileged.certificate);
    expect(proven).toMatchObject({ name: 'alice.mcollective', privileged: true });
  });

  it('has its body in Ruby’s dialect, which Go’s nodes read as well', async () => {
    const { message } = await makeDelivered();
    expect(message.wire.message).toBe(
      `{"agent":"rpcutil","action":"get_fact","caller":"${ALICE}","data":{"fact":"country"}}`,
    );
    const ping = await makeDelivered({ agent: 'discovery', payload: { kind: 'discovery' } });
    expect(ping.message.wire.message).toBe('"ping"');
  });

  it.each([
    [[], ['rpcutil']],
    [['puppet'], ['puppet', 'rpcutil']],
    [['rpcutil'], ['rpcutil']],
  ])('asks, with the agent filter %j, for nodes with the agent', async (agent, expected) => {
    const { message } = await makeDelivered({ filter: { ...requestOf().filter, agent } });
    expect(message.wire.filter.agent).toEqual(expected);
  });

  it.each([
    ['expr', [[{ expr: '"apache" in classes and not ("mysql" in classes)' }]]],
    ['tokens', [[{ statement: 'apache' }, { and: 'and' }, { not: 'not' }, { statement: 'mysql' }]]],
  ] as const)('has compound filters as %s where the nodes read that', async (compound, expected) => {
    const apache = { kind: 'class', name: 'apache' } as const;
    const filter = {
      ...requestOf().filter,
      compound: [both(apache, negated({ kind: 'class', name: 'mysql' }))],
    };
    const { message } = await makeDelivered({ filter }, { compound });
    expect(JSON.parse(message.secure.message)).toMatchObject({
      envelope: { filter: { compound: expected } },
    });
  });

  it('is refused with a compound filter that its nodes cannot be asked', async () => {
    const { egress, seen } = await makeNetwork({ compound: 'tokens' });
    const why = 'there are no functions';
    const filter = {
      ...requestOf().filter,
      compound: [{ kind: 'text', text: 'len(classes) > 1', why } as const],
    };
    await expect(egress.deliver(requestOf({ filter }))).rejects.toMatchObject({ code: 'unsupported_filter' });
    await settled();
    expect(seen).toEqual([]);
  });

  it('leaves the filter of discovery as it is', async () => {
    const filter = { ...requestOf().filter, agent: [], collective: COLLECTIVE };
    const { message } = await makeDelivered({ agent: 'discovery', payload: { kind: 'discovery' }, filter });
    expect(message.wire.filter).toEqual(filter);
  });

  it.each([
    [5, 30, 25],
    [29, 30, 1],
    [30, 30, 0],
    [31, 31, 0],
    [3_600, 3_600, 0],
  ])('of a ttl of %d s goes out with %d s, from %d s earlier', async (ttl, longer, earlier) => {
    const { request, message } = await makeDelivered({ ttl: ttl * 1000 });
    expect(message.wire).toMatchObject({ ttl: longer, time: request.time / 1000 - earlier });
    expect(message.wire.time + message.wire.ttl).toBe((request.time + request.ttl) / 1000);
  });

  it('asks for the trail where its requester did, and only there', async () => {
    const hops = [['stomp://a', 'prod:1', 'nats://b']];
    const traced = await makeDelivered({ home: { ...requestOf().home, hops } });
    expect(traced.message.transport.hops).toEqual(hops);
    const plain = await makeDelivered();
    expect(plain.message.transport).not.toHaveProperty('hops');
  });

  it('is one message for each node that is named', async () => {
    const { seen } = await makeDelivered({ targets: directed });
    expect(seen.map(({ destination }) => destination)).toEqual(
      NODES.map((node) => `mcollective.node.${node}`),
    );
  });

  it('is signed once, also where it comes in one message a node', async () => {
    const pool = new SigningPool();
    const sign = vi.spyOn(pool, 'sign');
    const { egress, seen } = await makeNetwork({ pool });
    const nodes = Array.from({ length: 200 }, (_, n) => `n${n}.example.net`);
    // Of one moment: what two messages say of the time is part of what is signed.
    const request = requestOf();
    await Promise.all(nodes.map((node) => egress.deliver({ ...request, targets: toNodes([node]) })));
    await until('all are there', () => seen.length === nodes.length);
    expect(sign).toHaveBeenCalledTimes(1);
    await egress.deliver(requestOf({ id: 'a'.repeat(32) }));
    expect(sign).toHaveBeenCalledTimes(2);
    expect(sign.mock.calls.map(([algorithm, , , priority]) => [algorithm, priority])).toEqual(
      Array(2).fill(['sha256', 'request']),
    );
  });

  it('is tried again after its signature has failed', async () => {
    const pool = new SigningPool();
    vi.spyOn(pool, 'sign').mockRejectedValueOnce(new Error('out of threads'));
    const { egress, seen } = await makeNetwork({ pool });
    await expect(egress.deliver(requestOf())).rejects.toThrow('out of threads');
    await egress.deliver(requestOf());
    await until('it is there', () => seen.length === 1);
  });

  it.each(['up=alice', 'okta=alice_example_com', 'x=a.b-c_D9'])(
    'may be for %s, a caller of an AAA server, whom Go’s nodes take from a privileged certificate',
    async (caller) => {
      const { message } = await makeDelivered({ caller });
      expect(message.wire.callerId).toBe(caller);
      expect(message.proven).toMatchObject({ name: caller.replace(/.*=/, ''), privileged: true });
      expect(JSON.parse(message.wire.message)).toMatchObject({ caller });
    },
  );

  it.each(['cert1=alice', 'Up=alice', 'choria=', 'choria=a\nb'])(
    'is refused for the caller %j',
    async (caller) => {
      const { egress, seen } = await makeNetwork();
      await expect(egress.deliver(requestOf({ caller }))).rejects.toMatchObject({ code: 'no_signing_key' });
      await settled();
      expect(seen).toEqual([]);
    },
  );

  it('is refused where its ttl ended while it waited to be signed', async () => {
    const clock = { now: Date.now() };
    const pool = new SigningPool();
    const { egress, seen } = await makeNetwork({ clock: () => clock.now, pool });
    const delivery = egress.deliver(requestOf());
    clock.now += 60_000;
    await expect(delivery).rejects.toMatchObject({ code: 'expired' });
    await settled();
    expect(seen).toEqual([]);
  });

  it('is not even signed where its ttl had ended when its turn came', async () => {
    const clock = { now: Date.now() };
    const pool = new SigningPool(1);
    const good = credentialsOf(privileged);
    const { privateKey } = good.forCaller(ALICE);
    // Says so when it is used.
    const useless = createPublicKey(privateKey);
    const credentials = { ...good, forCaller: () => ({ ...good.forCaller(ALICE), privateKey: useless }) };
    const { egress, seen } = await makeNetwork({ clock: () => clock.now, pool, credentials });
    const before = pool.sign('sha1', Buffer.from('x'), privateKey, 'reply');
    const delivery = egress.deliver(requestOf());
    expect(pool.waiting).toBe(1);
    clock.now += 120_000;
    await expect(delivery).rejects.toMatchObject({ code: 'expired' });
    await before;
    await settled();
    expect(seen).toEqual([]);
  });

  it('is refused as overloaded where too many wait to be signed', async () => {
    const { egress, seen } = await makeNetwork({ maxUnsignedBytes: 1 });
    const waiting = egress.deliver(requestOf());
    await expect(egress.deliver(requestOf({ id: 'b'.repeat(32) }))).rejects.toMatchObject({
      code: 'overloaded',
      message: expect.stringMatching(/^1 requests already wait to be signed \(\d+ bytes, limit 1\)$/),
    });
    await waiting;
    await egress.deliver(requestOf({ id: 'c'.repeat(32) }));
    await until('both that were taken are there', () => seen.length === 2);
  });

  it('is refused as overloaded where the link has no room for it', async () => {
    const { egress } = await makeNetwork({}, (link) => ({
      ...link,
      send: () => {
        throw new LinkError('overloaded', 'the buffer is full');
      },
    }));
    await expect(egress.deliver(requestOf())).rejects.toMatchObject({ code: 'overloaded' });
  });
});
