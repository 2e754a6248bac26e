import type { Command } from 'commander';
import { type AskOptions, ask } from '../control/client.ts';
import { OrderRefused } from '../control/protocol.ts';
import { SocketError } from '../control/unix-socket.ts';
import { controlSocketOf } from '../setup/control-socket.ts';
import { escapeControls } from './terminal.ts';
import { UsageError } from './usage.ts';

/** Which running bridge is asked. */
export interface ControlOptions {
  readonly config?: string;
  readonly socket?: string;
}

/** Options of a command that asks a running bridge. */
export const withControlOptions = (command: Command): Command =>
  command
    .option(
      '-c, --config <file>',
      "the running bridge's configuration, which says where its control socket is; the rest of it may be broken",
    )
    .option('--socket <path>', "the running bridge's control socket");

/** @throws UsageError, ConfigError, ConfigUnreadable */
export const socketOf = ({ config, socket }: ControlOptions): string => {
  if (socket !== undefined) return socket;
  if (config !== undefined) return controlSocketOf(config, process.env);
  throw new UsageError('which bridge? Give --config, or --socket /run/mcbridge/control.sock');
};

/** Nobody is there to obey. */
const EXIT_NOBODY = 3;

/**
 * Gives a running bridge an order.
 * @returns its answer; undefined where there is none, which is said, and the exit code is set
 * @throws UsageError, ConfigError, ConfigUnreadable
 */
export const order = async (options: ControlOptions, what: Omit<AskOptions, 'file'>): Promise<unknown> => {
  try {
    return await ask({ file: socketOf(options), ...what });
  } catch (error) {
    if (!(error instanceof SocketError || error instanceof OrderRefused)) throw error;
    process.stderr.write(`mcbridge: ${escapeControls(error.message)}\n`);
    process.exitCode = error instanceof SocketError ? EXIT_NOBODY : 1;
    return undefined;
  }
};
