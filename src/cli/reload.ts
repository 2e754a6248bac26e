import type { Command } from 'commander';
import { z } from 'zod';
import { type ControlOptions, order, withControlOptions } from './control.ts';
import { counted, escapeControls, escapeLines } from './terminal.ts';

interface ReloadOptions extends ControlOptions {
  readonly dryRun?: true;
  readonly json?: true;
}

/** `mcbridge reload` */
export const registerReload = (program: Command): void => {
  withControlOptions(program.command('reload').summary('have a running bridge read its configuration anew'))
    .description(
      'Has a running bridge read its configuration anew and go on by it, without losing a message. ' +
        'A configuration that cannot be used changes nothing.',
    )
    .option('--dry-run', 'say what would change, and change nothing')
    .option('-j, --json', 'print JSON')
    .addHelpText(
      'after',
      `
The running bridge reads the file that it was started with, with the environment that it was started with. Links whose
settings stay the same stay connected; what is in flight is answered by the rules that it came in by. What takes a
restart, such as another cluster, is refused.

Examples:
  mcbridge reload --config bridge.yaml --dry-run
  mcbridge reload --config bridge.yaml
  mcbridge reload --socket /run/mcbridge/control.sock --json

Exit codes: 0 the configuration is in force (or could be), 1 the bridge refuses the order, such as one that is ending, 2 wrong usage, or the
configuration cannot be used and nothing has changed, 3 no bridge answers at the control socket`,
    )
    .action(reload);
};

const names = z.array(z.string());

const answer = z.object({
  result: z.enum(['ok', 'refused']),
  problems: names,
  changes: z
    .object({
      keys: z.object({ added: names, removed: names, changed: names }),
      links: z.object({ kept: names, renewed: names, opened: names, closed: names }),
      down: z.array(z.object({ link: z.string(), reason: z.string() })).default([]),
    })
    .optional(),
});

type Answer = z.output<typeof answer>;

const EXIT_REFUSED = 2;
/** A reload waits for links that connect, and for the reloads before it. */
const TIMEOUT_MS = 120_000;

const reload = async ({ dryRun, json, ...options }: ReloadOptions): Promise<void> => {
  const told = await order(options, {
    order: { order: 'reload', dry_run: dryRun === true },
    timeoutMs: TIMEOUT_MS,
  });
  if (told === undefined) return;
  const { result, problems, changes } = answer.parse(told);
  if (result === 'refused') process.exitCode = EXIT_REFUSED;
  if (json === true) {
    process.stdout.write(`${JSON.stringify(told, null, 2)}\n`);
    return;
  }
  for (const problem of problems) process.stderr.write(`${escapeLines(problem)}\n`);
  if (changes === undefined)
    process.stderr.write('mcbridge: the configuration cannot be used; nothing has changed\n');
  else
    for (const line of inWords(changes, dryRun === true)) process.stdout.write(`${escapeControls(line)}\n`);
};

const inWords = (
  { keys, links, down }: NonNullable<Answer['changes']>,
  isDry: boolean,
): readonly string[] => {
  const each = Object.entries({ ...keys }).flatMap(([what, paths]) =>
    paths.map((path) => `${what.padEnd(8)} ${path}`),
  );
  const moved = Object.entries({
    renewed: links.renewed,
    opened: links.opened,
    closed: links.closed,
  }).flatMap(([what, places]) => places.map((place) => `${what.padEnd(8)} ${place}`));
  const count = links.kept.filter((place) => !down.some(({ link }) => link === place)).length;
  const kept = `${counted(count, 'link')} stay${count === 1 ? 's' : ''} connected`;
  return [
    isDry ? 'the configuration can be used; nothing has been changed' : 'the configuration is in force',
    ...(each.length === 0 ? ['no key is another'] : each),
    ...moved,
    kept,
    ...down.map(({ link, reason }) => `not connected: ${link}: ${reason}`),
  ];
};
