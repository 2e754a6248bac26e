import { describe, expect, it } from 'vitest';
import { decodeReplyBody } from '../../../../src/adapters/choria/wire/index.ts';
import {
  isOpaque,
  type OpaqueRequest,
  type ReadableReplyAddress,
  type ReadableRequest,
} from '../../../../src/envelope/message.ts';
import { ingressContract } from '../../../../src/testing/ingress-contract.ts';
import type { Question } from '../../../../src/testing/ingress-stage.ts';
import { toNodes } from '../../../../src/testing/targets.ts';
import { COLLECTIVE, makeBrokers } from '../../brokers.ts';
import { createChoriaClient, type Deviation, deviationOf } from '../../choria-client.ts';
import { alice, authority, MAX_TTL, makeIngress, until } from '../../world.ts';

const bob = authority.issue({ commonName: 'bob.mcollective', usages: ['client'] });

describe.each(['ruby', 'go'] as const)('with clients of %s', (dialect) => {
  ingressContract(`choria-federation (${dialect})`, async () => {
    const brokers = makeBrokers();
    const client = await createChoriaClient(brokers, alice);
    const deviation = (question: Question): Deviation => deviationOf(question, dialect, brokers.clock.now);
    const limits = { maxTtl: MAX_TTL, maxAhead: MAX_TTL, maxMessageBytes: 64 * 1024, maxTargets: 2 };
    return {
      ingress: makeIngress(brokers, limits),
      caller: 'choria=alice.mcollective',
      collective: COLLECTIVE,
      limits,
      ask: (question) => client.send(deviation(question)),
      impersonate: (question) => client.send({ ...deviation(question), signer: bob }),
      garble: () => client.publish('hello'),
      answers: () =>
        client.replies.map(({ requestId, node, agent, message }) => ({
          requestId,
          node,
          payload: decodeReplyBody(message, agent),
        })),
      forbiddenReplyTo: 'mcollective.node.n1',
    };
  });
});

describe('the ingress choria-federation', () => {
  const handed = async (deviation: Deviation) => {
    const brokers = makeBrokers();
    const client = await createChoriaClient(brokers, alice);
    const ingress = makeIngress(brokers);
    const requests: ReadableRequest[] = [];
    await ingress.start({
      request: (request) => {
        if (!isOpaque(request)) requests.push(request);
      },
      rejected: (rejection) => {
        throw rejection;
      },
      foresee: () => undefined,
      ignored: (why) => {
        throw new Error(`ignored: ${why}`);
      },
    });
    client.send(deviation);
    await until('the request is handed over', () => requests.length > 0);
    const [request] = requests;
    if (request === undefined) throw new Error('no request');
    return { client, ingress, request };
  };
  const PONG = { kind: 'discovery' } as const;

  const passed = async (verify: boolean) => {
    const brokers = makeBrokers();
    const client = await createChoriaClient(brokers, alice);
    const ingress = makeIngress(brokers, { opaque: new Map([['mcollective', { verify }]]) });
    const requests: OpaqueRequest[] = [];
    await ingress.start({
      request: (request) => {
        if (isOpaque(request)) requests.push(request);
      },
      rejected: (rejection) => {
        throw rejection;
      },
      foresee: () => undefined,
      ignored: () => undefined,
    });
    client.send({ nodes: ['n1.example.net'], body: '{"agent":"rpcutil","action":"ping","data":{"a":1}}' });
    await until('the request is handed over', () => requests.length > 0);
    return requests[0];
  };

  it('lets policy and audit look into what passes as it is, where the route verifies it', async () => {
    const request = await passed(true);
    expect(request?.payload.view?.()).toMatchObject({
      caller: 'choria=alice.mcollective',
      agent: 'rpcutil',
      action: 'ping',
      data: new Map([['a', 1]]),
      filter: { agent: [], identity: [] },
      targets: [{ kind: 'node', collective: 'mcollective', node: 'n1.example.net' }],
    });
    expect(request).toMatchObject({ caller: 'choria=alice.mcollective', agent: 'rpcutil' });
  });

  it('lets nobody look into what it does not verify', async () => {
    const request = await passed(false);
    expect(request?.payload.view).toBeUndefined();
    expect(request?.caller).toBeUndefined();
  });

  it.each([
    ['ruby', '"pong"', true],
    ['go', 'pong', false],
  ] as const)('answers a discovery of %s with %s', async (dialect, pong, wrapped) => {
    const { client, ingress, request } = await handed({ dialect, agent: 'discovery' });
    ingress.reply({ home: request.home, sender: 'n1.example.net', time: request.time, payload: PONG });
    await until('the reply is home', () => client.replies.length > 0);
    expect(client.replies).toMatchObject([{ message: pong, wrapped, sender: 'n1.example.net' }]);
  });

  it.each([
    ['ruby', undefined, '{"statuscode"'],
    ['go', 'get_fact', '{"action":"get_fact","statuscode"'],
  ] as const)('names the action in replies as nodes of %s do', async (dialect, action, begin) => {
    const caller = dialect === 'ruby' ? { caller: 'choria=alice.mcollective' } : {};
    const body = JSON.stringify({ agent: 'rpcutil', action: 'get_fact', ...caller, data: {} });
    const { client, ingress, request } = await handed({ dialect, agent: 'rpcutil', body });
    expect(request.home.action).toBe(action);
    const payload = { kind: 'rpc', statusCode: 0, statusMessage: 'OK', data: new Map() } as const;
    ingress.reply({ home: request.home, sender: 'n1.example.net', time: request.time, payload });
    await until('the reply is home', () => client.replies.length > 0);
    expect(client.replies[0]?.message.startsWith(begin)).toBe(true);
  });

  it('names the action in the answer to a request of Go’s that it refuses', async () => {
    const brokers = makeBrokers();
    const client = await createChoriaClient(brokers, alice);
    const homes: (ReadableReplyAddress | undefined)[] = [];
    await makeIngress(brokers).start({
      request: () => undefined,
      rejected: (_, home) => homes.push(home),
      foresee: () => undefined,
      ignored: () => undefined,
    });
    client.send({ dialect: 'go', body: '{"agent":"rpcutil","action":"ping","data":{}}', signer: bob });
    client.send({ dialect: 'go', body: `{"agent":"rpcutil","action":"${'a'.repeat(200)}","data":[]}` });
    await until('both are refused', () => homes.length === 2);
    expect(homes.map((home) => home?.action)).toEqual(['ping', undefined]);
  });

  it('knows whose idea of case and of dots a plain filter has, by the dialect', async () => {
    const ruby = await handed({ dialect: 'ruby', agent: 'discovery' });
    expect(ruby.request.filter.language).toBe('choria-ruby');
    const go = await handed({ dialect: 'go', agent: 'discovery' });
    expect(go.request.filter.language).toBeUndefined();
  });

  it('records hops only for those who asked for a trail', async () => {
    const silent = await handed({ agent: 'discovery' });
    expect(silent.request.home.hops).toBeUndefined();
    const traced = await handed({ agent: 'discovery', headers: { 'seen-by': [['alice', 'nats://a']] } });
    expect(traced.request.home.hops).toEqual([['alice', 'nats://a']]);
    for (const { client, ingress, request } of [silent, traced]) {
      ingress.reply({ home: request.home, sender: 'n1', time: request.time, payload: PONG });
      await until('the reply is home', () => client.replies.length > 0);
      expect(client.replies[0]?.trail).toEqual(request.home.hops);
    }
  });

  it('keeps the federation’s own request id only where it is another one', async () => {
    expect((await handed({})).request.home).not.toHaveProperty('federationRequestId');
    const other = await handed({ federation: { req: 'a'.repeat(32) } });
    expect(other.request.home.federationRequestId).toBe('a'.repeat(32));
  });

  it('takes the sender for what it says, and the caller for what its signature proves', async () => {
    const { request } = await handed({ envelope: { senderid: 'elsewhere.example.net' } });
    expect(request).toMatchObject({ sender: 'elsewhere.example.net', caller: 'choria=alice.mcollective' });
  });

  it('names each node once, however often it is a target', async () => {
    const { request } = await handed({ nodes: ['a', 'b', 'a'] });
    expect(request.targets).toEqual(toNodes(['a', 'b']));
  });

  it('sends no reply in a dialect that it does not know', async () => {
    const { ingress, request } = await handed({});
    const home = { ...request.home, dialect: 'esperanto' };
    expect(() => ingress.reply({ home, sender: 'n1', time: 0, payload: PONG })).toThrow(
      expect.objectContaining({ code: 'invalid_field' }),
    );
  });
});
