import type { Command } from 'commander';
import { parseNode, secondsOption } from './arguments.ts';
import { CONNECTION_HELP, connectionFrom } from './client-options.ts';
import { addClientOptions, type ClientOptions, withClient } from './client-session.ts';
import { federationCommand } from './federation.ts';
import { warnOfRejected } from './outcome.ts';
import { coloursFor } from './terminal.ts';
import { probe } from './trace/probe.ts';
import { type Trace, textReport, tracesOf } from './trace/report.ts';

interface TraceOptions extends ClientOptions {
  readonly timeout: number;
  readonly statsTimeout: number;
  readonly json?: true;
}

const traceNode = async (node: string, options: TraceOptions): Promise<readonly Trace[]> => {
  const connection = await connectionFrom(options);
  const { callerid, collective, federation } = connection;
  return withClient(connection, options.dialect, async ({ link, by }) => {
    const clusters = federation.length === 0 ? [undefined] : federation;
    const probes = await Promise.all(
      clusters.map((cluster) =>
        probe({ ...options, link, node, cluster, client: by(cluster === undefined ? [] : [cluster]) }),
      ),
    );
    probes.forEach(warnOfRejected);
    return tracesOf(probes, {
      client: callerid.replace(/^choria=/, ''),
      node,
      collective,
      server: link.state().server ?? connection.linkOptions.servers.join(', '),
      statsSeconds: options.statsTimeout / 1000,
    });
  });
};

/** `mcbridge federation trace` */
export const registerFederationTrace = (program: Command): void => {
  const command = federationCommand(program)
    .command('trace')
    .summary('show the way of a request to a node and back')
    .description(
      'Pings one node and shows the way out and back: client, servers, brokers, node. Unanswered, it says how far\n' +
        'the request is known to have come, and what to check.',
    )
    .argument('<node>', "the node's identity", parseNode);
  addClientOptions(command)
    .addOption(secondsOption('--timeout <seconds>', 'how long to wait for the reply', 3))
    .addOption(
      secondsOption(
        '--stats-timeout <seconds>',
        'how long to listen for statistics of the brokers when no reply comes',
        11,
      ),
    )
    .option('-j, --json', 'print the trace as JSON')
    .addHelpText(
      'after',
      `${CONNECTION_HELP}

Examples:
  mcbridge federation trace web1.example.net --config bridge.yaml --cert alice.pem --key alice.key
  mcbridge federation trace web1.example.net --federation production,staging --json

Exit codes: 0 the node answered, 1 it did not, 2 wrong usage or configuration, 3 no
connection`,
    )
    .action(async (node: string, options: TraceOptions) => {
      const traces = await traceNode(node, options);
      process.stdout.write(
        options.json
          ? `${JSON.stringify({ node, answered: traces.some(({ answered }) => answered), traces }, null, 2)}\n`
          : textReport(traces, node, coloursFor(process.stdout)),
      );
      process.exitCode = traces.some(({ answered }) => answered) ? 0 : 1;
    });
};
