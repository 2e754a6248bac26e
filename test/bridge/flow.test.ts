import { describe, expect, it } from 'vitest';
import { flowsFrom, randomFlows } from '../../src/bridge/flow.ts';
import { type OpaqueRequest, type ReadableRequest, readable } from '../../src/envelope/message.ts';
import { Rejection } from '../../src/envelope/rejection.ts';
import { requestAt } from '../../src/testing/egress-contract.ts';
import { toAll, toNodes } from '../../src/testing/targets.ts';
import { startedStage } from './stage.ts';

const START = 1_800_000_000;
const FLOW = /^[0-9a-f]{32}$/;

/** The same of whoever asks, in all that he can choose. */
const asking = (caller: string, nodes?: readonly string[]): ReadableRequest => {
  const targets = nodes === undefined ? toAll() : toNodes(nodes);
  const request = requestAt(START, { caller, targets });
  const { hops: _, ...home } = request.home;
  return { ...request, home };
};

const opaqueFor = (node: string, replyTo: string): OpaqueRequest => ({
  id: 'the same',
  sender: 'somebody.example.net',
  collective: 'mcollective',
  targets: toNodes([node]),
  payload: {
    kind: 'opaque',
    content: { protocol: 'choria:transport:1', data: '""', headers: {} },
    errorReplyAddress: () => undefined,
  },
  home: { ingress: 'federation', replyTo, requestId: 'the same', expires: (START + 60) * 1000 },
});

const errorReplyAddress = ({ home }: ReadableRequest, sender: string) => ({
  home,
  sender,
  time: START * 1000,
  payload: { kind: 'rpc', statusCode: 0, statusMessage: 'OK', data: new Map() } as const,
});

const stageOfTwo = async (nodes?: readonly string[]) => {
  const stage = await startedStage();
  for (const caller of ['choria=alice', 'choria=bob']) stage.requests.request(asking(caller, nodes));
  const [alices, bobs] = stage.delivered.map(readable);
  if (alices === undefined || bobs === undefined) throw new Error('two requests were to be delivered');
  return { ...stage, alices, bobs };
};

describe('a flow id', () => {
  it('is given to each request as it is taken, and goes out with it', async () => {
    const { alices, bobs } = await stageOfTwo();
    expect(alices.home.flow).toMatch(FLOW);
    expect(bobs.home.flow).toMatch(FLOW);
    expect(alices.home.flow).not.toBe(bobs.home.flow);
    expect(alices.home.requestId).toBe(bobs.home.requestId);
  });

  it.each([['nodes'], ['all']])(
    'keeps the lines of two callers apart who ask the same of %s under one request id',
    async (whom) => {
      const { bridge, replies, lines, alices, bobs } = await stageOfTwo(whom === 'all' ? undefined : ['n1']);
      replies.reply({ ...errorReplyAddress(bobs, 'n1'), broadcast: whom === 'all' });
      await bridge.stop();
      const written = lines.map(({ fields }) => fields);
      const of = (flow: string | undefined) => written.filter((fields) => fields['flow'] === flow);
      expect(of(alices.home.flow)).toMatchObject([{ caller_in: 'choria=alice', replies: 0 }]);
      expect(of(bobs.home.flow)).toMatchObject([{ caller_in: 'choria=bob', replies: 1 }]);
      expect(written).toHaveLength(2);
    },
  );

  it('is in all that observers are told of a request, of its replies, and of what is refused', async () => {
    const { replies, steps, refusals, lines, alices, bobs } = await stageOfTwo(['n1']);
    replies.reply(errorReplyAddress(bobs, 'n1'));
    replies.rejected(new Rejection('invalid_signature', 'not the key'), alices.home);
    const of = (flow: string | undefined) =>
      steps.filter(({ about }) => about.flow === flow).map(({ step }) => step);
    const onItsWay = [
      'request received',
      'request routed',
      'request mapped',
      'request decided',
      'request sent',
    ];
    expect(of(bobs.home.flow)).toEqual([...onItsWay, 'reply received', 'reply sent']);
    expect(of(alices.home.flow)).toEqual([...onItsWay, 'error sent']);
    expect(refusals).toMatchObject([{ code: 'invalid_signature', context: { flow: alices.home.flow } }]);
    expect(lines.find(({ fields }) => fields['event'] === 'rejected')?.fields['flow']).toBe(alices.home.flow);
  });

  it('is that of a request whose client sends it in several messages', async () => {
    const { requests, delivered } = await startedStage();
    for (const node of ['n1', 'n2', 'n1']) requests.request(asking('choria=alice', [node]));
    const [first, second, again] = delivered.map(({ home }) => home.flow);
    expect(second).toBe(first);
    expect(again).not.toBe(first);
  });

  it('stays here for an opaque request, and its replies are known by where they go', async () => {
    const { bridge, requests, replies, steps, lines, delivered, home } = await startedStage();
    const asked = ['a', 'b'].map((letter) => opaqueFor(`n-${letter}`, `mcollective.reply.${letter}.1`));
    for (const request of asked) requests.request(request);
    const [first, second] = delivered.map((request) => request.home.flow);
    expect(first).not.toBe(second);
    for (const request of [...asked].reverse()) {
      const { content } = request.payload;
      const [target] = request.targets;
      const sender = target?.kind === 'node' ? target.node : '';
      replies.reply({ sender, payload: { kind: 'opaque', content }, home: request.home });
    }
    expect(home).toHaveLength(2);
    expect(steps.flatMap(({ step, about }) => (step === 'reply sent' ? [about.flow] : []))).toEqual([
      second,
      first,
    ]);
    await bridge.stop();
    expect(lines.map(({ fields }) => [fields['flow'], fields['replies'], fields['unheard']])).toEqual([
      [second, 1, 0],
      [first, 1, 0],
    ]);
  });
});

describe('where flow ids come from', () => {
  it('is chance, where nothing else is told', () => {
    const ids = Array.from({ length: 1_000 }, randomFlows());
    expect(new Set(ids).size).toBe(1_000);
    for (const id of ids) expect(id).toMatch(FLOW);
  });

  it('is a seed for a replay, which gives the same ones each time', () => {
    const idsOf = (seed: string) => {
      const flows = flowsFrom(seed);
      return [flows(), flows(), flows()];
    };
    expect(idsOf('00')).toEqual(idsOf('00'));
    expect(new Set([...idsOf('00'), ...idsOf('01')]).size).toBe(6);
    for (const id of idsOf('00')) expect(id).toMatch(FLOW);
  });
});
