import type { Command } from 'commander';
import { assemble } from '../app/assemble.ts';
import { BROKERS } from '../app/links.ts';
import type { Log } from '../bridge/log.ts';
import { writeFailure } from '../cassette/problem.ts';
import { loadConfig } from '../config/load.ts';
import { checkBeforeStart } from './check/starting.ts';
import { createLogger } from './log.ts';
import { createMonitor, serve } from './monitor.ts';
import { onEnd, onUnused } from './orders.ts';
import { parseSize } from './record/options.ts';
import { orAbandon, type RunningOptions, recordRunning, tellRunning } from './record/running.ts';
import { orTell } from './record.ts';

/** Ms between log lines of the counters, while anything changes. */
const STATS_EVERY = 60_000;

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

Logs go to standard output, JSON lines unless that is a terminal.
SIGTERM and SIGINT drain: no new work, what is in flight is finished, then the bridge closes. A further
one, a second later or more, ends it at once. SIGHUP, SIGUSR1 and SIGUSR2 do nothing yet.

Exit codes: 0 stopped by a signal, 1 failed to start or killed by a second signal, 2 wrong usage or a
configuration (or a file that it names) that cannot be used: a restart would not help`,
    )
    .action((options: RunOptions) => orTell(() => run(options)));
};

interface RunOptions extends Partial<RunningOptions> {
  readonly config: string;
}

const run = async ({ config: file, record, ...options }: RunOptions): Promise<void> => {
  const loaded = loadConfig(file, process.env);
  const { config } = loaded;
  const { identity, cluster, instance } = config;
  const log: Log = createLogger({
    ...config.log,
    stream: process.stdout,
    identity,
    cluster,
    instance,
    onLoss: (error) =>
      void process.stderr.write(`mcbridge: ${writeFailure('the log', error)}; the bridge goes on\n`),
  });
  checkBeforeStart(loaded, log, Date.now());
  onUnused((signal) =>
    log.warn({ event: 'signal', signal }, `${signal} does nothing yet; SIGTERM ends the bridge`),
  );
  const recording =
    record === undefined ? undefined : await recordRunning({ ...options, record }, loaded, log);
  const { assembled, monitor, socket } = await orAbandon(recording, async () => {
    const within = recording ?? { transports: BROKERS };
    const { recordSocket } = config;
    const socket =
      recordSocket === undefined ? undefined : await tellRunning(recordSocket, loaded, within, log);
    try {
      const assembled = assemble(loaded, log, socket ?? within);
      const monitor = createMonitor(loaded, assembled, log);
      await serve(monitor, loaded, log);
      return { assembled, monitor, socket };
    } catch (error) {
      // Open, it would keep the process alive.
      await socket?.close();
      throw error;
    }
  });
  const { bridge, nodes } = assembled;

  let last = '';
  const counters = (): void => {
    const counts = bridge.stats.snapshot();
    const text = JSON.stringify(counts);
    if (text !== last) log.info({ event: 'counters', counts }, 'counters');
    last = text;
  };
  const timer = setInterval(counters, STATS_EVERY);

  const signalled = new Promise<string>((resolve) => {
    onEnd(resolve, (signal) => {
      log.warn({ event: 'signal', signal }, 'second signal, ending at once');
      process.exit(1);
    });
  });

  log.info(
    {
      event: 'starting',
      routes: config.routes.map(({ from, to, collectives }) => `${from} → ${to}: ${collectives.join(', ')}`),
    },
    'starting',
  );
  // Links try for ever, so the start may outlast the bridge's life: a signal ends it too.
  const start = async (): Promise<void> => {
    nodes.survey.start();
    await Promise.all([
      bridge.start(() => nodes.survey.answered()),
      // Not only once all sides are there: what one of them cannot get does not keep the others waiting.
      bridge.taking.then(() => monitor.join()),
    ]);
    monitor.running();
    recording?.begin(nodes);
    socket?.begin(nodes);
    log.info({ event: 'ready', links: bridge.status() }, 'ready');
  };
  const started = start();
  try {
    const signal = await Promise.race([signalled, started.then(() => signalled)]);
    monitor.draining();
    log.info({ event: 'draining', signal, drain_timeout_s: config.drainTimeout }, 'draining');
  } finally {
    // A start that is cut short fails, and that is no news. One that fails by itself is told by the caller; but
    // what it has opened would keep the process alive.
    started.catch(() => undefined);
    // While the others take over, what comes is still this instance's.
    await monitor.leave();
    nodes.survey.stop();
    await bridge.stop();
    await recording?.close();
    await socket?.close();
    await monitor.close();
    clearInterval(timer);
    counters();
  }
  log.info({ event: 'stopped' }, 'stopped');
};
