import type { Command } from 'commander';
import { Checklist, type Finding } from '../config/checklist.ts';
import { ConfigError } from '../config/problem.ts';
import { loadWithAdapters } from '../setup/load-registry.ts';
import type { LoadedConfig } from '../setup/types.ts';
import { secondsOption } from './arguments.ts';
import { checkAuditAlone } from './check/audit.ts';
import { checkBrokers } from './check/brokers.ts';
import { checkClaims } from './check/claims.ts';
import { checkHttp } from './check/http.ts';
import { checkNeighbours } from './check/neighbours.ts';
import { checkPage } from './check/page.ts';
import { checkPlaces } from './check/places.ts';
import { checkNodes } from './check/probe.ts';
import { fromProblem, hasProblems, jsonReport, textReport } from './check/report.ts';
import { checkSettings } from './check/settings.ts';
import { canColour } from './terminal.ts';
import { UsageError } from './usage.ts';

export interface CheckOptions {
  readonly config: string;
  readonly json?: true;
  readonly offline?: true;
  /** Ms. */
  readonly listen?: number;
  readonly probe?: true;
  /** A caller in whose name a probe asks. */
  readonly as?: string;
  /** Ms that nodes have to answer a probe. */
  readonly timeout?: number;
}

/** Seconds. */
const PROBE_TIMEOUT_SECONDS = 5;

/**
 * Looks at everything that the configuration names.
 * @throws ConfigUnreadable where there is no such file
 */
export const check = async ({
  config: file,
  offline,
  listen,
  probe,
  as: caller,
  timeout = PROBE_TIMEOUT_SECONDS * 1000,
}: CheckOptions): Promise<readonly Finding[]> => {
  if (offline !== undefined && probe !== undefined)
    throw new UsageError(
      '--probe asks nodes over the brokers, and --offline leaves those alone: give one of both',
    );
  if (caller !== undefined && probe === undefined)
    throw new UsageError('--as says in whose name --probe asks: give both');
  let loaded: LoadedConfig;
  try {
    loaded = await loadWithAdapters(file, process.env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map((it) => fromProblem(it));
    throw error;
  }
  const list = new Checklist(loaded);
  list.ok([], `${file} is a valid configuration`);
  for (const [index, name] of loaded.config.adapters.entries())
    list.ok(['adapters', index], `${name} is loaded`);
  checkSettings(list, loaded, Date.now());
  await checkHttp(list, loaded);
  await checkPage(list, loaded);
  await checkPlaces(list, loaded);
  await checkAuditAlone(list, loaded);
  if (offline === undefined) await checkBrokers(list, loaded);
  if (offline === undefined) await checkClaims(list, loaded);
  if (offline === undefined && listen !== undefined) await checkNeighbours(list, loaded, listen);
  if (probe !== undefined)
    await checkNodes(list, loaded, { timeout, ...(caller !== undefined && { caller }) });
  return [...loaded.warnings.map((it) => fromProblem(it, 'warning')), ...list.findings];
};

/** `mcbridge check` */
export const registerCheck = (program: Command): void => {
  program
    .command('check')
    .description('see whether a configuration will work, and how to mend what will not')
    .requiredOption('-c, --config <file>', 'the configuration')
    .option('--offline', 'do not connect to the brokers')
    .addOption(
      secondsOption(
        '--listen <seconds>',
        'hear for so long whether running bridges of this cluster go with it',
      ),
    )
    .option('--probe', 'ask in each exported collective who is there')
    .option('--as <caller>', 'ask in the name of this caller of an ingress, as the routes map him')
    .addOption(
      secondsOption('--timeout <seconds>', 'how long nodes have to answer --probe', PROBE_TIMEOUT_SECONDS),
    )
    .option('-j, --json', 'print the findings as JSON')
    .addHelpText(
      'after',
      `
Looks at the configuration's syntax and keys, at every file that it names (is it readable, is it what it should be,
do keys and certificates belong together, has a certificate expired, can everybody read a private key), whether its log and
its sockets can be made (it makes a folder beside them, and removes it), and connects to every broker by itself, logs in, and asks for each right that the bridge will use (docs/rights.md). Takes no message from
anybody and gives none to anybody; where there is a section claims it makes one, under a key that no request has.

With --probe it asks, in each collective that a route exports, who is there, signed with what the bridge asks with, and
says who answered, which answers it could not read and why, and where nobody answered what may be wrong, in the order in which
that is likely. A bridge of the same cluster may run meanwhile: no reply of the one comes to the other. With --as it asks in the
name of a caller of an ingress, mapped by the routes and signed as his requests are: do nodes answer him?

Examples:
  mcbridge check --config bridge.yaml
  mcbridge check --config bridge.yaml --offline        before the brokers are there
  mcbridge check --config bridge.yaml --listen 15      before another instance is started
  mcbridge check --config bridge.yaml --probe          does anybody answer?
  mcbridge check --config bridge.yaml --probe --as choria=alice.mcollective
  mcbridge check --config bridge.yaml --json | jq '.findings[] | select(.status != "ok")'

Exit codes: 0 all is well (there may be warnings), 1 there are problems, such as a probed collective in which nobody answered, 2 wrong usage or unreadable configuration`,
    )
    .action(async (options: CheckOptions) => {
      const findings = await check(options);
      const colour = canColour(process.stdout);
      process.stdout.write(
        options.json === true ? jsonReport(options.config, findings) : textReport(findings, colour),
      );
      if (hasProblems(findings)) process.exitCode = 1;
    });
};
