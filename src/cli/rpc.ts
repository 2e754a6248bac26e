import type { Command } from 'commander';
import type { Answer, ChoriaClient } from '../client/index.ts';
import { isToken } from '../envelope/check.ts';
import { quoted } from '../envelope/text.ts';
import type { Value } from '../envelope/value.ts';
import { collecting, type Input, parseInput, parseNode, secondsOption } from './arguments.ts';
import { CONNECTION_HELP, type Connection, connectionFrom } from './client-options.ts';
import { addClientOptions, type ClientOptions, withClient } from './client-session.ts';
import {
  addFilterOptions,
  type FilterOptions,
  filterFrom,
  mostThatAnswer,
  warnOfUnaskable,
} from './filter-options.ts';
import { nobodyListens, warnOfRejected } from './outcome.ts';
import { isSuccess, nobodyFound, outcomeOf } from './rpc/outcome.ts';
import { type Asked, jsonReport, textReport } from './rpc/report.ts';
import { coloursFor, ProgressBar } from './terminal.ts';
import { UsageError } from './usage.ts';

interface RpcOptions extends ClientOptions, FilterOptions {
  readonly target?: readonly string[];
  readonly broadcast?: true;
  readonly timeout: number;
  readonly discoveryTimeout: number;
  readonly json?: true;
}

interface Call {
  readonly agent: string;
  readonly action: string;
  readonly data: ReadonlyMap<string, Value>;
}

const checkUsage = (agent: string, options: RpcOptions): void => {
  if (!isToken(agent)) throw new UsageError(`${quoted(agent)} is not the name of an agent`);
  if (options.target === undefined) return;
  if (options.broadcast)
    throw new UsageError('--broadcast asks all and --target names nodes: give one of them');
  if (Object.keys(filterFrom(options)).length > 0)
    throw new UsageError('-F, -C and -I find nodes and --target names them: give one or the other');
};

/** The nodes to ask by name: those given, or those that discovery finds; undefined for a broadcast. */
const nodesFor = async (
  agent: string,
  options: RpcOptions,
  client: ChoriaClient,
): Promise<{ readonly nodes?: readonly string[]; readonly discovery?: Answer }> => {
  if (options.target !== undefined) return { nodes: [...new Set(options.target)] };
  if (options.broadcast) return {};
  const expect = mostThatAnswer(options);
  const discovery = await client.discover({
    filter: { ...filterFrom(options), agent: [agent] },
    timeout: options.discoveryTimeout,
    ...(expect === undefined ? {} : { expect }),
  });
  return { nodes: [...new Set(discovery.replies.map(({ node }) => node))], discovery };
};

const call = async ({ agent, action, data }: Call, options: RpcOptions, connection: Connection) =>
  withClient(connection, options.dialect, async ({ client }) => {
    const { nodes, discovery } = await nodesFor(agent, options, client);
    if (discovery !== undefined && nodes?.length === 0) return { discovery };
    const bar = new ProgressBar(process.stderr, nodes?.length);
    try {
      const answer = await client.rpc({
        agent,
        action,
        data,
        timeout: options.timeout,
        ...(nodes === undefined ? { filter: filterFrom(options) } : { nodes }),
        onReply: () => bar.step(),
      });
      return { answer, asked: nodes?.length, discovery };
    } finally {
      bar.end();
    }
  });

const rpc = async (agent: string, action: string, inputs: readonly Input[] = [], options: RpcOptions) => {
  checkUsage(agent, options);
  const data = new Map(inputs);
  const connection = await connectionFrom(options);
  warnOfUnaskable(options, options.dialect);
  const { answer, asked, discovery } = await call({ agent, action, data }, options, connection);
  for (const one of [discovery, answer])
    if (one !== undefined) {
      warnOfRejected(one);
      nobodyListens(one, connection.federation);
    }
  if (answer === undefined)
    process.stderr.write(
      `mcbridge: discovery found no node with the agent ${agent} that the filters fit; is ${options.discoveryTimeout / 1000} s too short (--discovery-timeout)?\n`,
    );
  if (options.target !== undefined && answer?.replies.length === 0)
    process.stderr.write('mcbridge: --target names nodes; a collective, which it names for mco, is -T\n');
  const outcome = answer === undefined ? nobodyFound(discovery?.milliseconds ?? 0) : outcomeOf(answer, asked);
  const { collective, federation } = connection;
  const question: Asked = { agent, action, data, collective, federation };
  process.stdout.write(
    options.json ? jsonReport(outcome, question) : textReport(outcome, coloursFor(process.stdout)),
  );
  process.exitCode = isSuccess(outcome) ? 0 : 1;
};

/** `mcbridge rpc` */
export const registerRpc = (program: Command): void => {
  const command = program
    .command('rpc')
    .summary('send a request to an agent')
    .description(
      'Sends a request to an agent as a Choria client does: discovers the nodes, then asks each by name.\n' +
        'With --target no discovery takes place; with --broadcast one message asks all.',
    )
    .argument('<agent>')
    .argument('<action>')
    .argument('[inputs...]', 'key=value; see below', collecting(parseInput));
  addFilterOptions(addClientOptions(command))
    .option('--target <node>', 'ask this node; repeatable', collecting(parseNode))
    .option('--broadcast', 'ask all that the filters fit with one message')
    .addOption(secondsOption('--timeout <seconds>', 'how long to wait for replies', 10))
    .addOption(secondsOption('--discovery-timeout <seconds>', 'how long to look for nodes', 2))
    .option('-j, --json', 'print the replies as one line of JSON')
    .addHelpText(
      'after',
      `
Inputs: a value that is JSON counts as such (5, 2.0, true, null, [1,2], {"a":1}, "text"), any other as text.
key:=value is text whatever it looks like: version:=2.0 is "2.0".
${CONNECTION_HELP}

Examples:
  mcbridge rpc rpcutil ping --config bridge.yaml --cert alice.pem --key alice.key
  mcbridge rpc rpcutil get_fact fact=country -F osfamily=Debian -C /apache/
  mcbridge rpc service restart service=httpd --target web1.example.net --target web2.example.net
  mcbridge rpc rpcutil ping --json | jq -r '.replies[] | select(.status != 0).node'

Exit codes: 0 all ok, 1 some failed, did not answer, or there are none, 2 wrong usage or configuration, 3 no
connection`,
    )
    .action(rpc);
};
