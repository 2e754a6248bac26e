import type { Command } from 'commander';
import type { Answer } from '../client/index.ts';
import { secondsOption } from './arguments.ts';
import { CONNECTION_HELP, connectionFrom } from './client-options.ts';
import { addClientOptions, type ClientOptions, withClient } from './client-session.ts';
import {
  addFilterOptions,
  type FilterOptions,
  filterFrom,
  mostThatAnswer,
  warnOfUnaskable,
} from './filter-options.ts';
import { nobodyListens, warnOfRejected } from './outcome.ts';

interface PingOptions extends ClientOptions, FilterOptions {
  readonly timeout: number;
  readonly json?: true;
}

const ms = (milliseconds: number): number => Number(milliseconds.toFixed(2));

/** The statistics that `mco ping` ends with; undefined where no node answered. */
export const summaryOf = (times: readonly number[]) =>
  times.length === 0
    ? undefined
    : {
        replies: times.length,
        min: ms(times.reduce((least, time) => Math.min(least, time))),
        avg: ms(times.reduce((sum, time) => sum + time, 0) / times.length),
        max: ms(times.reduce((most, time) => Math.max(most, time))),
      };

const report = ({ requestId, replies }: Answer) => ({
  requestId,
  replies: replies.map(({ node, milliseconds }) => ({ node, milliseconds: ms(milliseconds) })),
  summary: summaryOf(replies.map(({ milliseconds }) => milliseconds)) ?? { replies: 0 },
});

const ping = async (options: PingOptions): Promise<void> => {
  const connection = await connectionFrom(options);
  const expect = mostThatAnswer(options);
  warnOfUnaskable(options, options.dialect);
  const answer = await withClient(connection, options.dialect, ({ client }) =>
    client.discover({
      filter: filterFrom(options),
      timeout: options.timeout,
      ...(expect === undefined ? {} : { expect }),
      onReply: ({ node, milliseconds }) => {
        if (!options.json) process.stdout.write(`${node.padEnd(40)} time=${milliseconds.toFixed(2)} ms\n`);
      },
    }),
  );
  warnOfRejected(answer);
  if (options.json) process.stdout.write(`${JSON.stringify(report(answer), null, 2)}\n`);
  else {
    const summary = summaryOf(answer.replies.map(({ milliseconds }) => milliseconds));
    if (summary === undefined)
      process.stdout.write(
        `No node answered within ${options.timeout / 1000} s (request ${answer.requestId}).\n`,
      );
    else {
      const { replies, min, avg, max } = summary;
      process.stdout.write(
        `\n---- ping statistics ----\n${replies} replies max: ${max.toFixed(2)} min: ${min.toFixed(2)} avg: ${avg.toFixed(2)}\nrequest ${answer.requestId}\n`,
      );
    }
  }
  nobodyListens(answer, connection.federation);
  process.exitCode = answer.replies.length > 0 ? 0 : 1;
};

/** `mcbridge ping` */
export const registerPing = (program: Command): void => {
  const command = program
    .command('ping')
    .summary('see which nodes answer, and how fast')
    .description('Pings all nodes of a collective, or those that the filters fit, as a Choria client does.');
  addFilterOptions(addClientOptions(command))
    .addOption(secondsOption('--timeout <seconds>', 'how long to wait for replies', 2))
    .option('-j, --json', 'print the replies as JSON')
    .addHelpText(
      'after',
      `${CONNECTION_HELP}

Examples:
  mcbridge ping --server nats://nats.example.net:4222 --ca ca.pem --cert alice.pem --key alice.key
  mcbridge ping --config bridge.yaml --cert alice.pem --key alice.key -F country=uk -C /apache/
  mcbridge ping --federation production,staging --json | jq -r '.replies[].node'

Exit codes: 0 a node answered, 1 none did, 2 wrong usage or configuration, 3 no
connection`,
    )
    .action(ping);
};
