import { performance } from 'node:perf_hooks';
import { type Command, Option } from 'commander';
import type { Answer, TimedReply } from '../client/index.ts';
import type { Explained } from '../policy/evaluator.ts';
import { COLLECTIVE, createDemo, NODES, type Step } from './demo/demo-bridge.ts';
import { type Explanation, explain, shownData } from './demo/explain.ts';
import { startLiveDemo } from './demo/live.ts';
import { onEnd } from './orders.ts';
import { coloursFor } from './terminal.ts';

interface Act {
  readonly title: string;
  readonly expected: number;
  readonly replies: readonly {
    readonly node: string;
    readonly status: number | null;
    readonly text: string;
  }[];
}

interface Performance {
  readonly acts: readonly Act[];
  readonly translation: readonly Explanation[];
  /** Of the request that policy denies. */
  readonly policy: Explained;
  readonly summary: {
    readonly nodes: number;
    readonly requests: number;
    readonly replies: number;
    readonly refused: number;
    readonly seconds: number;
  };
}

/** Ms after which a missing reply is not awaited any longer. */
const REPLY_TIMEOUT_MS = 2_000;

/** Plays the demo and tells what happened. */
export const perform = async (): Promise<Performance> => {
  const started = performance.now();
  const demo = await createDemo();
  const alice = demo.client(demo.alice);
  const acts: Act[] = [];
  const play = async (title: string, expected: number, answer: Promise<Answer>): Promise<void> => {
    const replies = (await answer).replies.toSorted((a, b) => a.node.localeCompare(b.node));
    acts.push({ title, expected, replies: replies.map(shownReply) });
  };

  const all = { timeout: REPLY_TIMEOUT_MS, expect: NODES.length };
  await play('Discovery: which nodes are there?', NODES.length, alice.discover(all));
  await play(
    'Discovery with a filter: country=uk',
    2,
    alice.discover({
      filter: { fact: [{ fact: 'country', operator: '==', value: 'uk' }] },
      timeout: REPLY_TIMEOUT_MS,
      expect: 2,
    }),
  );
  const ping = { agent: 'rpcutil', action: 'ping', timeout: REPLY_TIMEOUT_MS };
  await play('Broadcast request: rpcutil ping', NODES.length, alice.rpc({ ...ping, ...all }));
  demo.takeSteps();
  const data = new Map([['fact', 'country']]);
  await play(
    'Directed request to one node: rpcutil get_fact fact=country',
    1,
    alice.rpc({ ...ping, action: 'get_fact', data, nodes: ['web2.example.net'] }),
  );
  const translation = demo.takeSteps().map((step: Step) => explain(step));
  const some = ['db1.example.net', 'mail.example.net'];
  await play(
    'Directed request to two nodes: rpcutil inventory',
    some.length,
    alice.rpc({ ...ping, action: 'inventory', nodes: some }),
  );
  await play(
    'A request that policy denies: rpcutil inventory of a web server',
    1,
    alice.rpc({ ...ping, action: 'inventory', nodes: ['web1.example.net'] }),
  );
  const policy = demo.explainDecision();
  await play(
    'A caller whom no rule maps is refused, and told so',
    1,
    demo.client(demo.guest).rpc({ ...ping, expect: 1 }),
  );

  await demo.app.stop();
  const { counts } = demo.app.status();
  return {
    acts,
    translation,
    policy,
    summary: {
      nodes: NODES.length,
      requests: counts.requestsReceived,
      replies: counts.repliesSent,
      refused: Object.values(counts.rejected).reduce((sum, n) => sum + n, 0),
      seconds: Number(((performance.now() - started) / 1000).toFixed(2)),
    },
  };
};

const shownReply = ({ node, payload }: TimedReply): Act['replies'][number] =>
  payload.kind === 'discovery'
    ? { node, status: null, text: 'pong' }
    : {
        node,
        status: payload.statusCode,
        text: payload.statusCode === 0 ? shownData(payload.data) : payload.statusMessage,
      };

const isComplete = ({ acts }: Performance): boolean =>
  acts.every(({ replies, expected }) => replies.length === expected);

const print = ({ acts, translation, policy, summary }: Performance, stream: NodeJS.WriteStream): void => {
  const chalk = coloursFor(stream);
  const line = (text = ''): void => void stream.write(`${text}\n`);
  line(chalk.bold('mcbridge demo: a Choria client talks to a legacy MCollective collective'));
  line(
    chalk.dim(
      `Real keys, signatures and codecs; the brokers and the ${summary.nodes} nodes of ${COLLECTIVE} live in this process.`,
    ),
  );
  for (const { title, expected, replies } of acts) {
    line();
    line(chalk.bold(title));
    for (const { node, status, text } of replies) {
      const mark = status === null || status === 0 ? chalk.green('✓') : chalk.yellow(`status ${status}`);
      line(`  ${mark} ${node.padEnd(22)} ${text}`);
    }
    if (replies.length !== expected) line(chalk.red(`  ${replies.length} of ${expected} replies came`));
  }
  line();
  line(chalk.bold('One message, step by step'));
  for (const [at, { title, lines }] of translation.entries()) {
    line();
    line(`  ${chalk.cyan(`${at + 1}.`)} ${title}`);
    for (const [label, text] of lines) line(`     ${chalk.dim(label.padEnd(11))} ${text}`);
  }
  line();
  line(chalk.bold('Why policy denied the inventory'));
  line();
  for (const { rule, why } of policy.passed) line(`  ${chalk.dim('passed over')} ${rule}: ${why}`);
  line(`  ${chalk.dim('decided'.padEnd(11))} ${policy.rule}: ${policy.verdict}, "${policy.reason}"`);
  line();
  const { nodes, requests, replies, refused, seconds } = summary;
  line(
    chalk.bold(
      `${requests} requests to ${nodes} legacy nodes, ${replies} replies carried home, ${refused} refused, in ${seconds} s.`,
    ),
  );
  line(chalk.dim('Next: a bridge of your own, see README.md and docs/configuration.md.'));
};

/** Until it is told to end. */
const showPage = async (stream: NodeJS.WriteStream): Promise<void> => {
  const demo = await startLiveDemo();
  stream.write(`The live page of the demo's bridge: ${demo.url}/\nCtrl-C ends it.\n`);
  await new Promise<void>((resolve) =>
    onEnd(
      () => resolve(),
      () => process.exit(1),
    ),
  );
  await demo.stop();
};

/** `mcbridge demo` */
export const registerDemo = (program: Command): void => {
  program
    .command('demo')
    .summary('show the bridge at work, with nothing else installed')
    .description(
      'Runs the real bridge between a Choria client and a legacy collective of five nodes, all inside this process,\n' +
        'and shows a discovery, broadcast and directed requests, and one message step by step.',
    )
    .option('-j, --json', 'print what happened as JSON')
    .addOption(
      new Option(
        '--page',
        'serve the live page of that bridge, with requests going on, until Ctrl-C',
      ).conflicts('json'),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  mcbridge demo\n  mcbridge demo --json\n  mcbridge demo --page\n\nExit status: 0 when every reply came, 1 otherwise.',
    )
    .action(async (options: { readonly json?: boolean; readonly page?: boolean }) => {
      if (options.page) return showPage(process.stdout);
      const performance = await perform();
      if (options.json) process.stdout.write(`${JSON.stringify(performance, null, 2)}\n`);
      else print(performance, process.stdout);
      process.exitCode = isComplete(performance) ? 0 : 1;
    });
};
