import { type Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { isGlob, isLikeRegex } from '../envelope/glob.ts';
import { quoted } from '../envelope/text.ts';
import { type InventoryDocument, inventoryDocument } from '../nodes/document.ts';
import { viewOf } from '../nodes/view.ts';
import { http } from '../setup/http.ts';
import { loadParts } from '../setup/parts.ts';
import { generalFields } from '../setup/schema.ts';
import type { Config } from '../setup/types.ts';
import { crop } from '../telemetry/observe/line.ts';
import { fetchPage, NoPage, type PageKind, parseUrl, urlOf } from './bridge-page.ts';
import { formatInventory, inventoryObject } from './inventory/format.ts';
import { paint } from './observe/paint.ts';
import { escapeControls } from './terminal.ts';
import { UsageError } from './usage.ts';

type Bridge = Pick<Config, 'cluster' | 'instance' | 'http'>;

interface InventoryOptions {
  readonly config?: string;
  readonly url?: string;
  readonly collective?: string;
  readonly egress?: string;
  readonly node?: string;
  readonly json?: true;
}

const PAGE: PageKind<InventoryDocument> = {
  path: '/inventory',
  what: 'inventory',
  schema: inventoryDocument,
  // Some ten times what a full one takes.
  longest: 256 * 1024 ** 2,
};

const parseGlob = (text: string): string => {
  if (isGlob(text)) return text;
  const not = isLikeRegex(text) ? ', and no regular expression' : '';
  throw new InvalidArgumentError(
    `A pattern is an identity, with * for any text and ? for one character${not}.`,
  );
};

/** `mcbridge inventory` */
export const registerInventory = (program: Command): void => {
  program
    .command('inventory')
    .summary('see which nodes live where')
    .description(
      'Shows which nodes a running bridge knows beyond each egress, how it knows them, and when they were there last.',
    )
    .option('-c, --config <file>', "the running bridge's configuration, which says where it serves HTTP")
    .option('--url <url>', 'ask the bridge at this address instead, http://127.0.0.1:8222')
    .option('-T, --collective <name>', 'only nodes in this collective')
    .option('--egress <name>', 'only nodes beyond this egress')
    .option('--node <pattern>', 'only such nodes; * is any text, ? one character', parseGlob)
    .option('-j, --json', 'print JSON')
    .addHelpText(
      'after',
      `
A node is known by a pattern of the configuration, by discovery (it answered when the bridge asked who is there), or
by a reply to a request. One that is there on both sides answers natively to each: the bridge does not stand in for it.
Each instance has an inventory of its own.

Examples:
  mcbridge inventory --config bridge.yaml
  mcbridge inventory --config bridge.yaml --egress legacy --node 'web*'
  mcbridge inventory --url http://mcbridge2.example.net:8222 --collective uk
  mcbridge inventory --config bridge.yaml --json | jq -r '.nodes[] | select(.both) | .identity'

Exit codes: 0 done, 1 the bridge cannot be reached, 2 wrong usage or unusable configuration`,
    )
    .action(inventory);
};

const inventory = async (options: InventoryOptions): Promise<void> => {
  const config = options.config === undefined ? undefined : bridgeOf(options.config);
  const url = options.url === undefined ? urlFrom(config, options.config) : parseUrl(options.url, PAGE.path);
  let document: InventoryDocument;
  try {
    document = await fetchPage(PAGE, url, `mcbridge run --config ${options.config ?? 'bridge.yaml'}`);
  } catch (error) {
    if (!(error instanceof NoPage)) throw error;
    process.stderr.write(`mcbridge: ${error.message}\n`);
    process.exitCode = 1;
    return;
  }
  checkSelection(options, document);
  if (config !== undefined && options.url === undefined) warnOfAnother(config, document, url);
  print(document, options);
};

/** Of a configuration, who the bridge is and where it answers. */
const bridgeOf = (file: string): Bridge =>
  loadParts(file, process.env, (_outline, context) => ({
    schema: z.object({ ...generalFields(context), http: http() }).transform(
      ({ instance, identity, cluster, http }): Bridge => ({
        cluster,
        instance: instance ?? identity,
        http,
      }),
    ),
    paths: [['identity'], ['cluster'], ['instance'], ['http']],
  })).value;

const urlFrom = (config: Bridge | undefined, file = ''): URL => {
  if (config === undefined)
    throw new UsageError('which bridge? Give --config, or --url http://127.0.0.1:8222');
  return urlOf(config.http, file, PAGE.path);
};

/** @throws UsageError for a name that is not there, which would look like a bridge that knows no nodes */
const checkSelection = ({ egress, collective }: InventoryOptions, { egresses }: InventoryDocument): void => {
  const check = (option: string, name: string | undefined, names: ReadonlySet<string>): void => {
    if (name === undefined || names.has(name)) return;
    const known = names.size === 0 ? 'none' : [...names].join(', ');
    throw new UsageError(`${option} ${quoted(name)}: there is no such one; the bridge has ${known}`);
  };
  check('--egress', egress, new Set(egresses.map(({ name }) => name)));
  const collectives = egresses.flatMap((it) => it.collectives.map(({ name }) => name));
  check('--collective', collective, new Set(collectives));
};

/** A second bridge on a machine runs on without HTTP where only the default address is taken. */
const warnOfAnother = (config: Bridge, { cluster, instance }: InventoryDocument, url: URL): void => {
  if (cluster === config.cluster && instance === config.instance) return;
  const here = escapeControls(`${cluster}:${instance}`);
  process.stderr.write(
    `mcbridge: ${url.host} is the bridge ${here}, not ${config.cluster}:${config.instance} of the configuration: give each its own http.listen\n`,
  );
};

const print = (document: InventoryDocument, { json, ...selection }: InventoryOptions): void => {
  const view = viewOf(document, selection);
  if (json === true) {
    process.stdout.write(`${JSON.stringify(inventoryObject(document, view), null, 2)}\n`);
    return;
  }
  const lines = formatInventory(document, view);
  const { isTTY, columns } = process.stdout;
  const shown = isTTY && columns > 0 ? crop(lines, columns, lines.length) : lines;
  process.stdout.write(`${paint(shown, process.stdout).join('\n')}\n`);
};
