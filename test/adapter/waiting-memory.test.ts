import { describe, expect, it } from 'vitest';
import type { Egress } from '../../src/adapter/port.ts';
import type { ReadableReply, ReadableRequest } from '../../src/envelope/message.ts';
import { SigningPool } from '../../src/wire/signing-pool.ts';
import { memoryInUse } from '../support/memory.ts';
import { toAll, toNodes } from '../support/targets.ts';
import { makeBrokers } from './brokers.ts';
import { makeSigningEgress, requestOf } from './choria-collective/signed-world.ts';
import { fakeLink, makeStompIngress, REPLY_QUEUE } from './mcollective-stomp/ingress-world.ts';
import { aliceKeys, makeEgress } from './world.ts';

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

describe('what waits for its signature takes no more memory than it counts for:', () => {
  it('replies to legacy clients, whose values are let go', async () => {
    const ingress = makeStompIngress(fakeLink(), { signing: new StuckPool(), maxUnsignedBytes: LIMIT });
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
    const egress = makeSigningEgress(makeBrokers().nats.link(), { sign: { pool, maxUnsignedBytes: LIMIT } });
    expect(await fill((n) => waiting(egress, pool, requestWith(n, nodes)))).toBeLessThan(LIMIT * 1.5);
  });
});
