import { afterEach, describe, expect, it, vi } from 'vitest';
import { Bridge } from '../../src/bridge/bridge.ts';
import { LogObserver } from '../../src/bridge/log-observer.ts';
import { Silence } from '../../src/bridge/silence.ts';
import type { IncomingMessage } from '../../src/transport/link.ts';
import { makeBrokers } from '../adapters/brokers.ts';
import { createChoriaClient } from '../adapters/choria-client.ts';
import { readFrame, replyTo } from '../adapters/daemon.ts';
import {
  alice,
  BRIDGE,
  type LogLine,
  makeEgress,
  makeIngress,
  recordingLog,
  until,
} from '../adapters/world.ts';

const RULE = {
  match: { kind: 'exact', name: 'choria=alice.mcollective' },
  to: 'cert=alice',
  privileged: false,
} as const;

/** A bridge whose log is at debug, or not. */
const started = async (isDebug: boolean) => {
  const brokers = makeBrokers();
  const lines: LogLine[] = [];
  const bridge = new Bridge({
    identity: BRIDGE,
    cluster: 'prod',
    instance: '1',
    routes: [
      {
        from: makeIngress(brokers),
        to: makeEgress(brokers),
        collectives: new Set(['mcollective']),
        identities: { rules: [RULE], privileged: [] },
      },
    ],
    observers: [
      new LogObserver({
        log: { ...recordingLog(lines), isLevelEnabled: (level) => level === 'info' || isDebug },
        clock: () => brokers.clock.now,
      }),
    ],
    clock: () => brokers.clock.now,
    drainTimeout: 0,
  });
  const frames: IncomingMessage[] = [];
  const daemon = brokers.stomp.link();
  await daemon.subscribe({
    destination: '/queue/mcollective.nodes',
    onMessage: (it) => void frames.push(it),
  });
  await bridge.start();
  const client = await createChoriaClient(brokers, alice);
  const ask = async (): Promise<string> => {
    const id = client.send({ nodes: ['n1.example.net'] });
    await until('the node has it', () => frames.length === 1);
    for (const frame of frames)
      daemon.send({
        destination: frame.replyTo ?? '',
        body: await replyTo(frame),
        expires: Number.MAX_SAFE_INTEGER,
      });
    await until('the reply is home', () => client.replies.length === 1);
    expect(frames.map((frame) => readFrame(frame).requestId)).toEqual([id]);
    await bridge.stop();
    return id;
  };
  return { ask, lines };
};

describe('at debug, the log', () => {
  it('has each step of a request and its reply, a line each', async () => {
    const { ask, lines } = await started(true);
    const id = await ask();
    const steps = lines.filter(({ level }) => level === 'debug');
    expect(steps.map(({ message }) => message)).toEqual([
      'request decoded',
      'request verified',
      'request received',
      'request routed',
      'request mapped',
      'request signed',
      'request sent',
      'reply received',
      'reply sent',
    ]);
    for (const { fields } of steps) expect(fields).toMatchObject({ request_id: id, agent: 'rpcutil' });
    expect(steps[4]?.fields).toMatchObject({
      caller: 'choria=alice.mcollective',
      caller_out: 'cert=alice',
      route: 'federation → legacy',
      targets: 1,
    });
    expect(steps[7]?.fields).toMatchObject({ sender: 'n1.example.net' });
  });

  it('has none of them at another level', async () => {
    const { ask, lines } = await started(false);
    await ask();
    expect(lines.map(({ message }) => message)).toEqual(['request']);
  });
});

describe('silence', () => {
  afterEach(() => vi.useRealTimers());

  const legacy = { name: 'legacy', silence: 'is their serializer marshal?' };
  const watch = () => {
    vi.useFakeTimers({ now: 1_800_000_000_000 });
    const lines: LogLine[] = [];
    const observer = new LogObserver({ log: recordingLog(lines), clock: Date.now });
    const silence = new Silence({ tell: (one) => observer.egressSilent(one), clock: Date.now });
    const ask = (ttl = 60_000): void => silence.asked(legacy, Date.now() + ttl);
    return { lines, silence, ask };
  };

  it('is told while a request still waits, with what may be the cause', () => {
    const { lines, ask } = watch();
    ask();
    vi.advanceTimersByTime(5_000);
    ask();
    expect(lines).toEqual([]);
    vi.advanceTimersByTime(5_000);
    expect(lines).toEqual([
      {
        level: 'warn',
        fields: { event: 'egress_silent', link: 'legacy', requests: 2 },
        message: 'nothing has come back from legacy for 10 s: is their serializer marshal?',
      },
    ]);
  });

  it('is told within the life of a short request', () => {
    const { lines, ask } = watch();
    ask(8_000);
    vi.advanceTimersByTime(4_000);
    expect(lines).toHaveLength(1);
  });

  it('is told once a minute at most', () => {
    const { lines, ask } = watch();
    for (let second = 0; second < 180; second++) {
      ask();
      vi.advanceTimersByTime(1_000);
    }
    expect(lines).toHaveLength(3);
  });

  it('is none where anything came back, and not so soon after that', () => {
    const { lines, silence, ask } = watch();
    ask();
    vi.advanceTimersByTime(9_000);
    silence.heard(legacy);
    vi.advanceTimersByTime(30_000);
    ask();
    vi.advanceTimersByTime(30_000);
    expect(lines).toEqual([]);
    ask();
    vi.advanceTimersByTime(30_000);
    expect(lines).toHaveLength(1);
    expect(lines[0]?.fields).toEqual({ event: 'egress_silent', link: 'legacy', requests: 2 });
  });

  it('keeps no timer once the bridge has stopped', () => {
    const { silence, ask } = watch();
    ask();
    silence.stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});
