import { generateKeyPairSync } from 'node:crypto';
import { SigningPool } from '../src/pki/signing-pool.ts';
import { makeMaterial, startBench } from './replies.ts';
import { type BenchResult, median } from './table.ts';

/** Requests that the pool has in hand all the time. */
const WAITING = 80;
const ROUNDS = 21;
/** Replies that are handed over before the event loop has its turn, as if read from a connection together. */
const REPLIES_AT_ONCE = 20;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** (h) Replies legacy → Choria by the clock: alone, and while the pool always has requests to sign. */
export const benchRepliesWhileSigning = async (): Promise<BenchResult> => {
  const replies = makeMaterial();
  const { stomp, nats } = await startBench(replies);
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pool = new SigningPool();
  const text = Buffer.alloc(600, 'x');
  let signing = false;
  let signatures = 0;

  const signOn = async (): Promise<void> => {
    while (signing) {
      await pool.sign('sha256', text, privateKey, 'request');
      signatures++;
    }
  };
  const pass = async (): Promise<number> => {
    const before = nats.sent();
    const started = performance.now();
    for (const [n, reply] of replies.replies.entries()) {
      stomp.deliver(reply);
      if (n % REPLIES_AT_ONCE === 0) await turn();
    }
    const seconds = (performance.now() - started) / 1000;
    if (nats.sent() - before !== replies.replies.length) throw new Error('replies were refused');
    return replies.replies.length / seconds;
  };
  const signed: number[] = [];
  const together = async (): Promise<number> => {
    signing = true;
    signatures = 0;
    const started = performance.now();
    const signers = Array.from({ length: WAITING }, signOn);
    const rate = await pass();
    signing = false;
    signed.push(signatures / ((performance.now() - started) / 1000));
    await Promise.all(signers);
    return rate;
  };
  await pass();
  await together();
  signed.length = 0;
  const rounds: { readonly alone: number; readonly both: number }[] = [];
  while (rounds.length < ROUNDS) rounds.push({ alone: await pass(), both: await together() });
  // Of each round's own: what else the machine has to do changes more slowly.
  const ratio = median(rounds.map(({ alone, both }) => both / alone));
  return {
    name: '(h) Replies legacy → Choria while requests are signed, 2048-bit keys, by the clock, replies/s',
    goal: '0.90 of the replies alone',
    rows: [
      { label: 'replies alone', perSecond: median(rounds.map(({ alone }) => alone)) },
      {
        label: 'replies while requests are signed',
        perSecond: median(rounds.map(({ both }) => both)),
        ratio,
      },
      { label: 'signatures meanwhile, by SHA-256', perSecond: median(signed) },
    ],
  };
};
