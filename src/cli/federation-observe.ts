import { type Command, InvalidArgumentError } from 'commander';
import { isToken } from '../envelope/check.ts';
import { quoted } from '../envelope/text.ts';
import { formatView } from '../telemetry/observe/format.ts';
import { viewObject } from '../telemetry/observe/json.ts';
import { collecting, secondsOption } from './arguments.ts';
import {
  addConnectionOptions,
  CONNECTION_HELP,
  type ConnectionOptions,
  networkFrom,
} from './client-options.ts';
import { federationCommand } from './federation.ts';
import { observeLive } from './observe/live.ts';
import { NothingHeard, type OnceOptions, observeOnce } from './observe/once.ts';
import { paint } from './observe/paint.ts';
import type { Watched } from './observe/watch.ts';
import { UsageError } from './usage.ts';

interface ObserveOptions extends ConnectionOptions {
  readonly cluster?: string;
  readonly once?: true;
  readonly count?: number;
  /** Ms. */
  readonly wait?: number;
  readonly instance?: readonly string[];
  readonly json?: true;
}

const positiveInteger = (text: string): number => {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('It is not a whole number above 0.');
  return Number(text);
};

/** `mcbridge federation observe` */
export const registerFederationObserve = (program: Command): void => {
  const command = federationCommand(program)
    .command('observe')
    .summary('watch what the instances of a cluster do')
    .description(
      'Shows what the instances of a Federation Broker cluster have received and sent, from the statistics that they ' +
        'publish on the federation network: a table in a terminal, else a block for each update.',
    )
    .option('--cluster <name>', 'cluster to watch; default: that of --config, or of --federation')
    .option('--once', 'listen for one interval, print once and end')
    .option('--count <n>', 'with --once: end as soon as so many instances were heard', positiveInteger)
    .addOption(secondsOption('--wait <seconds>', 'with --once: listen for so long instead'))
    .option('--instance <name>', 'show this one only; repeat for more', collecting(String))
    .option('-j, --json', 'print JSON: with --once one object, else one in a line for each update');
  addConnectionOptions(command)
    .addHelpText(
      'after',
      `${CONNECTION_HELP}

Understands the documents of mcbridge and of the Ruby Federation Broker. Ctrl-C ends it. An instance that was silent for
three intervals is stale: it keeps its part in the totals.

Examples:
  mcbridge federation observe --config bridge.yaml
  mcbridge federation observe --cluster production --server nats://nats.example.net:4222 \\
    --ca ca.pem --cert me.pem --key me.key
  mcbridge federation observe --config bridge.yaml --once --count 2 --json | jq .federation.sent

Exit codes: 0 done, 1 no instance was heard (--once), 2 wrong usage or configuration, 3 no connection`,
    )
    .action(observe);
};

const watchedOf = async (options: ObserveOptions): Promise<Watched> => {
  const network = await networkFrom(options);
  const [first, ...more] = network.federation;
  const cluster = options.cluster ?? first;
  if (cluster === undefined || (options.cluster === undefined && more.length > 0))
    throw new UsageError('which cluster? Give --cluster, or --config');
  if (!isToken(cluster)) throw new UsageError(`--cluster ${quoted(cluster)} is not a name`);
  return {
    network,
    cluster,
    ...(options.instance === undefined ? {} : { only: new Set(options.instance) }),
  };
};

const observe = async (options: ObserveOptions): Promise<void> => {
  const { once, count, wait } = options;
  if (once === undefined && (count !== undefined || wait !== undefined))
    throw new UsageError('--count and --wait go with --once');
  const watched = await watchedOf(options);
  if (once === undefined) return observeLive({ ...watched, json: options.json === true });
  await printOnce(
    {
      ...watched,
      ...(count === undefined ? {} : { count }),
      ...(wait === undefined ? {} : { wait }),
    },
    options.json === true,
  );
};

const printOnce = async (options: OnceOptions, json: boolean): Promise<void> => {
  try {
    const view = await observeOnce(options);
    const text = json
      ? JSON.stringify(viewObject(view), null, 2)
      : paint(formatView(view), process.stdout).join('\n');
    process.stdout.write(`${text}\n`);
  } catch (error) {
    if (!(error instanceof NothingHeard)) throw error;
    process.stderr.write(`mcbridge: ${error.message}\n`);
    process.exitCode = 1;
  }
};
