import type { Command } from 'commander';
import { Option } from 'commander';
import type { DialectName } from '../../policy/action-policy/dialects.ts';
import { type Difference, differences } from '../../policy/action-policy/import/differences.ts';
import { importedRules } from '../../policy/action-policy/import/write.ts';
import { type FileProblem, readActionPolicy } from '../../policy/action-policy/read.ts';
import { inertJson } from '../decode/paint.ts';
import { writeTo } from '../files.ts';
import { counted, escapeControls } from '../terminal.ts';
import { UsageError } from '../usage.ts';
import { DIALECT_NAMES, folderFiles, USUAL_DIALECT } from './subject.ts';

interface ImportOptions {
  readonly from: string;
  readonly dialect?: DialectName;
  readonly out?: string;
  readonly allowUnconfigured?: true;
  readonly enableDefault?: true;
  readonly defaultName?: string;
  readonly json?: true;
}

const differenceText = ({ file, line, text, example, dialects }: Difference): readonly string[] => [
  escapeControls(`${file}:${line}: ${text}`),
  escapeControls(`  ${example}`),
  ...Object.entries(dialects).map(([name, { says, why }]) =>
    escapeControls(`    ${name.padEnd(10)} ${says}: ${why}`),
  ),
];

const problemText = ({ file, line, column, message }: FileProblem): string =>
  escapeControls(`${[file, line, column].filter((part) => part !== undefined).join(':')}: ${message}`);

const reportOf = (found: readonly Difference[], problems: readonly FileProblem[]): string =>
  [
    ...(problems.length === 0
      ? []
      : ['Lines that are not what they look like:', ...problems.map(problemText), '']),
    ...(found.length === 0 ? [] : ['Lines that implementations read in different ways:']),
    ...found.flatMap(differenceText),
    `${counted(found.length, 'line')} read in different ways, ${counted(problems.length, 'remark')}`,
  ]
    .map((line) => `${line}\n`)
    .join('');

const importPolicies = (options: ImportOptions): void => {
  const { from: folder, dialect = USUAL_DIALECT, out, json, defaultName } = options;
  if (dialect === undefined) throw new UsageError('--dialect is needed');
  const settings = {
    folder,
    dialect,
    strict: false,
    allowUnconfigured: options.allowUnconfigured === true,
    enableDefault: options.enableDefault === true,
    ...(defaultName !== undefined && { defaultName }),
  };
  const files = folderFiles(folder);
  const rules = importedRules(settings, files);
  const found = differences(files);
  const { warnings } = readActionPolicy(settings, files);
  if (out !== undefined) writeTo('--out', out, rules);
  if (json === true) {
    process.stdout.write(`${inertJson(JSON.stringify({ rules, differences: found, remarks: warnings }))}\n`);
    return;
  }
  if (out === undefined) process.stdout.write(rules);
  process.stderr.write(reportOf(found, warnings));
};

/** `mcbridge policy import` */
export const registerPolicyImport = (policy: Command): void => {
  policy
    .command('import')
    .summary("make rules of ActionPolicy's files, and see where implementations read them differently")
    .description(
      "Writes rules that say what a folder of ActionPolicy's files says, and lists every line that Choria's Ruby, go-choria and Puppet's original would decide by in different ways, with an example.",
    )
    .requiredOption('--from <dir>', 'the folder, with *.policy and groups')
    .addOption(
      new Option('--dialect <name>', `whose files they are; ${USUAL_DIALECT} unless told`).choices(
        DIALECT_NAMES,
      ),
    )
    .option('--out <file>', 'write the rules there, and not to standard output')
    .option('--allow-unconfigured', 'as the nodes have it')
    .option('--enable-default', 'as the nodes have it')
    .option('--default-name <name>', 'as the nodes have it; default unless told')
    .option('-j, --json', 'print rules, differences and remarks as JSON')
    .addHelpText(
      'after',
      `
The report goes to standard error. Callers become as, the name that nodes see. What depends on a node, and what rules have no words for, becomes
a rule that leaves it to the nodes, with the line as a comment before it.

Examples:
  mcbridge policy import --from /etc/mcollective/policies > rules.yaml
  mcbridge policy import --from policies --dialect puppet --out rules.yaml 2> differences.txt

Exit codes: 0 done, 2 wrong usage, or a folder that cannot be read`,
    )
    .action(importPolicies);
};
