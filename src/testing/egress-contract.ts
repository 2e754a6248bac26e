import { describe, expect, it } from 'vitest';
import { EMPTY_FILTER } from '../envelope/filter.ts';
import {
  isOpaqueReply,
  type ReadableReply,
  type ReadableReplyAddress,
  type ReadableRequest,
  type ReplyPayload,
} from '../envelope/message.ts';
import type { Egress, ReplySink } from '../envelope/port.ts';
import { Rejection, type RejectionCode } from '../envelope/rejection.ts';
import { toAll, toNodes } from './targets.ts';
import { until } from './until.ts';

/** What one node of the far side got, in terms of no protocol, but for its times: they are in seconds on the wire. */
export interface Delivered {
  /** Undefined for a broadcast. */
  readonly node: string | undefined;
  readonly request: Pick<
    ReadableRequest,
    'id' | 'agent' | 'caller' | 'collective' | 'ttl' | 'time' | 'filter' | 'payload'
  >;
  /** Answers as a node does. */
  answer(node: string, payload: ReplyPayload): Promise<void>;
  /** Answers with a proof, of whatever kind the far side has, that does not hold. */
  answerFalsely(node: string): Promise<void>;
  /** Sends bytes to where the answer is awaited. */
  answerWith(bytes: Uint8Array): void;
}

/** Egresses that are not started, and their side of the world. */
export interface EgressStage {
  readonly egress: Egress;
  /** Another instance of the same bridge, as after a restart. */
  another(): Egress;
  /** Who asks, as rules map callers for this egress; `cert=alice` unless told. */
  readonly caller?: string;
  /** What an answer is refused for whose proof does not hold; `invalid_signature` unless told. */
  readonly impostor?: RejectionCode;
  /** A caller for whom there is no key, and what an egress makes of one. */
  readonly unknownCaller: string;
  /** All that has come so far. */
  delivered(): readonly Delivered[];
  /** Seconds since the epoch. */
  readonly now: number;
}

interface Handed {
  readonly replies: ReadableReply[];
  readonly rejections: {
    readonly rejection: Rejection;
    readonly home: ReadableReplyAddress | undefined;
    readonly broadcast: boolean | undefined;
  }[];
  readonly sink: ReplySink;
}

const recordingSink = (): Handed => {
  const replies: ReadableReply[] = [];
  const rejections: Handed['rejections'] = [];
  return {
    replies,
    rejections,
    sink: {
      reply: (reply) => {
        if (!isOpaqueReply(reply)) replies.push(reply);
      },
      rejected: (rejection, home, broadcast) => void rejections.push({ rejection, home, broadcast }),
    },
  };
};

const OK: ReplyPayload = { kind: 'rpc', statusCode: 0, statusMessage: 'OK', data: new Map([['pong', 1]]) };

export const requestAt = (now: number, part: Partial<ReadableRequest> = {}): ReadableRequest => {
  const id = '0123456789abcdef0123456789abcdef';
  const agent = part.agent ?? 'rpcutil';
  return {
    id,
    collective: 'mcollective',
    agent,
    caller: 'cert=alice',
    sender: 'client.example.net',
    time: now * 1000,
    ttl: 60_000,
    filter: { ...EMPTY_FILTER, agent: [agent] },
    targets: toAll(),
    payload: { kind: 'rpc', action: 'get_fact', data: new Map([['fact', 'country']]) },
    home: {
      ingress: 'federation',
      replyTo: 'mcollective.reply.1.2',
      requestId: id,
      federationRequestId: 'f'.repeat(32),
      agent,
      collective: 'mcollective',
      dialect: 'ruby',
      expires: (now + 60) * 1000,
      hops: [['nats://a', 'prod:1', 'stomp://b']],
    },
    ...part,
  };
};

/** The home of a node's reply: the way back begins with the node's own hop, from where the request was sent to. */
const tracedHome = ({ home }: ReadableRequest, node: string) => ({
  ...home,
  hops: [...(home.hops ?? []), [home.hops?.at(-1)?.[2], node, expect.any(String)]],
});

/** What the bridge relies on in every egress. */
export const egressContract = (name: string, setUp: () => Promise<EgressStage>): void => {
  const started = async (): Promise<EgressStage & Handed> => {
    const stage = await setUp();
    const handed = recordingSink();
    await stage.egress.start(handed.sink);
    return { ...stage, ...handed };
  };
  const askedOf = (
    { now, caller = 'cert=alice' }: EgressStage,
    part: Partial<ReadableRequest> = {},
  ): ReadableRequest => requestAt(now, { caller, ...part });
  const sent = async (part: Partial<ReadableRequest> = {}) => {
    const stage = await started();
    const request = askedOf(stage, part);
    await stage.egress.deliver(request);
    await until('the request is there', () => stage.delivered().length > 0);
    const [first] = stage.delivered();
    if (first === undefined) throw new Error('nothing was delivered');
    return { ...stage, request, first };
  };

  describe(`the egress ${name}`, () => {
    it('delivers a broadcast once, and says who asks what until when', async () => {
      const { delivered, request } = await sent();
      const { id, agent, caller, collective, ttl, time, filter, payload } = request;
      expect(delivered()).toMatchObject([
        {
          node: undefined,
          request: { id, agent, caller, collective, ttl: ttl / 1000, time: time / 1000, filter, payload },
        },
      ]);
    });

    it('delivers a directed request to each node that is named', async () => {
      const nodes = ['n1.example.net', 'n2.example.net', 'n3.example.net'];
      const { delivered } = await sent({ targets: toNodes(nodes) });
      await until('all have it', () => delivered().length === nodes.length);
      expect(delivered().map(({ node }) => node)).toEqual(nodes);
    });

    it('hands over replies with the home that their request had, and the hop of the node', async () => {
      const { first, replies, request } = await sent();
      await first.answer('n1.example.net', OK);
      await first.answer('n2.example.net', { ...OK, statusCode: 2, statusMessage: 'Unknown action' });
      await until('both are handed over', () => replies.length === 2);
      expect(replies).toMatchObject([
        { home: tracedHome(request, 'n1.example.net'), sender: 'n1.example.net', payload: OK },
        { home: tracedHome(request, 'n2.example.net'), sender: 'n2.example.net', payload: { statusCode: 2 } },
      ]);
      expect(replies[0]?.home).toEqual(tracedHome(request, 'n1.example.net'));
    });

    it('hands over no hop of a node where nobody asked for a trail', async () => {
      const { hops: _, ...home } = requestAt(0).home;
      const expires = (Math.floor(Date.now() / 1000) + 3_600) * 1000;
      const { first, replies } = await sent({ home: { ...home, expires } });
      await first.answer('n1.example.net', OK);
      await until('it is handed over', () => replies.length === 1);
      expect(replies[0]?.home.hops).toBeUndefined();
    });

    it('delivers discovery, and hands over its replies', async () => {
      const { first, replies } = await sent({ agent: 'discovery', payload: { kind: 'discovery' } });
      expect(first.request.payload).toEqual({ kind: 'discovery' });
      await first.answer('n1.example.net', { kind: 'discovery' });
      await until('it is handed over', () => replies.length === 1);
      expect(replies).toMatchObject([{ sender: 'n1.example.net', payload: { kind: 'discovery' } }]);
    });

    it('hands over replies to a request that an instance before it sent', async () => {
      const { another, egress, first, request } = await sent();
      await egress.close();
      const handed = recordingSink();
      await another().start(handed.sink);
      await first.answer('n1.example.net', OK);
      await until('it is handed over', () => handed.replies.length === 1);
      expect(handed.replies).toMatchObject([
        { home: tracedHome(request, 'n1.example.net'), sender: 'n1.example.net' },
      ]);
    });

    it('hands over an impostor’s reply as a refusal that names the node and the request', async () => {
      const { first, impostor = 'invalid_signature', rejections, replies, request } = await sent();
      await first.answerFalsely('n1.example.net');
      await until('it is handed over', () => rejections.length === 1);
      expect(rejections[0]).toMatchObject({
        rejection: {
          code: impostor,
          context: { requestId: request.id, sender: 'n1.example.net' },
        },
        home: request.home,
        broadcast: true,
      });
      expect(replies).toEqual([]);
    });

    it('hands over the reply of a node that was not asked as a refusal', async () => {
      const { first, rejections } = await sent({ targets: toNodes(['n1.example.net']) });
      await first.answer('n9.example.net', OK);
      await until('it is handed over', () => rejections.length === 1);
      expect(rejections[0]).toMatchObject({ rejection: { code: 'unexpected_sender' }, broadcast: false });
    });

    it('hands over what is no message as a refusal, and goes on', async () => {
      const { first, rejections, replies } = await sent();
      first.answerWith(Buffer.from('hello'));
      await first.answer('n1.example.net', OK);
      await until('the reply is handed over', () => replies.length === 1);
      expect(rejections).toHaveLength(1);
      expect(rejections[0]?.rejection).toBeInstanceOf(Rejection);
    });

    it('delivers nothing for a caller whose key it does not have', async () => {
      const stage = await started();
      await expect(
        stage.egress.deliver(requestAt(stage.now, { caller: stage.unknownCaller })),
      ).rejects.toMatchObject({ name: 'Rejection', code: 'no_signing_key' });
      expect(stage.delivered()).toEqual([]);
    });

    it('delivers nothing once it is closed', async () => {
      const stage = await started();
      expect(stage.egress.status().up).toBe(true);
      await stage.egress.close();
      expect(stage.egress.status()).toMatchObject({ name: stage.egress.name, up: false });
      await expect(stage.egress.deliver(askedOf(stage))).rejects.toMatchObject({ code: 'draining' });
    });
  });
};
