import { describe, expect, it } from 'vitest';
import { Bridge } from '../../src/bridge/bridge.ts';
import { LogObserver } from '../../src/bridge/log-observer.ts';
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
      'request decided',
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
    expect(steps[8]?.fields).toMatchObject({ sender: 'n1.example.net' });
  });

  it('has none of them at another level', async () => {
    const { ask, lines } = await started(false);
    await ask();
    expect(lines.map(({ message }) => message)).toEqual(['request']);
  });
});
