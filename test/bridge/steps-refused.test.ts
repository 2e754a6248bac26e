import { describe, expect, it } from 'vitest';
import { LogObserver } from '../../src/bridge/log-observer.ts';
import type { OpaqueRequest, ReadableRequest } from '../../src/envelope/message.ts';
import type { Claim } from '../../src/envelope/port.ts';
import { Rejection } from '../../src/envelope/rejection.ts';
import { requestAt } from '../../src/testing/egress-contract.ts';
import { toNodes } from '../../src/testing/targets.ts';
import { type LogLine, recordingLog, settled } from '../adapters/world.ts';
import { type StageOptions, startedStage } from './stage.ts';

const START = 1_800_000_000;
const HEX = /^[0-9a-f]{32}$/;

const asking = (given: Partial<ReadableRequest> = {}): ReadableRequest => {
  const request = requestAt(START, { caller: 'choria=alice', ...given });
  const { hops: _, ...home } = request.home;
  return { ...request, home };
};

const PASSING: OpaqueRequest = {
  id: 'opaque-id',
  sender: 'somebody.example.net',
  collective: 'mcollective',
  targets: toNodes(['n1']),
  payload: {
    kind: 'opaque',
    content: { protocol: 'choria:transport:1', data: '""', headers: {} },
    errorReplyAddress: () => undefined,
  },
  home: {
    ingress: 'federation',
    replyTo: 'mcollective.reply.a.1',
    requestId: 'opaque-id',
    expires: (START + 60) * 1000,
  },
};

/** A bridge whose log is at debug. */
const atDebug = async (options: StageOptions = {}) => {
  const written: LogLine[] = [];
  const observer = new LogObserver({
    log: { ...recordingLog(written), isLevelEnabled: () => true },
    clock: () => START * 1000,
  });
  const stage = await startedStage({ observer, ...options });
  /** Each line's event; where more than one flow has lines the test is wrong. */
  const events = (): readonly unknown[] => {
    expect(new Set(written.map(({ fields }) => fields['flow'])).size).toBe(1);
    expect(written[0]?.fields['flow']).toMatch(HEX);
    return written.map(({ fields }) => fields['event']);
  };
  return { ...stage, written, events };
};

const TAKEN = ['request_received', 'request_routed', 'request_mapped', 'request_decided'];

describe('at debug, a request that is refused has a line for each step before, and one that says why:', () => {
  const refuse = (code: 'caller_not_allowed' | 'no_signing_key' | 'overloaded') => () => {
    throw new Rejection(code, 'no');
  };

  it.each<[string, StageOptions, Partial<ReadableRequest>, readonly string[]]>([
    ['there is no route', {}, { collective: 'elsewhere' }, TAKEN.slice(0, 1)],
    ['no rule names its caller', {}, { caller: 'nobody' }, TAKEN.slice(0, 2)],
    [
      'policy says no',
      { policy: { decide: () => ({ verdict: 'deny', code: 'denied_by_policy', rule: 'nights' }) } },
      {},
      TAKEN,
    ],
    ['its policy fails', { policy: { decide: refuse('overloaded') } }, {}, TAKEN.slice(0, 3)],
    ['it cannot be written down', { record: refuse('overloaded') }, {}, TAKEN],
    ['there is no key', { egress: { deliver: async () => refuse('no_signing_key')() } }, {}, TAKEN],
  ])('%s', async (_, options, given, before) => {
    const { requests, events, written } = await atDebug(options);
    requests.request(asking(given));
    await settled();
    expect(events()).toEqual([...before, 'rejected', 'error_sent']);
    expect(written[before.length]?.fields).toMatchObject({ reason: expect.any(String) });
  });

  it('its reply cannot go home', async () => {
    const { requests, replies, delivered, events, written } = await atDebug({
      refuses: ({ payload }) =>
        payload.kind === 'rpc' && payload.statusCode === 0 ? new Rejection('too_large', 'no') : undefined,
    });
    requests.request(asking());
    await settled();
    const [{ home } = asking()] = delivered;
    replies.reply({
      home: { ...asking().home, ...home },
      sender: 'n1.example.net',
      time: START * 1000,
      payload: { kind: 'rpc', statusCode: 0, statusMessage: 'OK', data: new Map() },
    });
    expect(events()).toEqual([...TAKEN, 'request_sent', 'reply_received', 'reply_not_sent', 'error_sent']);
    expect(written.at(-2)?.fields).toMatchObject({ reason: 'too_large', sender: 'n1.example.net' });
  });
});

describe('at debug, a claim is told of between what the adapter has verified and what the bridge has taken:', () => {
  it.each<[Claim, readonly string[]]>([
    [{ result: 'won' }, ['request_decoded', 'request_verified', 'claimed', ...TAKEN, 'request_sent']],
    [{ result: 'lost' }, ['request_decoded', 'request_verified', 'claimed', 'left_alone']],
    [
      { result: 'unknown', reason: 'away' },
      ['request_decoded', 'request_verified', 'claimed', 'claims_unknown'],
    ],
  ])('%o', async (claim, expected) => {
    const { requests, written } = await atDebug({ claims: { claim: async () => claim } });
    const request = asking();
    const context = { requestId: request.id, sender: request.sender };
    requests.step?.('decoded', context);
    requests.step?.('verified', context);
    requests.request(request, { claim: 'key' });
    await settled();
    expect(written.map(({ fields }) => fields['event'])).toEqual(expected);
    const flows = written.slice(2).map(({ fields }) => fields['flow']);
    expect(new Set(flows).size).toBe(1);
    expect(flows[0]).toMatch(HEX);
    // Before there is a flow, its request id tells which one it is, and the link where it came in.
    expect(written[0]?.fields).toEqual({
      event: 'request_decoded',
      request_id: request.id,
      sender: request.sender,
      link: 'federation',
    });
  });
});

it('at debug, what passes as it is has the same lines but no signature and no other caller', async () => {
  const { requests, replies, events, written } = await atDebug();
  requests.request(PASSING);
  await settled();
  replies.reply({
    sender: 'n1',
    payload: { kind: 'opaque', content: PASSING.payload.content },
    home: PASSING.home,
  });
  expect(events()).toEqual([...TAKEN, 'request_sent', 'reply_received', 'request', 'reply_sent']);
  expect(written.filter(({ fields }) => fields['caller_out'] !== undefined)).toEqual([]);
});
