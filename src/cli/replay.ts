import type { Command } from 'commander';
import { type ReplayResult, unusable } from '../capture/replay/result.ts';
import { ConfigError } from '../config/problem.ts';
import type { LoadedConfig } from '../setup/types.ts';
import { inertJson, painted } from './decode/paint.ts';
import { writeTo } from './files.ts';
import { type Cassettes, cassettesIn } from './replay/files.ts';
import { madeLines, resultLines, summaryLine } from './replay/format.ts';
import { type ImportCassetteOptions, importCassette } from './replay/import.ts';
import { Interrupted, interruptible } from './replay/interrupt.ts';
import { junitText } from './replay/junit.ts';
import { configFor, type ReplayTask } from './replay/one.ts';
import { policyFor, policyReport } from './replay/policy-report.ts';
import { hasFindings, reportText } from './replay/policy-report-text.ts';
import { replayAll } from './replay/pool.ts';
import { coloursFor, ProgressBar } from './terminal.ts';
import { UsageError } from './usage.ts';

interface ReplayCommandOptions {
  readonly config: string;
  readonly bytes?: true;
  readonly update?: true;
  readonly junit?: string;
  readonly json?: true;
  readonly throwAwayKeys?: true;
  readonly import?: string;
  readonly as?: string;
  readonly force?: true;
  readonly policy?: string;
  readonly report?: true;
}

/** `mcbridge replay` */
export const registerReplay = (program: Command): void => {
  program
    .command('replay')
    .summary('prove that a configuration still translates recorded traffic the same way')
    .description(
      'Feeds the messages of cassettes through the bridge that the configuration describes, at the time when they were ' +
        'recorded and without a network, and compares what it sends with what was recorded.',
    )
    .argument('<cassettes...>', 'cassettes, or folders with *.cassette.ndjson and further parts of these')
    .requiredOption('-c, --config <file>', 'the configuration, see docs/configuration.md')
    .option('--bytes', 'compare each byte, and not only what the messages mean')
    .option(
      '--throw-away-keys',
      'make the private keys and secrets that are not there, for CI: see docs/ci.md',
    )
    .option('--update', 'accept what came out: rewrite the cassettes that differ')
    .option('--junit <file>', 'write the results for a CI system, as JUnit XML')
    .option('--policy <file>', 'with --report: a file of rules, or the name of a policy of the configuration')
    .option(
      '--report',
      'say what of the recorded requests that policy would have refused, and compare nothing',
    )
    .option('-j, --json', 'print the results as JSON')
    .option('--import <capture>', 'make the one cassette that is named of the requests of this capture first')
    .option('--as <ingress>', 'with --import: the ingress that these come in by')
    .option('--force', 'with --import: replace a cassette that is there')
    .addHelpText(
      'after',
      `
Messages are the same where they mean the same: signatures must be valid, but may be others; the order of messages,
of keys and the line breaks of base64 do not count, nor do reply tokens, so the cluster key may be another.
Keys that verify what came in must be those of the recording, unless the cassette brings its own. Keys that only sign
need not be there: --throw-away-keys makes those that are missing, and values for variables of passwords.
See docs/cassettes.md for the format, and docs/ci.md for what CI needs.

Examples:
  mcbridge replay fixtures/ --config bridge.yaml
  mcbridge replay fixtures/ --config bridge.yaml --throw-away-keys --junit replay.xml
  mcbridge replay fixtures/ --config bridge.yaml --json | jq '.cassettes[].differences'
  mcbridge replay fixtures/discovery.cassette.ndjson --config bridge.yaml --update && git diff fixtures/
  mcbridge replay cassettes/ --config bridge.yaml --policy new-rules.yaml --report
  mcbridge replay new.cassette.ndjson --config bridge.yaml --import capture.ndjson --as federation

Exit codes: 0 all the same (or updated; with --report: nothing refused), 1 differences (requests refused), 2 wrong usage, or something is unusable, 130 and 143 ended by
SIGINT and SIGTERM: what was not replayed to its end is as it was`,
    )
    .action(replay);
};

const replay = async (places: readonly string[], options: ReplayCommandOptions): Promise<void> => {
  const { config, bytes = false, throwAwayKeys = false } = options;
  if (bytes && throwAwayKeys)
    throw new UsageError(
      '--bytes compares signatures too, which no other key can make: it cannot be used with --throw-away-keys',
    );
  const task: ReplayTask = { config, bytes, update: options.update === true, throwAwayKeys };
  const loaded = await checkedConfig(task);
  for (const option of ['as', 'force'] as const)
    if (options.import === undefined && options[option] !== undefined)
      throw new UsageError(`--${option} has no effect without --import`);
  if (options.policy !== undefined || options.report !== undefined) {
    await report(places, options, loaded);
    return;
  }
  const results = await orInterrupted((signal) =>
    options.import === undefined
      ? replayThose(cassettesIn(places), task, signal)
      : importInto(places, options.import, options, { task, loaded, signal }),
  );
  if (results === undefined) return;
  print(results, options.json === true);
  process.exitCode = exitCode(results);
  // After all else: what has come out is of use wherever the file cannot be.
  if (options.junit !== undefined) writeTo('--junit', options.junit, junitText(results));
};

const report = async (
  places: readonly string[],
  { policy: name, report: isReport, json, ...options }: ReplayCommandOptions,
  loaded: LoadedConfig,
): Promise<void> => {
  if (name === undefined || isReport === undefined)
    throw new UsageError('--policy and --report belong together: which policy would have refused what?');
  for (const option of ['bytes', 'update', 'junit', 'import'] as const)
    if (options[option] !== undefined) throw new UsageError(`--${option} has no effect with --report`);
  const policy = policyFor(name, loaded);
  const { files, unreadable } = cassettesIn(places);
  const bar = new ProgressBar(process.stderr, files.length, 'cassette');
  const found = await orInterrupted((signal) =>
    policyReport(files, loaded, policy, {
      throwAwayKeys: options.throwAwayKeys === true,
      signal,
      onDone: () => bar.step(),
    }),
  );
  bar.end();
  if (found === undefined) return;
  const whole = {
    policy: name,
    ...found,
    unusable: [...unreadable.map(({ path: file, reason }) => ({ file, reason })), ...found.unusable],
  };
  process.stdout.write(json === true ? `${inertJson(JSON.stringify(whole))}\n` : reportText(whole));
  process.exitCode = whole.unusable.length > 0 ? 2 : hasFindings(whole) ? 1 : 0;
};

/** @throws UsageError for a configuration that no cassette can be replayed with */
const checkedConfig = async (task: ReplayTask): Promise<LoadedConfig> => {
  try {
    return await configFor(task);
  } catch (error) {
    throw error instanceof ConfigError ? new UsageError(error.message) : error;
  }
};

/** Undefined where a signal has ended it. */
const orInterrupted = async <T>(work: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> => {
  try {
    return await interruptible(work);
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    process.stderr.write(`mcbridge: ${error.message}\n`);
    process.exitCode = error.exitCode;
    return undefined;
  }
};

const replayThose = async (
  { files, unreadable }: Cassettes,
  task: ReplayTask,
  signal: AbortSignal,
): Promise<readonly ReplayResult[]> => {
  const isOne = files.length === 1;
  const bar = isOne
    ? new ProgressBar(process.stderr, undefined, 'message')
    : new ProgressBar(process.stderr, files.length);
  try {
    const results = await replayAll(files, task, {
      signal,
      // Of several cassettes, which are replayed in other threads, each that is done is a step.
      onResult: () => (isOne ? undefined : bar.step()),
      ...(isOne && { onFed: (fed) => bar.showAt(fed) }),
    });
    return [...unreadable.map(({ path, reason }) => unusable(path, reason)), ...results];
  } finally {
    bar.end();
  }
};

const importInto = async (
  places: readonly string[],
  capture: string,
  { as: ingress, force }: ReplayCommandOptions,
  how: Pick<ImportCassetteOptions, 'task' | 'loaded' | 'signal'>,
): Promise<readonly ReplayResult[]> => {
  const [file] = places;
  if (file === undefined || places.length > 1)
    throw new UsageError('--import makes one cassette: name one file');
  if (ingress === undefined)
    throw new UsageError('--import takes --as <ingress>: by which ingress do its requests come in?');
  return [await importCassette(file, { capture, ingress, force: force === true, ...how })];
};

const print = (results: readonly ReplayResult[], json: boolean): void => {
  if (json) {
    process.stdout.write(`${inertJson(JSON.stringify({ cassettes: results }))}\n`);
    return;
  }
  const lines = [...results.flatMap(resultLines), ...madeLines(results), summaryLine(results)];
  process.stdout.write(painted(lines, coloursFor(process.stdout)));
};

const exitCode = (results: readonly ReplayResult[]): number => {
  if (results.some(({ outcome }) => outcome === 'unusable')) return 2;
  return results.some(({ outcome, updated }) => outcome === 'different' && !updated) ? 1 : 0;
};
