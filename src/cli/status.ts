import type { Command } from 'commander';
import { Option } from 'commander';
import { crop } from '../telemetry/observe/line.ts';
import type { StatusDocument } from '../telemetry/status/document.ts';
import { parseSecondsAsMs } from './arguments.ts';
import { withControlOptions } from './control.ts';
import { paint } from './observe/paint.ts';
import { formatStatus } from './status/format.ts';
import { NoStatus, type SourceOptions, sourceOf } from './status/source.ts';
import { watchStatus } from './status/watch.ts';
import { escapeLines } from './terminal.ts';

interface StatusOptions extends SourceOptions {
  /** Ms; true: as often as is usual. */
  readonly watch?: number | true;
  readonly json?: true;
}

const EXIT_NOT_READY = 1;
const EXIT_NOBODY = 3;
const DEFAULT_INTERVAL_MS = 2_000;

/** `mcbridge status` */
export const registerStatus = (program: Command): void => {
  withControlOptions(program.command('status').summary('see how a running bridge is'))
    .description(
      'Shows how a running bridge is: links, routes, rates, the last refusals by reason, nodes, certificates, ' +
        'the configuration in force and claims.',
    )
    .option('--url <url>', 'ask over HTTP instead, http://127.0.0.1:8222; then refusals are counted only')
    .addOption(
      new Option('--watch [seconds]', 'show it again and again, every 2 seconds unless told').argParser(
        parseSecondsAsMs,
      ),
    )
    .option('-j, --json', 'print JSON: with --watch one object in a line each time')
    .addHelpText(
      'after',
      `
The control socket is for the bridge's own user and root. Each instance tells of itself: what replies other instances
of its cluster have carried it does not know. --watch goes on while the bridge is started again; Ctrl-C ends it.

Examples:
  mcbridge status --config bridge.yaml
  mcbridge status --config bridge.yaml --watch
  mcbridge status --url http://mcbridge2.example.net:8222
  mcbridge status --config bridge.yaml --json | jq .links

Exit codes: 0 the bridge is ready (or --watch was ended), 1 it is not, 2 wrong usage or unusable configuration,
3 nobody answers`,
    )
    .action(status);
};

const status = async ({ watch, json, ...options }: StatusOptions): Promise<void> => {
  const ask = sourceOf(options);
  if (watch !== undefined) {
    await watchStatus({ ask, every: watch === true ? DEFAULT_INTERVAL_MS : watch, json: json === true });
    return;
  }
  let document: StatusDocument;
  try {
    document = await ask();
  } catch (error) {
    if (!(error instanceof NoStatus)) throw error;
    process.stderr.write(`mcbridge: ${escapeLines(error.message)}\n`);
    process.exitCode = EXIT_NOBODY;
    return;
  }
  print(document, json === true);
  if (!document.health.ready) process.exitCode = EXIT_NOT_READY;
};

const print = (document: StatusDocument, isJson: boolean): void => {
  if (isJson) {
    process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
    return;
  }
  const lines = formatStatus(document);
  const { isTTY, columns } = process.stdout;
  const shown = isTTY && columns > 0 ? crop(lines, columns, lines.length) : lines;
  process.stdout.write(`${paint(shown, process.stdout).join('\n')}\n`);
};
