import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { AuditFile, type AuditFileOptions } from '../../src/audit/file/audit-file.ts';
import { AUDIT_DISK, type Disk, type OpenFile } from '../../src/audit/file/disk.ts';
import { FORMATS, type FormatName } from '../../src/audit/format.ts';
import { type HeadVerifier, headSigner, headVerifier } from '../../src/audit/head.ts';
import type { Head, OwnRecord } from '../../src/audit/target.ts';
import { type Report, type VerifyOptions, verify } from '../../src/audit/verify/verify.ts';

export const START = 1_800_000_000_000;
export const WRITER = { cluster: 'prod', instance: 'one' } as const;

/** A folder that is gone when the test is. */
export const makeFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'mcbridge-audit-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

export const makeKey = () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const secret = Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const open = Buffer.from(publicKey.export({ type: 'spki', format: 'pem' }));
  return { secret, open, signer: headSigner(secret), verifier: headVerifier(open) };
};

export const ownIn =
  (format: FormatName): OwnRecord =>
  (kind, more) =>
    FORMATS[format]({ kind, time: START, more }, WRITER);

/** A record of a request, as long as they are. */
export const recordOf = (number: number, format: FormatName = 'choria'): string =>
  FORMATS[format](
    {
      kind: 'request',
      time: START + number,
      asked: {
        requestId: number.toString(16).padStart(32, '0'),
        requestTime: START,
        caller: 'choria=alice.mcollective',
        sender: 'host.example.net',
        agent: 'package',
        action: 'status',
        data: `{"package":"nginx${number}"}`,
      },
      more: { flow: 'f'.repeat(32), route: 'federation → legacy', verdict: 'allow', rule: 'all', targets: 3 },
    },
    WRITER,
  );

/** The disk, whose files are closed when the test is over: also those of audits that are left as by a crash. */
export const crashing = (disk: Disk = AUDIT_DISK): Disk => {
  const left = new Set<OpenFile>();
  onTestFinished(async () => {
    for (const one of left) await one.close().catch(() => undefined);
  });
  return {
    ...disk,
    open: async (file, isNew) => {
      const open = await disk.open(file, isNew);
      left.add(open);
      return {
        ...open,
        close: async () => {
          left.delete(open);
          await open.close();
        },
      };
    },
  };
};

/** An audit in a file, and what it tells. */
export const makeAudit = (given: Partial<AuditFileOptions> & { readonly format?: FormatName } = {}) => {
  const { format = 'choria', disk, ...options } = given;
  const file = options.file ?? join(makeFolder(), 'audit.log');
  const heads: Head[] = [];
  const troubles: string[] = [];
  const open = (): AuditFile =>
    new AuditFile({
      file,
      writer: WRITER,
      own: ownIn(format),
      signer: undefined,
      every: 1_000,
      sync: false,
      rotate: 1_000_000_000,
      keep: undefined,
      disk: disk ?? crashing(),
      onHead: (head) => void heads.push(head),
      onTrouble: (sentence) => void troubles.push(sentence),
      ...options,
    });
  return { file, heads, troubles, open };
};

export const linesIn = (file: string): readonly string[] =>
  readFileSync(file, 'utf8').split('\n').slice(0, -1);

export const verified = (
  files: readonly string[],
  verifier: HeadVerifier | undefined,
  options: Partial<VerifyOptions> = {},
): Promise<Report> => verify(files, { verifiers: verifier === undefined ? [] : [verifier], ...options });
