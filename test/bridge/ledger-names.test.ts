import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LogObserver } from '../../src/bridge/log-observer.ts';
import { type Note, RequestLog } from '../../src/bridge/request-log.ts';
import {
  type OpaqueReply,
  type OpaqueRequest,
  type ReadableReplyAddress,
  type ReadableRequest,
  type Request,
  readdressed,
} from '../../src/envelope/message.ts';
import { requestAt } from '../../src/testing/egress-contract.ts';
import { toAll, toNodes } from '../../src/testing/targets.ts';
import { type LogLine, recordingLog } from '../adapters/world.ts';

const START = 1_800_000_000_000;
const ID = 'a'.repeat(32);
const ALICE = 'choria=alice.mcollective';
const BOB = 'choria=bob.mcollective';

/** Bytes, after a collection. */
const heapInUse = (): number => {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed;
};

interface Asked {
  readonly caller?: string;
  readonly agent?: string;
  readonly action?: string;
  readonly replyTo?: string;
  readonly nodes?: readonly string[];
}

const requestOf = ({
  caller = BOB,
  agent = 'rpcutil',
  action = 'ping',
  replyTo = 'mcollective.reply.bob.1',
  nodes,
}: Asked): ReadableRequest => {
  const targets = nodes === undefined ? toAll() : toNodes(nodes);
  const made = requestAt(START / 1000, { id: ID, caller, agent, targets });
  return {
    ...made,
    payload: { kind: 'rpc', action, data: new Map() },
    home: { ...made.home, requestId: ID, agent, replyTo },
  };
};

const opaqueOf = (
  requestId: string,
  {
    nodes = ['n1'],
    sender = 'bob',
    replyTo = 'mcollective.reply.bob.1',
  }: Asked & { readonly sender?: string },
): OpaqueRequest => ({
  id: requestId,
  sender,
  collective: 'mcollective',
  targets: toNodes(nodes),
  payload: {
    kind: 'opaque',
    content: { protocol: 'choria:transport:1', data: '""', headers: {} },
    errorReplyAddress: () => undefined,
  },
  home: { ingress: 'federation', replyTo, requestId, expires: START + 60_000 },
});

const replyOf = (request: OpaqueRequest, sender: string): OpaqueReply => ({
  sender,
  payload: { kind: 'opaque', content: request.payload.content },
  home: request.home,
});

describe('the line of a request', () => {
  let lines: LogLine[];
  let requestLog: RequestLog;
  let flows: number;
  /** As the bridge does it. */
  const withFlow = <T extends Request>(request: T): T => {
    const flow = requestLog.continued(request) ?? String(++flows).padStart(32, '0');
    return readdressed(request, { flow });
  };
  const sent = (asked: Asked): { readonly note: Note | undefined; readonly home: ReadableReplyAddress } => {
    const request = withFlow(requestOf(asked));
    return { note: requestLog.sent(request, 'cert=mapped', 'federation → legacy'), home: request.home };
  };
  const passed = (request: OpaqueRequest): string | undefined => {
    const taken = withFlow(request);
    requestLog.sent(taken, undefined, 'federation → choria');
    return taken.home.flow;
  };
  const passedBack = (reply: OpaqueReply): string | undefined => {
    const known = requestLog.recognised(reply);
    requestLog.replied(known.home, false, known.sender || undefined);
    return known.home.flow;
  };
  const written = () => lines.map(({ fields }) => fields);

  beforeEach(() => {
    vi.useFakeTimers({ now: START });
    lines = [];
    flows = 0;
    const observer = new LogObserver({ log: recordingLog(lines), clock: Date.now });
    requestLog = new RequestLog({
      onDone: (summary) => observer.requestDone(summary),
      clock: Date.now,
      capacity: 20_000,
      bytes: 32 * 1024 ** 2,
      quiet: 5_000,
    });
  });
  afterEach(() => {
    requestLog.stop();
    vi.useRealTimers();
  });

  it('is its own, whatever else its sender has open under the same id', () => {
    sent({ action: 'ping', nodes: ['absent'] });
    const fact = sent({ action: 'get_fact', nodes: ['n1'] });
    const echo = sent({ agent: 'helloworld', action: 'echo', nodes: ['n1'] });
    requestLog.replied(fact.home, false, 'n1');
    requestLog.replied(echo.home, false, 'n1');
    vi.advanceTimersByTime(61_000);
    expect(written()).toMatchObject([
      { action: 'get_fact', targets: 1, replies: 1, unheard: 0 },
      { action: 'echo', agent: 'helloworld', targets: 1, replies: 1, unheard: 0 },
      { action: 'ping', targets: 1, replies: 0, unheard: 1, unheard_nodes: ['absent'] },
    ]);
  });

  it('is in the name of its own caller, though another has the id open, and even his reply subject', () => {
    for (const replyTo of ['mcollective.reply.bob.1', 'mcollective.reply.alice.1']) {
      sent({ caller: ALICE, action: 'inventory', replyTo: 'mcollective.reply.alice.1', nodes: ['absent'] });
      const { home } = sent({ caller: BOB, action: 'inventory', replyTo, nodes: ['n1'] });
      requestLog.replied(home, false, 'n1');
      requestLog.stop();
      expect(written()).toMatchObject([
        { caller_in: BOB, action: 'inventory', replies: 1, unheard: 0 },
        { caller_in: ALICE, action: 'inventory', replies: 0, unheard: 1 },
      ]);
      lines.length = 0;
    }
  });

  it('is in the name of its own caller, though another asks the same of the same node in all that he can choose', () => {
    for (const nodes of [['n1'], undefined]) {
      const [alices, bobs] = [ALICE, BOB].map(
        (caller) => sent({ caller, action: 'inventory', ...(nodes && { nodes }) }).home,
      );
      if (alices === undefined || bobs === undefined) throw new Error('nothing was sent');
      requestLog.replied(bobs, false, 'n1');
      requestLog.replied(bobs, true, 'n1');
      requestLog.stop();
      const bobsLine = { flow: bobs.flow, caller_in: BOB };
      const alicesLine = { flow: alices.flow, caller_in: ALICE, replies: 0 };
      // A line is written once all that were named have answered.
      expect(written()).toMatchObject(
        nodes === undefined
          ? [alicesLine, { ...bobsLine, replies: 1, errors: 1 }]
          : [
              { ...bobsLine, replies: 1, unheard: 0 },
              { ...alicesLine, unheard: 1 },
              { flow: bobs.flow, late: true, errors: 1 },
            ],
      );
      lines.length = 0;
    }
  });

  it('is another one where the reply subject is another', () => {
    sent({ replyTo: 'mcollective.reply.bob.1', nodes: ['n1'] });
    const { home } = sent({ replyTo: 'mcollective.reply.bob.2', nodes: ['n2'] });
    requestLog.replied(home, false, 'n2');
    expect(written()).toMatchObject([{ targets: 1, replies: 1, unheard: 0 }]);
    expect(requestLog.open).toBe(1);
  });

  it('is one for all groups of a long list of nodes', () => {
    const nodes = Array.from({ length: 600 }, (_, n) => `n${n}.example.net`);
    const [first] = [0, 200, 400].map((at) => sent({ nodes: nodes.slice(at, at + 200) }));
    for (const node of nodes) if (first !== undefined) requestLog.replied(first.home, false, node);
    expect(written()).toMatchObject([{ targets: 600, messages: 3, replies: 600, unheard: 0 }]);
  });

  it('is another one where a node is asked once more', () => {
    const { home } = sent({ nodes: ['n1', 'n2'] });
    const { home: again } = sent({ nodes: ['n2'] });
    for (const node of ['n1', 'n2']) requestLog.replied(home, false, node);
    requestLog.replied(again, false, 'n2');
    expect(written()).toMatchObject([
      { targets: 2, replies: 2, unheard: 0 },
      { targets: 1, replies: 1, unheard: 0 },
    ]);
  });

  it('of all that went to everybody is written as well', () => {
    for (const action of ['ping', 'get_fact', 'get_fact']) sent({ action });
    requestLog.stop();
    expect(written().map(({ action }) => action)).toEqual(['ping', 'get_fact', 'get_fact']);
  });

  it('counts no answers of nodes that were not asked as those of nodes that were', () => {
    const { home } = sent({ nodes: ['n1', 'n2'] });
    for (let n = 0; n < 10; n++) requestLog.replied(home, true, `stranger-${n}`);
    expect(lines).toEqual([]);
    requestLog.replied(home, false, 'n1');
    requestLog.stop();
    expect(written()).toMatchObject([{ replies: 1, errors: 10, unheard: 1, unheard_nodes: ['n2'] }]);
  });

  it('names a few of the nodes that are missing', () => {
    sent({ nodes: Array.from({ length: 200 }, (_, n) => `n${n}`) });
    requestLog.stop();
    expect(written()).toMatchObject([
      { unheard: 200, unheard_nodes: ['n0', 'n1', 'n2', 'n3', 'n4', 'and 195 more'] },
    ]);
  });

  it('of an opaque request is that of its sender and its reply subject', () => {
    const alices = passed(opaqueOf(ID, { sender: 'alice', nodes: ['absent'] }));
    const bobs = opaqueOf(ID, { sender: 'bob', nodes: ['n1'] });
    const others = opaqueOf(ID, { sender: 'bob', nodes: ['n2'], replyTo: 'mcollective.reply.bob.2' });
    const [first, second] = [bobs, others].map(passed);
    expect(passedBack(replyOf(bobs, 'n1'))).toBe(first);
    expect(passedBack(replyOf(others, 'n2'))).toBe(second);
    // Late, its request is known still.
    expect(passedBack(replyOf(others, 'n2'))).toBe(second);
    requestLog.stop();
    expect(written()).toMatchObject([
      { flow: first, sender: 'bob', replies: 1, unheard: 0 },
      { flow: second, sender: 'bob', replies: 1, unheard: 0 },
      { flow: alices, sender: 'alice', replies: 0, unheard: 1 },
      { flow: second, late: true, replies: 1 },
    ]);
  });

  it('tells long ids apart, and holds the beginning of each', () => {
    const ids = ['x', 'y'].map((end) => 'i'.repeat(1_000_000) + end);
    const [one, other] = ids.map((id) => opaqueOf(id, {}));
    for (const request of [one, other]) if (request !== undefined) passed(request);
    if (other !== undefined) passedBack(replyOf(other, 'n1'));
    expect(written()).toMatchObject([{ replies: 1, unheard: 0 }]);
    expect(requestLog.open).toBe(1);
    expect(String(written()[0]?.['request_id'])).toMatch(/^i{200,253}…$/);
  });

  it('takes little memory, whatever comes', () => {
    const before = heapInUse();
    const long = 'x'.repeat(100_000);
    for (let n = 0; n < 1_200; n++) {
      const request = opaqueOf(`${n} ${long}`, {
        sender: `${n} ${long}`,
        nodes: [`${n}${'.n'.repeat(120)}`],
      });
      passed(request);
      passedBack(replyOf(opaqueOf(`other ${n} ${long}`, {}), `${n} ${long}`));
    }
    // They were 480 MB together.
    expect(heapInUse() - before).toBeLessThan(20 * 1024 ** 2);
    requestLog.stop();
    for (const { fields } of lines) expect(JSON.stringify(fields).length).toBeLessThan(2_000);
  });

  it('is written before its time where requests take too much memory', () => {
    const nodes = (n: number): readonly string[] =>
      Array.from({ length: 1_000 }, (_, at) => `${n}-${at}.${'example.'.repeat(24)}net`);
    for (let n = 0; n < 400; n++)
      sent({ action: `a${n}`, nodes: nodes(n), replyTo: `mcollective.reply.bob.${n}` });
    expect(requestLog.open).toBeLessThan(150);
    expect(lines.length + requestLog.open).toBe(400);
    expect(lines[0]?.fields).toMatchObject({ action: 'a0', unheard: 1_000 });
  });

  it('does not go early for the sake of made-up replies', () => {
    sent({ nodes: ['absent'] });
    for (let n = 0; n < 30_000; n++) passedBack(replyOf(opaqueOf(`made up ${n}`, {}), 'n1'));
    expect(requestLog.open).toBe(1);
    expect(lines.every(({ fields }) => fields['event'] === 'replies')).toBe(true);
  });
});
