import type { Command } from 'commander';
import { z } from 'zod';
import { linesOf } from '../../audit/verify/lines.ts';
import { type Finding, type KnownHead, type Report, sizeOf, verify } from '../../audit/verify/verify.ts';
import { readFailure } from '../../config/files.ts';
import { counted, escapeControls, listed, ProgressBar } from '../terminal.ts';
import { UsageError } from '../usage.ts';
import { verifierOf } from './keys.ts';

interface VerifyOptions {
  readonly key?: string;
  readonly config?: string;
  readonly chainOnly?: true;
  readonly heads?: string;
  readonly partial?: true;
  readonly json?: true;
}

export const registerVerify = (audit: Command): void => {
  audit
    .command('verify')
    .summary('prove that files of an audit are as they were written')
    .description(
      'Finds each record that was changed, removed, put there, doubled, moved or cut off, and says where.',
    )
    .argument('<files...>', 'all files of an audit, in any order; of several instances too')
    .option(
      '-k, --key <file>',
      "the operator's public key (or the private one), which heads are checked with",
    )
    .option('-c, --config <file>', 'the configuration, whose audit.key_file is that key')
    .option(
      '--chain-only',
      'do not check signatures: whoever can write to a file can then have made another chain',
    )
    .option('--heads <file>', 'heads as they were published, a line of JSON each: they must be there')
    .option('--partial', 'earlier records are elsewhere')
    .option('-j, --json', 'print the report as JSON')
    .addHelpText(
      'after',
      `
Examples:
  mcbridge audit verify /var/log/mcbridge/audit.log* --config bridge.yaml
  mcbridge audit verify audit.log* --key audit-public.pem --heads heads.ndjson

Exit codes: 0 nobody has touched them, 1 something is wrong, 2 wrong usage, or a file or a key that cannot be read`,
    )
    .action(run);
};

const run = async (files: readonly string[], options: VerifyOptions): Promise<void> => {
  const verifier = await verifierOf(options.key, options.config);
  if (verifier === undefined && options.chainOnly === undefined)
    throw new UsageError('which key has signed the heads? Give --key or --config; --chain-only checks none');
  const heads = options.heads === undefined ? [] : await headsIn(options.heads);
  const report = await orUsageError(async () => {
    const bar = new ProgressBar(process.stderr, await sizeOf(files), 'byte');
    try {
      return await verify(files, {
        verifiers: verifier === undefined ? [] : [verifier],
        heads,
        partial: options.partial === true,
        onProgress: (bytes) => bar.showAt(bytes),
      });
    } finally {
      bar.end();
    }
  });
  process.stdout.write(options.json === true ? `${JSON.stringify(report, null, 2)}\n` : textOf(report));
  if (report.findings.length > 0) process.exitCode = 1;
};

const known = z.object({
  chain: z.string(),
  seq: z.int(),
  hash: z.string(),
});

const headsIn = (file: string): Promise<readonly KnownHead[]> =>
  orUsageError(async () => {
    const heads: KnownHead[] = [];
    for await (const lines of linesOf(file))
      for (const { bytes, number } of lines) {
        if (bytes.length === 0) continue;
        try {
          heads.push(known.parse(JSON.parse(bytes.toString())));
        } catch {
          throw new UsageError(`${file}:${number} is no head as a bridge publishes it`);
        }
      }
    return heads;
  });

/** @throws UsageError for a file that cannot be read */
export const orUsageError = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Error && 'path' in error)
      throw new UsageError(`${error.path} cannot be read: ${readFailure(error)}`);
    if (error instanceof Error && 'code' in error)
      throw new UsageError(`a file cannot be read: ${readFailure(error)}`);
    throw error;
  }
};

const placed = ({ file, line, what }: Finding): string =>
  escapeControls(
    `${[file, line].filter((it) => it !== undefined && it !== '').join(':')}: ${what}`.replace(/^: /, ''),
  );

/** Findings that are shown; the JSON has all. */
const MAX_SHOWN_FINDINGS = 100;

const textOf = ({ chains, findings, notes }: Report): string => {
  const lines = chains.flatMap(({ chain, files, records, first, last, signed_to, lost }) => [
    `chain ${chain}: ${counted(records, 'record')}, ${first} to ${last}${signed_to > 0 ? `, signed up to ${signed_to}` : ''}`,
    `  in ${escapeControls(listed(files))}`,
    ...(lost > 0 ? [`  the bridge could not write ${counted(lost, 'record')}`] : []),
  ]);
  const more =
    findings.length > MAX_SHOWN_FINDINGS
      ? [`and ${findings.length - MAX_SHOWN_FINDINGS} more, see --json`]
      : [];
  const verdict =
    findings.length === 0 ? 'nobody has touched these records' : `${counted(findings.length, 'finding')}`;
  return [
    ...lines,
    ...notes.map((note) => `note: ${placed(note)}`),
    ...findings.slice(0, MAX_SHOWN_FINDINGS).map((finding) => `WRONG: ${placed(finding)}`),
    ...more,
    verdict,
    '',
  ].join('\n');
};
