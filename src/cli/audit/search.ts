import { type Command, Option } from 'commander';
import { hmacOf } from '../../audit/redaction.ts';
import { type Found, search } from '../../audit/search.ts';
import { parseInput, timeOption } from '../arguments.ts';
import { counted, escapeControls, listed } from '../terminal.ts';
import { hmacKeyOf } from './keys.ts';
import { orUsageError } from './verify.ts';

interface SearchOptions {
  readonly caller?: string;
  readonly agent?: string;
  readonly since?: number;
  readonly until?: number;
  readonly id?: string;
  readonly hmac?: string;
  readonly hmacKey?: string;
  readonly config?: string;
  readonly json?: true;
}

export const registerSearch = (audit: Command): void => {
  audit
    .command('search')
    .summary('look for requests, and what became of them')
    .description(
      'Prints each request that all options fit, with its verdict, the replies to it in all of the files, and who has not answered.',
    )
    .argument('<files...>', 'files of the audits of all instances: replies may have come by another one')
    .option('--caller <name>', 'who asked, by the name on either side')
    .option('--agent <name>', 'what was asked: an agent, or agent.action')
    .addOption(
      new Option(
        '--since <time>',
        'from then on, such as 2026-11-30T14:00; UTC unless it says a zone',
      ).argParser(timeOption),
    )
    .addOption(new Option('--until <time>', 'up to then, written in the same way').argParser(timeOption))
    .option('--id <id>', 'the flow, or the request id')
    .option('--hmac <value>', 'an input that was written down as a code (redact: hmac) has this value')
    .option('--hmac-key <file>', 'what the codes are made with')
    .option('-c, --config <file>', 'the configuration, which names that')
    .option('-j, --json', 'print what is found as JSON, a line each')
    .addHelpText(
      'after',
      `
Examples:
  mcbridge audit search /var/log/mcbridge/audit.log* --caller choria=alice.mcollective --agent service.restart
  mcbridge audit search audit.log* --hmac bob --config bridge.yaml --json

Exit codes: 0 found, 1 nothing found, 2 wrong usage, or a file or a key that cannot be read`,
    )
    .action(run);
};

/** As a text, and as what it says in JSON: inputs are either. */
const codesOf = async ({ hmac, hmacKey, config }: SearchOptions): Promise<readonly string[] | undefined> => {
  if (hmac === undefined) return undefined;
  const key = await hmacKeyOf(hmacKey, config);
  const [, value] = parseInput(`value=${hmac}`);
  return [...new Set([hmacOf(hmac, key), hmacOf(value, key)])];
};

const run = async (files: readonly string[], options: SearchOptions): Promise<void> => {
  const { caller, agent, since, until, id, json } = options;
  const codes = await codesOf(options);
  const found = await orUsageError(() => search(files, { caller, agent, since, until, id, codes }));
  for (const one of found) process.stdout.write(json === true ? `${JSON.stringify(one)}\n` : textOf(one));
  if (json === undefined) process.stdout.write(`${counted(found.length, 'request')}\n`);
  if (found.length === 0) process.exitCode = 1;
};

const textOf = (it: Found): string => {
  const as = it.mapped_caller === undefined ? '' : ` as ${it.mapped_caller}`;
  const what = it.agent === undefined ? 'something' : `${it.agent} ${it.action ?? ''}`.trimEnd();
  const by = it.rule === undefined ? '' : ` by ${it.rule}`;
  const why = it.code === undefined ? '' : ` (${it.code}${it.reason === undefined ? '' : `: ${it.reason}`})`;
  const unread = it.unread > 0 ? `, ${it.unread} unread` : '';
  return [
    `${it.time} ${it.caller ?? 'somebody'}${as} ${what}: ${it.verdict ?? 'unknown'}${by}${why}`,
    `  ${it.route ?? 'no route'}, flow ${it.flow ?? 'unknown'}, request id ${it.request_id ?? 'unknown'}, ${it.file}:${it.line}`,
    `  asked: ${it.targets ?? 'unknown'}; replies: ${it.ok} ok, ${it.failed} failed, ${it.refused} refused${unread}`,
    ...(it.missing === undefined || it.missing.length === 0
      ? []
      : [`  in no file is an answer of ${listed(it.missing)}`]),
  ]
    .map((line) => `${escapeControls(line)}\n`)
    .join('');
};
