import { createPrivateKey, createPublicKey, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { SigningPool, type SigningPriority } from '../../src/pki/signing-pool.ts';
import { keyPair } from '../support/pki.ts';

const pair = keyPair('signing pool');
const privateKey = createPrivateKey(pair.privateKey);
const publicKey = createPublicKey(pair.publicKey);

/** Has a pool of one thread sign documents, named in the order in which they come; gives the order of completion. */
const orderOf = async (documents: readonly (readonly [string, SigningPriority])[]): Promise<string[]> => {
  const pool = new SigningPool(1);
  const done: string[] = [];
  await Promise.all(
    documents.map(async ([name, priority]) => {
      await pool.sign('sha256', Buffer.from(name), privateKey, priority);
      done.push(name);
    }),
  );
  return done;
};

const numbered = (priority: SigningPriority, count: number): (readonly [string, SigningPriority])[] =>
  Array.from({ length: count }, (_, n) => [`${priority} ${n}`, priority]);

describe('a signing pool', () => {
  it.each(['sha1', 'sha256'] as const)('signs with %s as crypto.verify has it', async (algorithm) => {
    const data = Buffer.from('a document');
    const signature = await new SigningPool().sign(algorithm, data, privateKey, 'request');
    expect(verify(algorithm, data, publicKey, signature)).toBe(true);
  });

  it('begins no more signatures at once than it may', async () => {
    const pool = new SigningPool(2);
    const signatures = Array.from({ length: 5 }, (_, n) =>
      pool.sign('sha1', Buffer.from(`${n}`), privateKey, 'reply'),
    );
    expect(pool.waiting).toBe(3);
    await Promise.race(signatures);
    expect(pool.waiting).toBeLessThan(3);
    await Promise.all(signatures);
    expect(pool.waiting).toBe(0);
  });

  it('takes each kind in the order in which it came', async () => {
    const requests = numbered('request', 100);
    expect(await orderOf(requests)).toEqual(requests.map(([name]) => name));
  });

  it('prefers replies to requests that came before them', async () => {
    // The first has begun by the time that the replies come.
    const order = await orderOf([...numbered('request', 3), ...numbered('reply', 3)]);
    expect(order).toEqual(['request 0', 'reply 0', 'reply 1', 'reply 2', 'request 1', 'request 2']);
  });

  it('lets a request through after each eight replies', async () => {
    const order = await orderOf([...numbered('request', 4), ...numbered('reply', 24)]);
    const turns = order.flatMap((name, at) => (name.startsWith('request') ? [at] : []));
    expect(turns).toEqual([0, 9, 18, 27]);
  });

  it('makes refusals once nothing else waits', async () => {
    const order = await orderOf([
      ...numbered('request', 1),
      ...numbered('refusal', 2),
      ...numbered('request', 3).slice(1),
      ...numbered('reply', 20),
    ]);
    expect(order.slice(-2)).toEqual(['refusal 0', 'refusal 1']);
    expect(order).toHaveLength(25);
  });

  it('looks again, when its turn has come, whether a signature is still wanted', async () => {
    const pool = new SigningPool(1);
    let isLate = false;
    const check = (): void => {
      if (isLate) throw new RangeError('too late');
    };
    const sign = (name: string): Promise<Buffer> =>
      pool.sign('sha256', Buffer.from(name), privateKey, 'request', check);
    const first = sign('begun');
    // More than a stack holds.
    const late = Array.from({ length: 50_000 }, () => sign('late'));
    const reply = pool.sign('sha256', Buffer.from('reply'), privateKey, 'reply');
    isLate = true;
    await Promise.all([first, reply]);
    const outcomes = await Promise.allSettled(late);
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
    await expect(late[0]).rejects.toThrow('too late');
  });

  it('goes on after a key that cannot sign', async () => {
    const pool = new SigningPool(1);
    const refused = pool.sign('sha256', Buffer.from('x'), publicKey, 'reply');
    const after = pool.sign('sha256', Buffer.from('y'), privateKey, 'reply');
    await expect(refused).rejects.toThrow();
    expect(verify('sha256', Buffer.from('y'), publicKey, await after)).toBe(true);
  });

  it.each([0, -1, 1.5, Number.NaN])('is not made for a concurrency of %d', (concurrency) => {
    expect(() => new SigningPool(concurrency)).toThrow(RangeError);
  });
});
