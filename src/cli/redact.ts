import type { Command } from 'commander';
import { bodyOf, isNodes, isRejected } from '../capture/file/format.ts';
import { checkLink } from '../capture/file/links.ts';
import { CassetteError } from '../capture/file/problem.ts';
import { openCassette } from '../capture/file/read.ts';
import { RotatingRecording } from '../capture/record/rotating-recording.ts';
import { Tally } from '../capture/record/tally.ts';
import type { Path } from '../capture/redact/paths.ts';
import { createRedactor } from '../capture/redact/redactor.ts';
import { loadUnconnected } from '../capture/replay/unconnected.ts';
import { collecting } from './arguments.ts';
import { PATHS_HELP, parseValuePath, selectionOf } from './record/options.ts';
import { summaryOf, warnOfMissed, warnOfNothing } from './record/progress.ts';
import { keepOrDiscard, orTell } from './record.ts';
import { UsageError } from './usage.ts';

interface RedactOptions {
  readonly config: string;
  readonly out: string;
  readonly value?: readonly Path[];
  readonly allData?: true;
  readonly force?: true;
}

/** `mcbridge redact` */
export const registerRedact = (program: Command): void => {
  program
    .command('redact')
    .summary('take values out of a cassette, so that it can be shared')
    .description(
      'Writes a cassette anew, with placeholders for values and with signatures of throw-away keys.',
    )
    .argument('<cassette>', 'the cassette to read')
    .requiredOption('-c, --config <file>', 'the configuration that it was recorded with')
    .requiredOption('-o, --out <file>', 'the cassette to write')
    .option('--value <path...>', 'replace these values', collecting(parseValuePath))
    .option('--all-data', 'replace every text in the data of requests and replies')
    .option('--force', 'replace a file that is there')
    .addHelpText(
      'after',
      `
${PATHS_HELP}

Examples:
  mcbridge redact traffic.cassette.ndjson --config bridge.yaml --out shared.cassette.ndjson --all-data
  mcbridge redact traffic.cassette.ndjson --config bridge.yaml --out shared.cassette.ndjson --value data.password '*.token'

Exit codes: 0 done, 1 a file could not be written, no message, or a path that led to nothing, 2 wrong usage, unreadable
configuration, or one that the cassette was not recorded with`,
    )
    .action((file: string, options: RedactOptions) => orTell(() => redact(file, options)));
};

const redact = async (file: string, options: RedactOptions): Promise<void> => {
  const selection = selectionOf(options.value, options.allData);
  if (selection === undefined) throw new UsageError('which values? Give --value, or --all-data');
  const loaded = await loadUnconnected(options.config, process.env);
  const cassette = await openOrTell(file);
  const { header, entries } = cassette;
  if (header.trust !== undefined)
    throw new UsageError(`${file} is redacted already: its signatures are of keys that nobody has any more`);
  const redactor = createRedactor(loaded, selection);
  let failure: Error | undefined;
  const recording = await RotatingRecording.open({
    file: options.out,
    header: () => ({ ...header, keys: redactor.keys(header.keys), trust: redactor.trust() }),
    headerLast: true,
    force: options.force === true,
    onError: (error) => {
      failure = error;
    },
  });
  const tally = new Tally();
  try {
    for await (const located of entries) {
      checkLink(file, located, loaded);
      const { entry } = located;
      if (isNodes(entry)) {
        // Names of nodes stay, as in the header.
        recording.write(entry);
        continue;
      }
      const clean = redactor.redact(entry, (reason) => tally.leaveOut(reason));
      if (clean === undefined) continue;
      // One who reads a file can wait.
      await recording.drained();
      if (failure !== undefined) throw failure;
      recording.write(clean);
      if (isRejected(clean)) tally.rejected++;
      else tally.add(clean, bodyOf(clean).length);
    }
    await keepOrDiscard(recording, tally);
  } catch (error) {
    // What is discarded cannot be written to any more, which is not a reason.
    const reason = failure ?? error;
    await recording.discard();
    throw asUsage(reason);
  }
  for (const line of summaryOf(tally, recording.files, redactor.replaced)) process.stdout.write(`${line}\n`);
  warnOfNothing(tally);
  warnOfMissed(redactor.replaced);
};

const asUsage = (error: unknown): unknown =>
  error instanceof CassetteError ? new UsageError(error.message) : error;

const openOrTell = async (file: string): ReturnType<typeof openCassette> => {
  try {
    return await openCassette(file);
  } catch (error) {
    throw asUsage(error);
  }
};
