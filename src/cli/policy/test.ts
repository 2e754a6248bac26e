import type { Command } from 'commander';
import type { Explained } from '../../policy/evaluator.ts';
import { inertJson } from '../decode/paint.ts';
import { writeTo } from '../files.ts';
import { type JunitCase, junitXml } from '../junit.ts';
import { coloursFor, counted, escapeControls } from '../terminal.ts';
import { addSubjectOptions } from './options.ts';
import { questionFrom } from './question.ts';
import { type Subject, type SubjectOptions, subjectFrom } from './subject.ts';
import { type Case, readTable, type Table } from './table.ts';

interface TestOptions extends SubjectOptions {
  readonly junit?: string;
  readonly json?: true;
}

/** What became of a case. */
interface Result {
  readonly file: string;
  readonly line: number;
  readonly name: string;
  readonly outcome: Explained;
  /** What was wished and is not so; empty: it passed. */
  readonly wrong: readonly string[];
}

const nameOf = ({ name, caller, agent = 'discovery', action }: Case): string =>
  name ?? `${caller} asks ${agent}${action === undefined ? '' : `.${action}`}`;

/** A rule by its name or place; a place may be told without the folders before it. */
const isRule = (rule: string | undefined, wished: string): boolean =>
  rule === wished || rule?.endsWith(`/${wished}`) === true;

const resultOf = (file: string, one: Case, { evaluator, route }: Subject): Result => {
  const { facts, classes, identities, at, ...asking } = one;
  const filter = {
    ...(facts && { fact: facts }),
    ...(classes && { cfClass: classes }),
    ...(identities && { identity: identities }),
  };
  const question = questionFrom(
    {
      ...asking,
      filter,
      inputs: Object.entries(one.inputs ?? {}),
      ...(at !== undefined && { time: at }),
    },
    route,
  );
  const outcome = evaluator.explain(question);
  const { verdict, rule, reason } = outcome;
  const by = `${rule === undefined ? 'no rule' : rule}${reason === undefined ? '' : `: ${reason}`}`;
  return {
    file,
    line: one.line,
    name: nameOf(one),
    outcome,
    wrong: [
      ...(verdict === one.expect ? [] : [`it is ${verdict}, and not ${one.expect}, by ${by}`]),
      ...(one.rule === undefined || isRule(rule, one.rule)
        ? []
        : [`${rule ?? 'no rule'} decides, and not ${one.rule}`]),
    ],
  };
};

const textOf = (results: readonly Result[]): string => {
  const { green, red } = coloursFor(process.stdout);
  const failed = results.filter(({ wrong }) => wrong.length > 0);
  const lines = failed.flatMap(({ file, line, name, wrong, outcome }) => [
    `${red('wrong')} ${escapeControls(`${file}:${line}: ${name}`)}`,
    ...wrong.map((it) => `  ${escapeControls(it)}`),
    ...outcome.passed.map((it) => `    ${escapeControls(`${it.rule}: ${it.why}`)}`),
  ]);
  const sum = `${counted(results.length, 'case')}, ${failed.length === 0 ? green('all as wished') : red(`${failed.length} not as wished`)}`;
  return [...lines, sum].map((line) => `${line}\n`).join('');
};

const junitCase = ({ file, line, name, wrong }: Result): JunitCase => ({
  name: `${file}:${line}: ${name}`,
  ...(wrong.length > 0 && { failure: { message: wrong[0] ?? '', text: wrong.join('\n') } }),
});

const jsonOf = ({ file, line, name, outcome, wrong }: Result) => ({
  file,
  line,
  name,
  passed: wrong.length === 0,
  wrong,
  verdict: outcome.verdict,
  rule: outcome.rule,
  reason: outcome.reason,
  passed_over: outcome.passed,
});

const SUBJECT_KEYS = ['config', 'policy', 'route', 'folder', 'dialect'] as const;

/** What the command line says of the policy stands before what the table says. */
const subjectOf = ({ subject }: Table, options: SubjectOptions): SubjectOptions =>
  SUBJECT_KEYS.some((key) => options[key] !== undefined) ? options : { ...subject, ...options };

const resultsOf = async (file: string, options: SubjectOptions): Promise<readonly Result[]> => {
  const table = readTable(file);
  const subject = await subjectFrom(subjectOf(table, options));
  return table.cases.map((one) => resultOf(file, one, subject));
};

const test = async (files: readonly string[], { junit, json, ...options }: TestOptions): Promise<void> => {
  const results: Result[] = [];
  for (const file of files) results.push(...(await resultsOf(file, options)));
  process.stdout.write(
    json === true ? `${inertJson(JSON.stringify({ cases: results.map(jsonOf) }))}\n` : textOf(results),
  );
  if (results.some(({ wrong }) => wrong.length > 0)) process.exitCode = 1;
  if (junit !== undefined)
    writeTo('--junit', junit, junitXml('mcbridge policy test', results.map(junitCase)));
};

/** `mcbridge policy test` */
export const registerPolicyTest = (policy: Command): void => {
  addSubjectOptions(
    policy
      .command('test')
      .summary('try a table of requests on a policy')
      .description(
        'Asks a policy about each request of a table, and compares what it says with what is expected there.',
      )
      .argument('<tables...>', 'YAML files with cases, see docs/actionpolicy.md')
      .option('--junit <file>', 'write the results for a CI system, as JUnit XML')
      .option('-j, --json', 'print the results as JSON'),
  )
    .addHelpText(
      'after',
      `
A table names its policy, or the command line does:

  folder: policies
  dialect: go-choria
  cases:
    - { caller: cert=alice, agent: puppet, action: runonce, expect: allow }
    - { caller: cert=bob, agent: puppet, action: runonce, expect: deny, rule: puppet.policy:3 }

Examples:
  mcbridge policy test policy-cases.yaml
  mcbridge policy test policy-cases.yaml --policy new-rules.yaml --junit policy.xml

Exit codes: 0 all cases are as expected, 1 some are not, 2 wrong usage, or a table or policy that cannot be used`,
    )
    .action(test);
};
