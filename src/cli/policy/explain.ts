import { type Command, Option } from 'commander';
import { formatJson } from '../../adapters/choria/wire/index.ts';
import type { Value } from '../../envelope/value.ts';
import type { Explained, Question } from '../../policy/evaluator.ts';
import { collecting, type Input, parseInput, parseNode, timeOption } from '../arguments.ts';
import { inertJson } from '../decode/paint.ts';
import { addFilterOptions, type FilterOptions, filterFrom } from '../filter-options.ts';
import { coloursFor, counted, escapeControls } from '../terminal.ts';
import { addSubjectOptions } from './options.ts';
import { questionFrom } from './question.ts';
import { type Subject, type SubjectOptions, subjectFrom } from './subject.ts';

interface ExplainOptions extends SubjectOptions, FilterOptions {
  readonly caller: string;
  readonly as?: string;
  readonly agent?: string;
  readonly action?: string;
  readonly collective?: string;
  readonly ingress?: string;
  readonly egress?: string;
  readonly node?: readonly string[];
  readonly at?: number;
  readonly json?: true;
}

const askedFor = ({ caller, as, agent, action, collective }: Question): string =>
  `${caller}${as === caller ? '' : ` as ${as}`} asks ${agent}${action === undefined ? '' : `.${action}`} in ${collective}`;

const jsonOf = ({ name, remarks }: Subject, question: Question, explained: Explained): Value => {
  const { verdict, rule, reason, shadow, maxNodes, passed } = explained;
  const { caller, as, agent, action, collective } = question;
  const pairs = (object: Readonly<Record<string, Value | undefined>>): Value =>
    new Map(Object.entries(object).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
  return pairs({
    policy: name,
    request: pairs({ caller, as, agent, action, collective }),
    verdict,
    rule,
    reason,
    shadow: shadow && pairs({ rule: shadow.rule, reason: shadow.reason }),
    max_nodes: maxNodes?.most,
    passed: passed.map((it) => pairs({ rule: it.rule, why: it.why })),
    remarks: remarks.map(({ file, line, message }) => pairs({ file, line, message })),
  });
};

const TITLES = { allow: 'allowed', deny: 'denied', defer: 'left to the nodes' } as const;

const textOf = (subject: Subject, question: Question, explained: Explained): string => {
  const { verdict, rule, reason, shadow, maxNodes, passed } = explained;
  const { green, red, yellow, bold, dim } = coloursFor(process.stdout);
  const colour = { allow: green, deny: red, defer: yellow }[verdict];
  const widest = Math.min(Math.max(0, ...passed.map((it) => it.rule.length)), 50);
  const lines = [
    escapeControls(askedFor(question)),
    `${bold(colour(TITLES[verdict]))} by ${escapeControls(rule ?? `${subject.name}: no rule is for it`)}`,
    ...(reason === undefined ? [] : [`  ${escapeControls(reason)}`]),
    ...(maxNodes === undefined ? [] : [`  as long as it reaches at most ${counted(maxNodes.most, 'node')}`]),
    ...(shadow === undefined
      ? []
      : [`  in shadow mode, ${escapeControls(shadow.rule)} would have denied it`]),
    ...(passed.length === 0 ? [] : ['', 'passed over:']),
    ...passed.map((it) => `  ${escapeControls(it.rule).padEnd(widest)}  ${dim(escapeControls(it.why))}`),
  ];
  return lines.map((line) => `${line}\n`).join('');
};

const remarkText = ({ remarks }: Subject): string =>
  remarks.length === 0
    ? ''
    : `mcbridge: ${counted(remarks.length, 'line')} of these files ${remarks.length === 1 ? 'is' : 'are'} not what they look like: mcbridge policy import --from lists them\n`;

const explain = async (inputs: readonly Input[], options: ExplainOptions): Promise<void> => {
  const subject = await subjectFrom(options);
  const question = questionFrom(
    {
      ...options,
      nodes: options.node ?? [],
      filter: filterFrom(options),
      inputs,
      ...(options.at !== undefined && { time: options.at }),
    },
    subject.route,
  );
  const explained = subject.evaluator.explain(question);
  if (options.json === true)
    process.stdout.write(`${inertJson(formatJson(jsonOf(subject, question, explained)))}\n`);
  else {
    process.stderr.write(remarkText(subject));
    process.stdout.write(textOf(subject, question, explained));
  }
  if (explained.verdict === 'deny') process.exitCode = 1;
};

/** `mcbridge policy explain` */
export const registerPolicyExplain = (policy: Command): void => {
  const command = policy
    .command('explain')
    .summary('say what a policy does with a request, and why')
    .description(
      'Asks a policy about one request. Names the rule that decides by its file and line, and every rule that was passed over, with what of it did not fit.',
    )
    .argument('[inputs...]', 'inputs of the action, key=value', collecting(parseInput))
    .requiredOption(
      '--caller <callerid>',
      'who asks, by the name that the signature proves, such as choria=alice.mcollective',
    )
    .option('--as <callerid>', 'the name on the other side; the same unless told')
    .option('--agent <agent>', 'what is asked; discovery unless told')
    .option('--action <action>', 'what it is asked for')
    .option('-T, --collective <name>', 'in which collective; mcollective unless told')
    .option('--ingress <name>', 'by which ingress it comes')
    .option('--egress <name>', 'by which egress it goes out')
    .option('--node <identity>', 'a node that it names; repeatable; none: a broadcast', collecting(parseNode))
    .addOption(
      new Option(
        '--at <time>',
        'when, such as 2026-12-01T02:00; UTC unless it says a zone; now unless told',
      ).argParser(timeOption),
    )
    .option('-j, --json', 'print the explanation as JSON');
  addFilterOptions(addSubjectOptions(command))
    .addHelpText(
      'after',
      `
Examples:
  mcbridge policy explain --config bridge.yaml --route "federation -> legacy" --caller choria=alice.mcollective --as cert=alice --agent service --action restart service=httpd
  mcbridge policy explain --policy rules.yaml --caller choria=alice.mcollective --agent puppet --action runonce --node db1.example.net
  mcbridge policy explain --folder policies --dialect puppet --caller cert=alice --agent puppet --action status --json

What a policy remembers of earlier requests (how many nodes a request has reached, limits) is not asked.

Exit codes: 0 allowed, or left to the nodes, 1 denied, 2 wrong usage, or a policy that cannot be used`,
    )
    .action(explain);
};
