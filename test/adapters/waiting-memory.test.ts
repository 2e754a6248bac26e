import { describe, expect, it } from 'vitest';
import { createClaims } from '../../src/cluster/claims.ts';
import { EMPTY_FILTER, type FactFilter } from '../../src/envelope/filter.ts';
import type { ReadableReply, ReadableRequest, RequestPayload } from '../../src/envelope/message.ts';
import type { Egress } from '../../src/envelope/port.ts';
import type { Value } from '../../src/envelope/value.ts';
import { SigningPool } from '../../src/pki/signing-pool.ts';
import { toAll, toNodes } from '../../src/testing/targets.ts';
import { startedStage } from '../bridge/stage.ts';
import { memoryInUse } from '../support/memory.ts';
import { makeBrokers } from './brokers.ts';
import { makeSigningEgress, requestOf } from './choria/collective/signed-world.ts';
import {
  clientFrame,
  type Deviation,
  fakeLink,
  makeStompIngress,
  REPLY_QUEUE,
} from './mcollective/ingress-world.ts';
import { aliceKeys, makeEgress, recordingLog, settled } from './world.ts';

/** Never gets to any of its work. */
class StuckPool extends SigningPool {
  override add(...[job]: Parameters<SigningPool['add']>): void {
    this.jobs.push(job);
  }
  readonly jobs: Parameters<SigningPool['add']>[0][] = [];
}

const LIMIT = 16 * 1024 ** 2;
const idOf = (n: number): string => n.toString(16).padStart(32, '0');
const textOf = (n: number): string => `value ${n} `.repeat(20);

/** @returns how much memory is in use when nothing more is taken, in bytes */
const fill = async (take: (n: number) => unknown): Promise<number> => {
  const before = memoryInUse();
  const taken = async (): Promise<void> => {
    for (let n = 0; n < 1_000_000; n++) await take(n);
  };
  await expect(taken()).rejects.toMatchObject({ code: 'overloaded' });
  return memoryInUse() - before;
};

/** @returns when it waits, or is refused */
const waiting = async (egress: Egress, pool: StuckPool, request: ReadableRequest): Promise<void> => {
  const before = pool.jobs.length;
  const delivery = egress.deliver(request);
  delivery.catch(() => undefined);
  if (pool.jobs.length === before) await delivery;
};

const requestWith = (n: number, nodes: number): ReadableRequest =>
  requestOf({
    id: idOf(n),
    sender: `desk${n}.example.net`,
    payload: { kind: 'rpc', action: 'set', data: new Map([['value', textOf(n)]]) },
    targets:
      nodes === 0 ? toAll() : toNodes(Array.from({ length: nodes }, (_, i) => `n${n}x${i}.example.net`)),
  });

const rpc = (values: readonly Value[]): RequestPayload => ({
  kind: 'rpc',
  action: 'set',
  data: new Map([['values', values]]),
});
const factOf = (_: unknown, n: number): FactFilter => ({ fact: `f${n}`, operator: '==', value: `${n}` });

/** What decoding makes a hundred times as large, and more. */
const SWOLLEN: readonly (readonly [what: string, deviation: Deviation])[] = [
  ['empty hashes', { payload: rpc(Array.from({ length: 10_000 }, () => new Map())) }],
  ['lists of one', { payload: rpc(Array.from({ length: 10_000 }, () => [null])) }],
  ['hashes of one', { payload: rpc(Array.from({ length: 10_000 }, () => new Map([['k', null]]))) }],
  ['bytes', { payload: rpc(Array.from({ length: 10_000 }, () => Buffer.from([0xff]))) }],
  ['facts of a filter', { filter: { ...EMPTY_FILTER, fact: Array.from({ length: 900 }, factOf) } }],
];

describe('what waits for its claim takes no more memory than it counts for:', () => {
  it.each(SWOLLEN)('%s', async (_, deviation) => {
    const claims = createClaims({
      connection: { servers: ['nats://127.0.0.1:1'], name: 'test' },
      bucket: { cluster: 'prod', maxAge: 1, maxBytes: 1, replicas: 1 },
      limits: { claims: 1_000_000, bytes: LIMIT },
      patience: 600_000,
      log: recordingLog([]),
    });
    const link = fakeLink();
    const { bridge } = await startedStage({ ingress: makeStompIngress(link, { share: 'claims' }), claims });
    // What all of them share is there then.
    link.deliver(clientFrame(deviation));
    await settled();
    const before = memoryInUse();
    let count = 0;
    while (bridge.stats.snapshot().ignored.claims_unknown === 0) {
      link.deliver(clientFrame(deviation));
      count++;
      await settled();
    }
    const taken = memoryInUse() - before;
    await claims.close();
    expect(taken).toBeLessThan(LIMIT * 1.5);
    expect(count).toBeGreaterThan(2);
  });
});

describe('what waits for its signature takes no more memory than it counts for:', () => {
  it('replies to legacy clients, whose values are let go', async () => {
    const ingress = makeStompIngress(fakeLink(), { pool: new StuckPool(), maxUnsignedBytes: LIMIT });
    const { home } = requestOf();
    const replyTo = { ...home, replyTo: REPLY_QUEUE, dialect: 'legacy' };
    const reply = (n: number): ReadableReply => ({
      home: replyTo,
      sender: `n${n}.example.net`,
      time: 1,
      payload: { kind: 'rpc', statusCode: 0, statusMessage: 'OK', data: new Map([['value', textOf(n)]]) },
    });
    expect(await fill((n) => ingress.reply(reply(n), () => undefined))).toBeLessThan(LIMIT * 1.5);
  });

  it.each([0, 200])('requests to legacy nodes, %d of them named', async (nodes) => {
    const pool = new StuckPool();
    const egress = makeEgress(makeBrokers(), {
      pool,
      maxUnsignedBytes: LIMIT,
      signers: { signerFor: (callerId) => ({ callerId, key: aliceKeys.privateKey }) },
    });
    expect(await fill((n) => waiting(egress, pool, requestWith(n, nodes)))).toBeLessThan(LIMIT * 1.5);
  });

  it.each([0, 200])('requests to Choria nodes, %d of them named', async (nodes) => {
    const pool = new StuckPool();
    const egress = makeSigningEgress(makeBrokers().nats.link(), { pool, maxUnsignedBytes: LIMIT });
    expect(await fill((n) => waiting(egress, pool, requestWith(n, nodes)))).toBeLessThan(LIMIT * 1.5);
  });
});
