import { type Command, InvalidArgumentError } from 'commander';
import { parseSeconds } from '../config/units.ts';
import { LOG_LEVELS, type LogConfig } from '../setup/types.ts';
import { type ControlOptions, order, withControlOptions } from './control.ts';
import { levelState, MAX_FOR_SECONDS } from './run/log-order.ts';
import { UsageError } from './usage.ts';

type Level = LogConfig['level'];

interface LogOptions extends ControlOptions {
  /** Seconds. */
  readonly for?: number;
}

const isLevel = (text: string): text is Level => LOG_LEVELS.some((level) => level === text);

const parseLevel = (text: string): Level => {
  if (isLevel(text)) return text;
  throw new InvalidArgumentError(`A level is one of ${LOG_LEVELS.join(', ')}.`);
};

const parseFor = (text: string): number => {
  const seconds = parseSeconds(text);
  if (seconds !== undefined && seconds > 0 && seconds <= MAX_FOR_SECONDS) return seconds;
  throw new InvalidArgumentError('A time is a number with s, m or h, such as 10m, and at most 24h.');
};

/** `mcbridge log` */
export const registerLog = (program: Command): void => {
  withControlOptions(program.command('log').summary("see or change a running bridge's log level"))
    .description(
      'Changes how much a running bridge logs, at once and without a restart; without LEVEL says how much.',
    )
    .argument('[level]', LOG_LEVELS.join(', '), parseLevel)
    .option('--for <time>', 'go back to the level before after so long: 90s, 10m, 1h; at most 24h', parseFor)
    .addHelpText(
      'after',
      `
Level debug has a line for each step of each request, by its flow id: see docs/operations.md. Who speaks last wins:
this command, SIGUSR2, or a reload of a configuration in which log.level has changed. A restart forgets it.

Examples:
  mcbridge log --config bridge.yaml
  mcbridge log debug --for 10m --config bridge.yaml
  mcbridge log info --socket /run/mcbridge/control.sock

Exit codes: 0 done, 1 the bridge refuses the order, 2 wrong usage or unusable configuration, 3 no bridge answers at
the control socket`,
    )
    .action(setLogLevel);
};

const setLogLevel = async (
  level: Level | undefined,
  { for: seconds, ...options }: LogOptions,
): Promise<void> => {
  if (level === undefined && seconds !== undefined) throw new UsageError('--for goes with a level');
  const told = await order(options, { order: { order: 'log', level, for: seconds } });
  if (told === undefined) return;
  const state = levelState.parse(told);
  const then =
    state.left === null || state.after === null ? '' : `, for ${state.left} s more, and then ${state.after}`;
  process.stdout.write(`the log level is ${state.level}${then}\n`);
};
