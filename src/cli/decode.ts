import { once } from 'node:events';
import type { Command } from 'commander';
import { formatJson } from '../adapters/choria/wire/index.ts';
import { CASSETTES } from '../capture/file/layers.ts';
import { piecesOf } from '../inspect/input.ts';
import { messageValue } from '../inspect/json.ts';
import { decodeMessage } from '../inspect/recognise.ts';
import { layerLines } from '../inspect/text.ts';
import { isWhole, type Layer, layersOf, type Verdict } from '../inspect/tree.ts';
import { collecting } from './arguments.ts';
import { readInput, STDIN } from './decode/input.ts';
import { type KeyOptions, type Readers, readersFrom } from './decode/keys.ts';
import { inertJson, painted } from './decode/paint.ts';
import { rendered } from './decode/rendered.ts';
import { coloursFor } from './terminal.ts';

interface DecodeOptions extends KeyOptions {
  readonly full?: true;
  readonly json?: true;
}

/** What was decoded, for the last line. */
interface Tally {
  messages: number;
  whole: number;
  readonly verdicts: Record<Verdict['state'], number>;
}

/** A pipe that is read slowly must not fill the memory. */
const write = async (text: string): Promise<void> => {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
};

const count = (tally: Tally, layer: Layer): void => {
  tally.messages++;
  if (isWhole(layer)) tally.whole++;
  for (const { verdicts } of layersOf(layer)) for (const { state } of verdicts) tally.verdicts[state]++;
};

const summary = ({ messages, whole, verdicts }: Tally): string => {
  const { valid, invalid, unverified } = verdicts;
  const damaged = messages - whole;
  return [
    `${messages} messages, ${whole} decoded wholly${damaged === 0 ? '' : `, ${damaged} not`}`,
    `signatures and checksums: ${valid} valid, ${invalid} invalid, ${unverified} not verified`,
  ].join('; ');
};

const nameOf = (file: string): string => (file === STDIN ? 'standard input' : file);

const decodeFile = async (
  file: string,
  options: DecodeOptions,
  { keys, own }: Readers,
  tally: Tally,
): Promise<void> => {
  const colour = coloursFor(process.stdout);
  const containers = [...CASSETTES, ...own];
  for (const { bytes, line } of piecesOf(await readInput(file))) {
    const now = Date.now();
    const source = line === undefined ? nameOf(file) : `${nameOf(file)}:${line}`;
    const { layer, text } = rendered(decodeMessage(bytes, keys, now, containers), bytes, (it) => {
      if (options.json) return `${inertJson(formatJson(messageValue(it, file, line)))}\n`;
      const lines = layerLines(it, { now, full: options.full === true });
      return painted([[{ text: source, tone: 'title' }], ...lines, []], colour);
    });
    count(tally, layer);
    await write(text);
  }
};

const decode = async (files: readonly string[] = [], options: DecodeOptions): Promise<void> => {
  const readers = await readersFrom(options);
  const tally: Tally = { messages: 0, whole: 0, verdicts: { valid: 0, invalid: 0, unverified: 0 } };
  const inputs = files.length === 0 ? [STDIN] : files;
  if (inputs.includes(STDIN) && process.stdin.isTTY)
    process.stderr.write('mcbridge: reading a message from standard input; end it with Ctrl-D\n');
  for (const file of inputs) await decodeFile(file, options, readers, tally);
  if (!options.json && tally.messages > 1) await write(`${summary(tally)}\n`);
  process.exitCode = tally.whole === tally.messages ? 0 : 1;
};

const text = collecting((value: string) => value);

/** `mcbridge decode` */
export const registerDecode = (program: Command): void => {
  program
    .command('decode')
    .summary('show what is in a message, layer by layer')
    .description(
      'Reads messages of either side, whole or any layer of one, and prints all that is in them as a tree, with the ' +
        'verdict on each signature. Without a file, or for "-", it reads standard input.',
    )
    .argument('[files...]', 'a message, or NDJSON with one on each line, such as a capture or a cassette')
    .option('--ca <file>', "PEM file of the CA of Choria's callers; repeatable", text)
    .option(
      '--client-keys <dir>',
      'folder of the legacy callers’ public keys, <name>.pem for cert=<name>; repeatable',
      text,
    )
    .option('--server-key <file>', 'public key of the legacy daemons; repeatable', text)
    .option(
      '-c, --config <bridge.yaml>',
      'take the keys that this configuration names as well, and the formats of its adapters',
    )
    .option('--full', 'cut nothing: long texts, binary values and lists are shown as a whole')
    .option('-j, --json', 'print one JSON object a message, one a line')
    .addHelpText(
      'after',
      `
Recognised: STOMP frames, Marshal and YAML documents, transport, secure and inner messages of Choria's protocols 1
and 2, tokens (JWT), bodies, statistics of brokers, each also in base64, and lines of captures and cassettes. A message
that is damaged is shown as far as it could be read, with the byte where it went wrong, counted from 0 within its layer.
A signature is judged at the time when its message was sent. A wrong one is shown, and is no failure to decode.

Examples:
  mcbridge decode capture.ndjson --config bridge.yaml
  mcbridge decode message.bin --client-keys /etc/mcollective/ssl/clients --server-key server-public.pem
  nats sub --count 1 --raw 'mcollective.>' | mcbridge decode --ca ca.pem
  mcbridge decode capture.ndjson --json | jq -c 'select(.whole | not)'

Exit codes: 0 all was decoded, 1 some could not be decoded wholly, 2 wrong usage, or a file or key cannot be read`,
    )
    .action(decode);
};
