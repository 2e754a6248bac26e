import { expect, test } from 'vitest';
import type { ReadableRequest } from '../../src/envelope/message.ts';
import type { Claimed, LeftAlone } from '../../src/envelope/observer.ts';
import type { Claim, Copy } from '../../src/envelope/port.ts';
import { Rejection } from '../../src/envelope/rejection.ts';
import { requestAt } from '../../src/testing/egress-contract.ts';
import { settled, until } from '../adapters/world.ts';
import { startedStage } from './stage.ts';

const COPY: Copy = { claim: 'key' };
const CLUSTER = 'the bucket is younger than the request';

/** A bridge with two ingresses, whose claims are decided by the test. */
const stage = async () => {
  const asked: { readonly key: string; readonly bytes: number; decide(claim: Claim): void }[] = [];
  const claimed: Claimed[] = [];
  const left: LeftAlone[] = [];
  const { clock, sinkOf, delivered, home, lines, refusals, bridge } = await startedStage({
    names: ['mco', 'other'],
    claims: {
      claim: (key, bytes) =>
        new Promise((decide) => {
          asked.push({ key, bytes, decide });
        }),
    },
    observer: { claimed: (it) => void claimed.push(it), leftAlone: (it) => void left.push(it) },
    drainTimeout: 10_000,
  });
  const request = (): ReadableRequest => {
    const { home, ...it } = requestAt(Math.floor(clock.now / 1000));
    const { hops: _, ...untraced } = home;
    return { ...it, home: { ...untraced, ingress: 'mco' } };
  };
  const take = (copy?: Copy): void => sinkOf('mco').request(request(), copy);
  const refuse = (copy: Copy, name = 'mco'): void =>
    sinkOf(name).rejected(
      new Rejection('invalid_signature', 'no'),
      { ...request().home, ingress: name },
      copy,
    );
  const decided = async (claim: Claim): Promise<void> => {
    for (const { decide } of asked.splice(0)) decide(claim);
    await settled();
  };
  const told = { requests: delivered, answers: home, claimed, left, refused: refusals, log: lines };
  return { bridge, clock, asked, ...told, take, refuse, decided };
};

test('a request that every instance has got goes out once it is won, and not before', async () => {
  const { asked, requests, claimed, bridge, take, decided } = await stage();
  take(COPY);
  await settled();
  expect(asked).toMatchObject([{ key: 'key' }]);
  expect(requests).toEqual([]);
  expect(bridge.stats.snapshot().requestsReceived).toBe(0);
  expect(bridge.inFlight).toBe(1);
  await decided({ result: 'won' });
  expect(requests).toHaveLength(1);
  expect(claimed).toMatchObject([{ key: 'key', result: 'won', seconds: expect.any(Number) }]);
  expect(bridge.stats.claims.won.count).toBe(1);
});

test('one that is this instance’s alone is not claimed', async () => {
  const { asked, requests, take } = await stage();
  take();
  await until('it is out', () => requests.length === 1);
  expect(asked).toEqual([]);
});

test('one that another instance has won is left to it', async () => {
  const { requests, left, bridge, take, decided } = await stage();
  take(COPY);
  await decided({ result: 'lost' });
  expect(requests).toEqual([]);
  expect(left).toMatchObject([{ why: 'another_instance', claim: 'key' }]);
  expect(bridge.stats.snapshot()).toMatchObject({ requestsReceived: 0, ignored: { another_instance: 1 } });
});

test('one of which nobody can tell is not handled: counted, and logged with its claim', async () => {
  const { requests, answers, bridge, log, take, decided } = await stage();
  take(COPY);
  await decided({ result: 'unknown', reason: CLUSTER });
  expect([requests, answers]).toEqual([[], []]);
  expect(bridge.stats.snapshot().ignored.claims_unknown).toBe(1);
  expect(bridge.stats.claims.unknown.count).toBe(1);
  expect(log.filter(({ level }) => level !== 'debug')).toMatchObject([
    {
      level: 'warn',
      fields: { event: 'claims_unknown', claim: 'key', reason: CLUSTER, request_id: expect.any(String) },
    },
  ]);
});

test('one whose ttl ends while it waits does not go out', async () => {
  const { clock, requests, refused, take, decided } = await stage();
  take(COPY);
  clock.now += 3_600_000;
  await decided({ result: 'won' });
  expect(requests).toEqual([]);
  expect(refused).toMatchObject([{ code: 'expired' }]);
});

test('a refusal is answered by the instance that has won it, and told of by it alone', async () => {
  const { asked, answers, refused, left, refuse, decided } = await stage();
  refuse(COPY);
  expect(asked).toHaveLength(1);
  await decided({ result: 'won' });
  expect(answers).toHaveLength(1);
  expect(refused).toMatchObject([{ code: 'invalid_signature' }]);
  refuse(COPY);
  await decided({ result: 'lost' });
  expect([answers.length, refused.length]).toEqual([1, 1]);
  expect(left).toMatchObject([{ why: 'another_instance' }]);
});

test('a refusal of which nobody can tell is counted, and not answered', async () => {
  const { answers, refused, refuse, decided } = await stage();
  refuse(COPY);
  await decided({ result: 'unknown', reason: CLUSTER });
  expect(answers).toEqual([]);
  expect(refused).toMatchObject([{ code: 'invalid_signature' }]);
});

test('of refusals an ingress claims so many in a while, and answers no more', async () => {
  const { clock, asked, answers, refused, refuse, decided } = await stage();
  for (let i = 0; i < 150; i++) refuse({ claim: `key${i}` });
  expect(asked).toHaveLength(100);
  refuse(COPY, 'other');
  expect(asked).toHaveLength(101);
  await decided({ result: 'won' });
  expect(answers).toHaveLength(101);
  expect(refused).toHaveLength(151);
  clock.now += 10_000;
  refuse(COPY);
  expect(asked).toHaveLength(1);
});

test('a stop waits for what waits for its claim, and hands it on', async () => {
  const { bridge, clock, requests, take, decided } = await stage();
  take(COPY);
  let isStopped = false;
  const stopped = bridge.stop().then(() => {
    isStopped = true;
  });
  await settled();
  expect(isStopped).toBe(false);
  await decided({ result: 'won' });
  expect(requests).toHaveLength(1);
  expect(bridge.stats.snapshot().rejected).toEqual({});
  // What it waits for then are replies.
  clock.now += 20_000;
  await stopped;
});
