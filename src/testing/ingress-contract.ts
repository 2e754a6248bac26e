import { describe, expect, it } from 'vitest';
import {
  namedNodes,
  type ReadableReply,
  type ReadableRequest,
  type ReplyPayload,
} from '../envelope/message.ts';
import { Rejection, type RejectionCode } from '../envelope/rejection.ts';
import {
  type Handed,
  type IngressLimits,
  type IngressStage,
  type Proof,
  type Question,
  recordingSink,
} from './ingress-stage.ts';
import { toAll } from './targets.ts';
import { until } from './until.ts';

const OK: ReplyPayload = {
  kind: 'rpc',
  statusCode: 0,
  statusMessage: 'OK',
  data: new Map([['pong', 1_800_000_000]]),
};

type Refused = [string, RejectionCode, (limits: IngressLimits) => Partial<Question>];

const TOO_LARGE: Refused = [
  'that is longer than its limit',
  'too_large',
  ({ maxMessageBytes }) => ({ action: 'ping', data: new Map([['text', 'x'.repeat(maxMessageBytes)]]) }),
];

/** What a request must not say of itself, where it does. */
const UNTRUE: readonly Refused[] = [
  ['whose ttl has ended', 'expired', () => ({ ttl: 60, age: 120 })],
  [
    'that is older than the longest ttl, whatever its own',
    'expired',
    ({ maxTtl }) => ({ ttl: maxTtl * 3, age: maxTtl + 60 }),
  ],
  ['from the future', 'from_the_future', ({ maxAhead }) => ({ ttl: 60, age: -maxAhead - 60 })],
  ['for another collective than it was sent in', 'collective_mismatch', () => ({ collective: 'elsewhere' })],
];

/**
 * What the bridge relies on in every ingress.
 * @param proof what proves who asks
 */
export const ingressContract = (
  name: string,
  setUp: () => Promise<IngressStage>,
  proof: Proof = 'message',
): void => {
  const started = async (): Promise<IngressStage & Handed> => {
    const stage = await setUp();
    const handed = recordingSink();
    await stage.ingress.start(handed.sink);
    return { ...stage, ...handed };
  };
  const request = async (question: Question) => {
    const stage = await started();
    const asked = stage.ask(question);
    await until('the request is handed over', () => stage.requests.length > 0);
    const [first] = stage.requests;
    if (first === undefined) throw new Error('no request');
    const id = proof === 'message' ? asked : first.id;
    if (id === undefined) throw new Error('a client that gives ids knows them');
    return { ...stage, id, request: first };
  };
  /** What a question is refused for. */
  const refusal = async (questionFor: (stage: IngressStage) => Question): Promise<Rejection> => {
    const stage = await started();
    stage.ask(questionFor(stage));
    await until('it is refused or handed over', () => stage.rejections.length + stage.requests.length > 0);
    expect(stage.requests).toEqual([]);
    const [first] = stage.rejections;
    if (first === undefined) throw new Error('no rejection');
    return first.rejection;
  };
  const replyTo = ({ home, time }: ReadableRequest, payload: ReplyPayload = OK): ReadableReply => ({
    home,
    sender: 'node1.example.net',
    time,
    payload,
  });

  describe(`the ingress ${name}`, () => {
    it('hands over a broadcast as who asked what, with the way home', async () => {
      const {
        id,
        request: handed,
        ingress,
        caller,
        collective,
      } = await request({
        agent: 'rpcutil',
        action: 'inventory',
      });
      expect(handed).toMatchObject({
        id,
        collective,
        agent: 'rpcutil',
        caller,
        targets: toAll('rpcutil', collective),
        payload: { kind: 'rpc', action: 'inventory', data: new Map() },
        home: { ingress: ingress.name, requestId: id, agent: 'rpcutil', collective },
      });
      await ingress.close();
    });

    it('hands over a discovery as one', async () => {
      const { request: handed } = await request({ agent: 'discovery' });
      expect(handed.payload).toEqual({ kind: 'discovery' });
    });

    it('hands over the nodes that a directed request names', async () => {
      const nodes = ['n1.example.net', 'n2.example.net'];
      const { requests } = await request({ agent: 'rpcutil', nodes });
      // One request or several: a client of some protocols sends a message a node.
      const named = () => requests.flatMap(({ targets }) => namedNodes(targets) ?? []);
      await until('all of them are named', () => named().length >= nodes.length);
      expect(named()).toEqual(nodes);
      expect(requests.every(({ targets }) => targets.every(({ kind }) => kind === 'node'))).toBe(true);
    });

    it('lets a request’s home expire with its ttl', async () => {
      const { request: handed } = await request({ agent: 'rpcutil', ttl: 45 });
      expect(handed.ttl).toBe(45_000);
      expect(handed.home.expires).toBe(handed.time + 45_000);
    });

    it('believes no ttl that is longer than its limit', async () => {
      const stage = await started();
      const { maxTtl } = stage.limits;
      stage.ask({ agent: 'rpcutil', ttl: maxTtl + 100 });
      await until('the request is handed over', () => stage.requests.length > 0);
      const [handed] = stage.requests;
      expect(handed?.ttl).toBe(maxTtl * 1000);
      expect(handed?.home.expires).toBe((handed?.time ?? 0) + maxTtl * 1000);
    });

    it.each(proof === 'message' ? [...UNTRUE, TOO_LARGE] : [TOO_LARGE])(
      'refuses a request %s',
      async (_, code, fault) => {
        const rejection = await refusal(({ limits }) => ({ agent: 'rpcutil', ...fault(limits) }));
        expect(rejection).toMatchObject({ code });
      },
    );

    it('hands over no request for more nodes than its limit: it is refused, or comes in parts', async () => {
      const stage = await started();
      const { maxTargets } = stage.limits;
      const nodes = Array.from({ length: (maxTargets ?? 1) + 1 }, (_, at) => `n${at + 1}.example.net`);
      stage.ask({ agent: 'rpcutil', nodes });
      const { requests, rejections } = stage;
      const named = () => requests.map(({ targets }) => namedNodes(targets) ?? []);
      await until(
        'it is refused, or all nodes are named',
        () => rejections.length > 0 || named().flat().length === nodes.length,
      );
      if (rejections.length === 0) expect(named().flat()).toEqual(nodes);
      else expect([rejections[0]?.rejection.code, requests]).toEqual(['too_many_targets', []]);
      if (maxTargets !== undefined)
        expect(Math.max(0, ...named().map(({ length }) => length))).toBeLessThanOrEqual(maxTargets);
    });

    it('carries a reply home, in the node’s name and with the request’s id', async () => {
      const { id, ingress, answers, request: handed } = await request({ agent: 'rpcutil' });
      ingress.reply(replyTo(handed));
      await until('the reply is home', () => answers().length > 0);
      expect(answers()).toEqual([{ requestId: id, node: 'node1.example.net', payload: OK }]);
    });

    it('carries a discovery’s reply home', async () => {
      const { id, ingress, answers, request: handed } = await request({ agent: 'discovery' });
      ingress.reply(replyTo(handed, { kind: 'discovery' }));
      await until('the reply is home', () => answers().length > 0);
      expect(answers()).toEqual([
        { requestId: id, node: 'node1.example.net', payload: { kind: 'discovery' } },
      ]);
    });

    it('hands over what is no message as a refusal, and goes on', async () => {
      const stage = await started();
      stage.garble();
      stage.ask({ agent: 'rpcutil' });
      await until('the request is handed over', () => stage.requests.length > 0);
      expect(stage.rejections).toHaveLength(1);
      expect(stage.rejections[0]?.rejection).toBeInstanceOf(Rejection);
      expect(stage.rejections[0]?.home).toBeUndefined();
    });

    if (proof === 'message')
      it('hands over an impostor’s request as a refusal that says whose it claims to be and how to answer', async () => {
        const stage = await started();
        const id = stage.impersonate({ agent: 'rpcutil' });
        await until('the refusal is handed over', () => stage.rejections.length > 0);
        const { rejection, home } = stage.rejections[0] ?? {};
        expect(rejection?.context).toMatchObject({ requestId: id, agent: 'rpcutil' });
        expect(home).toMatchObject({ requestId: id, ingress: stage.ingress.name });
        expect(stage.requests).toEqual([]);
        if (home === undefined) throw new Error('no home');
        stage.ingress.reply({ home, sender: 'bridge', time: 1_000, payload: { ...OK, statusCode: 5 } });
        await until('the answer is home', () => stage.answers().length > 0);
        expect(stage.answers()[0]).toMatchObject({ requestId: id, payload: { statusCode: 5 } });
      });
    else
      it('lets nobody in with a proof that does not hold, and hands that over as a refusal that nobody is answered by it', async () => {
        const stage = await started();
        stage.impersonate({ agent: 'rpcutil' });
        await until('the refusal is handed over', () => stage.rejections.length > 0);
        expect(stage.rejections).toMatchObject([
          { rejection: { code: 'invalid_signature' }, home: undefined },
        ]);
        expect([stage.requests, stage.answers()]).toEqual([[], []]);
      });

    it('sends no reply to where none may go', async () => {
      const { ingress, forbiddenReplyTo, request: handed } = await request({ agent: 'rpcutil' });
      const home = { ...handed.home, replyTo: forbiddenReplyTo };
      expect(() => ingress.reply({ ...replyTo(handed), home })).toThrow(
        expect.objectContaining({ code: 'invalid_reply_to' }),
      );
    });

    it('takes no request after a drain, but still carries replies', async () => {
      const { ask, ingress, answers, requests, request: handed } = await request({ agent: 'rpcutil' });
      await ingress.drain();
      ask({ agent: 'rpcutil' });
      ingress.reply(replyTo(handed));
      await until('the reply is home', () => answers().length > 0);
      expect(requests).toHaveLength(1);
    });

    it('refuses replies once it is closed', async () => {
      const { ingress, request: handed } = await request({ agent: 'rpcutil' });
      expect(ingress.status().up).toBe(true);
      await ingress.close();
      expect(ingress.status()).toMatchObject({ name: ingress.name, up: false });
      expect(() => ingress.reply(replyTo(handed))).toThrow(expect.objectContaining({ code: 'draining' }));
    });
  });
};
