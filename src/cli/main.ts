#!/usr/bin/env node
// First: it says what signals do.
import './orders.ts';
import { Command, CommanderError } from 'commander';
import { version } from '../app/version.ts';
import { writeFailure } from '../capture/file/problem.ts';
import { codeOf } from '../config/files.ts';
import { ConfigError, ConfigUnreadable } from '../config/problem.ts';
import { CONFIG_NAMES, OPTION_NAMES } from '../transport/failure/words.ts';
import { LinkError } from '../transport/link.ts';
import { commandHint, optionHint, wordHint } from './hints.ts';
import { isMistake } from './mistake.ts';
import { escapeLines } from './terminal.ts';
import { UsageError } from './usage.ts';

/** Wrong usage, or a configuration that cannot be used; 1 is for what was asked for and went wrong. */
const EXIT_USAGE = 2;

const args = process.argv.slice(2);

/** What to write for the option that an error of Commander is about, where it is known from another program. */
const habit = (message: string): string | undefined => {
  const flag = /unknown option '(.+?)'/.exec(message)?.[1];
  return flag === undefined ? undefined : optionHint(args, flag);
};

const program = new Command('mcbridge')
  .description('A Federation Broker that translates between Choria and legacy MCollective collectives.')
  .version(version(), '-V, --version', 'print the version')
  .helpOption('-h, --help', 'print this help')
  .showHelpAfterError('(mcbridge --help lists commands and examples)')
  .exitOverride()
  // Commander guesses by letters; here it is known what was meant.
  .configureOutput({
    outputError: (text, write) =>
      write(habit(text) === undefined ? text : text.replace(/^\(Did you mean .*\?\)\n/m, '')),
  })
  .addHelpText(
    'after',
    `
Examples:
  mcbridge demo                            see the bridge at work, nothing else needed
  mcbridge check --config bridge.yaml      see whether a configuration will work
  mcbridge run --config bridge.yaml        run the bridge
  mcbridge reload --config bridge.yaml     have it read its configuration anew
  mcbridge status --config bridge.yaml     see how the running bridge is
  mcbridge ping --config bridge.yaml       see which nodes answer, as a Choria client
  mcbridge inventory --config bridge.yaml  see which nodes live where
  mcbridge audit verify audit.log* --config bridge.yaml
                                           prove that nobody has touched the audit
  mcbridge decode request.bin              see what is in a message, layer by layer
  mcbridge policy explain --help           ask a policy about a request, and see which rule decides
  mcbridge help check                      what check looks at, and its exit codes

Recorded traffic as a proof, see docs/cassettes.md and docs/ci.md:
  mcbridge record --config bridge.yaml --out web.cassette.ndjson --for 60s
  mcbridge redact web.cassette.ndjson --config bridge.yaml --out shared.cassette.ndjson --all-data
  mcbridge replay cassettes/ --config bridge.yaml

Exit codes: 0 done, 1 failed, or the output could not be written, 2 wrong usage or a configuration that cannot be used, 3 no connection (ping, rpc,
federation, reload, status, log)`,
  );

type Register = (program: Command) => void;

/** What registers each command, in the order in which help has them. */
const COMMANDS: readonly (readonly [name: string, load: () => Promise<Register>])[] = [
  ['run', async () => (await import('./run.ts')).registerRun],
  ['reload', async () => (await import('./reload.ts')).registerReload],
  ['status', async () => (await import('./status.ts')).registerStatus],
  ['log', async () => (await import('./set-log-level.ts')).registerLog],
  ['record', async () => (await import('./record.ts')).registerRecord],
  ['redact', async () => (await import('./redact.ts')).registerRedact],
  ['check', async () => (await import('./check.ts')).registerCheck],
  ['audit', async () => (await import('./audit.ts')).registerAudit],
  ['decode', async () => (await import('./decode.ts')).registerDecode],
  ['demo', async () => (await import('./demo.ts')).registerDemo],
  ['ping', async () => (await import('./ping.ts')).registerPing],
  ['rpc', async () => (await import('./rpc.ts')).registerRpc],
  ['inventory', async () => (await import('./inventory.ts')).registerInventory],
  ['policy', async () => (await import('./policy.ts')).registerPolicy],
  ['replay', async () => (await import('./replay.ts')).registerReplay],
  ['federation', async () => (await import('./federation-trace.ts')).registerFederationTrace],
  ['federation', async () => (await import('./federation-observe.ts')).registerFederationObserve],
];

// A command's code is loaded where it is asked for only: that is half of the time that a start takes.
const asked = COMMANDS.filter(([name]) => name === args[0]);
const isVersion = args.length === 1 && (args[0] === '--version' || args[0] === '-V');
if (!isVersion) for (const [, load] of asked.length === 0 ? COMMANDS : asked) (await load())(program);

/** With the names of the settings where the user has them: in a configuration, or on the command line. */
const linkSentence = (error: LinkError): string => {
  const hasFile = process.argv.some((argument) => /^(-c|--config)(=|$)/.test(argument));
  const names = hasFile ? CONFIG_NAMES : OPTION_NAMES;
  const hint = error.hint(names);
  return `mcbridge: ${error.told(names)}${hint === undefined ? '' : `\n    ${hint}`}`;
};

/** A user's mistake and an unreachable broker are told in a sentence; only a bug of this program has a stack. */
const explain = (error: unknown): string => {
  if (error instanceof ConfigError) return error.message;
  if (error instanceof LinkError) return linkSentence(error);
  if (error instanceof Error && isMistake(error)) return `mcbridge: ${error.message}`;
  const stack = error instanceof Error ? error.stack : String(error);
  return `mcbridge: this is a bug, please report it\n${stack}`;
};

/** No connection, where 1 means that there was one and no node answered. */
const EXIT_UNREACHABLE = 3;

/** Where 1 says that there are differences, whatever keeps a command from finding them is not a finding. */
const FINDING: ReadonlySet<string> = new Set(['replay', 'audit']);
/** Where 1 means that no node answered. */
const ASKING: ReadonlySet<string> = new Set(['ping', 'rpc', 'federation']);

/** An address may be free again in a moment, or come up with its network; another start can mend that, which no file says. */
const MAY_PASS: ReadonlySet<unknown> = new Set(['EADDRINUSE', 'EADDRNOTAVAIL', 'EMFILE', 'ENFILE', 'EIO']);

const exitCode = (error: unknown): number => {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
  if (error instanceof ConfigUnreadable || error instanceof ConfigError)
    return MAY_PASS.has(codeOf(error.cause)) ? 1 : EXIT_USAGE;
  if (error instanceof UsageError) return EXIT_USAGE;
  const command = program.args[0] ?? '';
  if (error instanceof LinkError && ASKING.has(command)) return EXIT_UNREACHABLE;
  return FINDING.has(command) ? EXIT_USAGE : 1;
};

// `mcbridge check | head` closes the pipe, which is not an error. A bridge goes on without a reader of its log.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (program.args.includes('run')) return;
  // EIO: of a terminal that has been closed.
  if (error.code === 'EPIPE' || error.code === 'EIO') process.exit();
  process.stderr.write(`mcbridge: ${escapeLines(writeFailure('the output', error))}\n`);
  process.exit(FINDING.has(program.args[0] ?? '') ? EXIT_USAGE : 1);
});
// There is nowhere left to say it, and the exit code still tells how it went.
process.stderr.on('error', () => undefined);

/** What Commander does not say of what is not there. */
const hintOf = ({ code, message }: CommanderError): string | undefined => {
  switch (code) {
    case 'commander.unknownCommand':
      return commandHint(args);
    case 'commander.excessArguments':
    case 'commander.missingMandatoryOptionValue':
      return wordHint(args);
    case 'commander.unknownOption':
      return habit(message);
    default:
      return undefined;
  }
};

try {
  await program.parseAsync();
} catch (error) {
  const hint = error instanceof CommanderError ? hintOf(error) : undefined;
  if (hint !== undefined) process.stderr.write(`${hint}\n`);
  // Commander has printed what it has to say itself.
  if (!(error instanceof CommanderError)) process.stderr.write(`${escapeLines(explain(error))}\n`);
  process.exitCode = exitCode(error);
}
