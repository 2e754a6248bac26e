import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Auditor } from '../src/audit/auditor.ts';
import { AuditFile } from '../src/audit/file/audit-file.ts';
import { AUDIT_DISK } from '../src/audit/file/disk.ts';
import { FORMATS } from '../src/audit/format.ts';
import { headSigner, headVerifier } from '../src/audit/head.ts';
import { Outbox } from '../src/audit/outbox.ts';
import { verify } from '../src/audit/verify/verify.ts';
import type { Decided } from '../src/envelope/decision.ts';
import { EMPTY_FILTER } from '../src/envelope/filter.ts';
import type { ReadableRequest } from '../src/envelope/message.ts';
import type { BenchResult } from './table.ts';

const WRITER = { cluster: 'prod', instance: 'bench' } as const;
const ROUNDS = 300;
const TOGETHER = 50;
const RECORDS = 100_000;
const LINE_BYTES = 1_000;

const requestOf = (number: number): ReadableRequest => ({
  id: number.toString(16).padStart(32, '0'),
  collective: 'mcollective',
  agent: 'service',
  caller: 'choria=alice.mcollective',
  sender: 'desk1.example.net',
  time: Date.now(),
  ttl: 60_000,
  filter: EMPTY_FILTER,
  targets: [{ kind: 'node', collective: 'mcollective', node: 'web1.example.net' }],
  payload: { kind: 'rpc', action: 'restart', data: new Map([['service', 'nginx']]) },
  home: {
    flow: number.toString(16).padStart(32, '0'),
    ingress: 'federation',
    replyTo: 'mcollective.reply.a.1',
    requestId: number.toString(16).padStart(32, '0'),
    expires: Date.now() + 60_000,
    agent: 'service',
    collective: 'mcollective',
    dialect: 'ruby',
  },
});

const decidedOf = (number: number): Decided => {
  const request = requestOf(number);
  const routeId = { from: 'federation', to: 'legacy', name: 'federation → legacy' };
  const decision = { verdict: 'allow', rule: 'web team' } as const;
  return { request, outgoing: { ...request, caller: 'cert=alice' }, routeId, decision };
};

const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

/** How many a second, where each takes as long as a share of them at most. */
const rateAt = (taken: readonly number[], share: number): number =>
  1_000 /
  at(
    taken.toSorted((a, b) => a - b),
    share,
  );

/** In ms. */
const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const since = performance.now();
  await work();
  return performance.now() - since;
};

/** What a record takes with stop and with continue, beside a bare write and fdatasync; and how fast files are proven. */
export const benchAudit = async (): Promise<readonly BenchResult[]> => {
  const folder = mkdtempSync(join(tmpdir(), 'mcbridge-bench-audit-'));
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const signer = headSigner(Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' })));
  const verifier = headVerifier(Buffer.from(publicKey.export({ type: 'spki', format: 'pem' })));
  const make = (name: string, stop: boolean) => {
    const file = join(folder, name);
    const target = new AuditFile({
      ...{
        file,
        writer: WRITER,
        signer,
        every: 1_000,
        sync: stop,
        rotate: 1e12,
        keep: undefined,
        disk: AUDIT_DISK,
      },
      own: (kind, more) => FORMATS.choria({ kind, time: Date.now(), more }, WRITER),
      onHead: () => undefined,
      onTrouble: () => undefined,
    });
    const outbox = new Outbox({
      ...{ target, stop, limit: 1e9, retry: 1_000, linger: 0, lost: () => '{}' },
      onFailure: (error) => console.error(error),
      onWorks: () => undefined,
    });
    const sink = { outbox, format: 'choria', stop, timeout: 60_000, egresses: undefined } as const;
    const redaction = { keys: new Map(), secret: undefined };
    const auditor = new Auditor({
      settings: { redaction, names: 20, sinks: [sink] },
      writer: WRITER,
      clock: Date.now,
      isAlone: () => false,
    });
    return { file, outbox, auditor };
  };
  try {
    const bare = await open(join(folder, 'bare'), 'a');
    const line = Buffer.alloc(LINE_BYTES, 'x');
    const stop = make('stop', true);
    await stop.auditor.record(decidedOf(0));
    const bareTaken: number[] = [];
    const stopTaken: number[] = [];
    // In turns: a disk is not as fast at each moment.
    for (let round = 0; round < ROUNDS; round++) {
      bareTaken.push(
        await timed(async () => {
          await bare.write(line);
          await bare.datasync();
        }),
      );
      stopTaken.push(await timed(async () => stop.auditor.record(decidedOf(round))));
    }
    const many = performance.now();
    for (let round = 0; round < ROUNDS; round += TOGETHER)
      await Promise.all(
        Array.from({ length: TOGETHER }, (_, index) => stop.auditor.record(decidedOf(round + index))),
      );
    const together = ROUNDS / ((performance.now() - many) / 1000);
    await bare.close();
    stop.auditor.stop();
    await stop.outbox.close(60_000);

    const go = make('continue', false);
    const decided = Array.from({ length: 1_000 }, (_, index) => decidedOf(index));
    const cpu = process.cpuUsage();
    const since = performance.now();
    for (let written = 0; written < RECORDS; written++) {
      const one = decided[written % decided.length];
      if (one !== undefined) void go.auditor.record(one);
      if (written % 1_000 === 0) await new Promise(setImmediate);
    }
    go.auditor.stop();
    await go.outbox.close(600_000);
    const seconds = (performance.now() - since) / 1000;
    const { user, system } = process.cpuUsage(cpu);

    const proving = performance.now();
    const report = await verify([go.file], { verifiers: [verifier] });
    const proof = (performance.now() - proving) / 1000;
    const records = report.chains[0]?.records ?? 0;
    if (report.findings.length > 0)
      throw new Error(`the audit is not whole: ${JSON.stringify(report.findings[0])}`);
    const [bare50, bare99] = [rateAt(bareTaken, 0.5), rateAt(bareTaken, 0.99)];
    const [stop50, stop99] = [rateAt(stopTaken, 0.5), rateAt(stopTaken, 0.99)];
    return [
      {
        name: 'records of the audit with on_failure: stop, a second, one after the other',
        rows: [
          { label: 'a bare write and fdatasync, half of them', perSecond: bare50, ratio: 1 },
          { label: 'a record, half of them', perSecond: stop50, ratio: stop50 / bare50 },
          { label: 'a bare write and fdatasync, 99 of 100', perSecond: bare99, ratio: 1 },
          { label: 'a record, 99 of 100', perSecond: stop99, ratio: stop99 / bare99 },
          { label: `${TOGETHER} records at the same time`, perSecond: together, ratio: together / bare50 },
        ],
      },
      {
        name: 'records of the audit, a second',
        goal: '50,000 proven',
        rows: [
          { label: 'written, with on_failure: continue', perSecond: RECORDS / seconds },
          { label: 'the same by its CPU alone', perSecond: RECORDS / ((user + system) / 1e6) },
          { label: 'proven by mcbridge audit verify', perSecond: records / proof },
        ],
      },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
