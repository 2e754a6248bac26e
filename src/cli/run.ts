import type { Command } from 'commander';
import { createApp } from '../app/app.ts';
import { version } from '../app/version.ts';
import { writeFailure } from '../capture/file/problem.ts';
import { startControl } from '../control/server.ts';
import { startPage } from '../page/server.ts';
import { defaultControlSocket } from '../setup/control-socket.ts';
import { loadWithAdapters } from '../setup/load-registry.ts';
import { startHttp } from '../telemetry/http.ts';
import { checkBeforeStart } from './check/starting.ts';
import { createLogging } from './logging.ts';
import { onEnd } from './orders.ts';
import { parseSize } from './record/options.ts';
import { type RunningOptions, withRecordings } from './record/running.ts';
import { orTell } from './record.ts';
import { logOrder } from './run/log-order.ts';
import { obeySignals } from './run/signals.ts';

/** `mcbridge run` */
export const registerRun = (program: Command): void => {
  program
    .command('run')
    .summary('run the bridge')
    .description('Runs the bridge that the configuration describes, until SIGTERM or SIGINT.')
    .requiredOption('-c, --config <file>', 'the configuration, see docs/configuration.md')
    .option('--record <file>', 'write all that goes through its links to a cassette, see docs/record.md')
    .option(
      '--record-rotate <size>',
      'go on in FILE.2, FILE.3, … when a file has this size: 100MiB',
      parseSize,
    )
    .option('--record-force', 'replace an earlier recording of this name')
    .addHelpText(
      'after',
      `
Examples:
  mcbridge check --config bridge.yaml && mcbridge run --config bridge.yaml
  MCBRIDGE_CLUSTER_KEY=... mcbridge run --config bridge.yaml
  mcbridge run --config bridge.yaml --record traffic.cassette.ndjson

Logs go to standard output, JSON lines unless that is a terminal, or to log.file.
SIGTERM and SIGINT drain: no new work, what is in flight is finished, then the bridge closes. A further
one, a second later or more, ends it at once. SIGHUP reads the configuration anew, as mcbridge reload does,
and opens the log file anew; SIGWINCH opens the log file anew; SIGUSR2 goes on to the next log level.

Exit codes: 0 stopped by a signal, 1 failed to start or killed by a second signal, 2 wrong usage or a
configuration (or a file that it names) that cannot be used: a restart would not help`,
    )
    .action((options: RunOptions) => orTell(() => run(options)));
};

interface RunOptions extends Partial<RunningOptions> {
  readonly config: string;
}

const run = async ({ config: file, ...options }: RunOptions): Promise<void> => {
  const load = () => loadWithAdapters(file, process.env);
  const loaded = await load();
  const logging = createLogging(
    loaded,
    process.stdout,
    (error) => void process.stderr.write(`mcbridge: ${writeFailure('the log', error)}; the bridge goes on\n`),
  );
  const { log } = logging;
  const orders = obeySignals(logging);
  checkBeforeStart(loaded, log, Date.now());
  const controlSocket = defaultControlSocket(process.env);
  const app = await withRecordings(options, loaded, log, (recordings) =>
    createApp(loaded, {
      ...{ log, version: version(), recordings, load },
      http: startHttp,
      page: startPage,
      control: startControl,
      ...(controlSocket !== undefined && { controlSocket }),
      followLog: (next) => logging.follow(next),
      orders: new Map([['log', logOrder(logging)]]),
    }),
  );
  const signalled = new Promise<string>((resolve) => {
    onEnd(resolve, (signal) => {
      log.warn({ event: 'signal', signal }, 'second signal, ending at once');
      process.exit(1);
    });
  });
  // Links try for ever, so the start may outlast the bridge's life: a signal ends it too.
  const started = app.start();
  orders.begin(app);
  try {
    const signal = await Promise.race([signalled, started.then(() => signalled)]);
    orders.end();
    log.info({ event: 'draining', signal, drain_timeout_s: app.status().drainTimeout }, 'draining');
  } finally {
    orders.end();
    // A start that is cut short fails, and that is not news. One that fails by itself is told by the caller; but
    // what it has opened would keep the process alive.
    started.catch(() => undefined);
    await app.stop();
  }
  log.info({ event: 'stopped' }, 'stopped');
};
