import type { Command } from 'commander';
import { version } from '../app/version.ts';
import { headersFor } from '../capture/file/header.ts';
import { RecordError } from '../capture/record/problem.ts';
import { Recorder } from '../capture/record/recorder.ts';
import { RotatingRecording } from '../capture/record/rotating-recording.ts';
import { sourcesOf } from '../capture/record/sources.ts';
import type { Tally } from '../capture/record/tally.ts';
import type { Path } from '../capture/redact/paths.ts';
import { createRedactor } from '../capture/redact/redactor.ts';
import {
  type IsUnused,
  ofConnections,
  ofTheBridge,
  withMadeUpVariables,
} from '../capture/replay/placeholder-variables.ts';
import { loadConfig } from '../setup/load.ts';
import { loadRegistry } from '../setup/load-registry.ts';
import type { LoadedConfig } from '../setup/types.ts';
import { collecting } from './arguments.ts';
import { onEnd } from './orders.ts';
import {
  PATHS_HELP,
  parseCount,
  parseDuration,
  parseSize,
  parseValuePath,
  selectionOf,
} from './record/options.ts';
import { Progress, summaryOf, warnOfMissed, warnOfNothing } from './record/progress.ts';
import { attached, fromInside, fromOutside } from './record/record-source.ts';
import { escapeControls } from './terminal.ts';

interface RecordOptions {
  readonly config: string;
  readonly out: string;
  /** Ms. */
  readonly for?: number;
  readonly count?: number;
  /** Bytes. */
  readonly rotate?: number;
  readonly redact?: readonly Path[];
  readonly redactAllData?: true;
  readonly outside?: true;
  readonly force?: true;
}

/** `mcbridge record` */
export const registerRecord = (program: Command): void => {
  program
    .command('record')
    .summary('record what passes between the networks, as a cassette')
    .description(
      'Writes what a bridge gets and sends to a cassette, see docs/record.md: from inside a running bridge that has a ' +
        'record_socket, else by listening on the networks of its configuration, with its credentials and without taking ' +
        'a message from anyone.',
    )
    .requiredOption('-c, --config <file>', 'the configuration of the bridge, see docs/configuration.md')
    .requiredOption('-o, --out <file>', 'the cassette to write')
    .option('--for <duration>', 'end after that time: 60s, 10m, 1h', parseDuration)
    .option('--count <n>', 'end after so many messages, and what the bridge makes of the last', parseCount)
    .option('--rotate <size>', 'go on in FILE.2, FILE.3, … when a file has this size: 100MiB', parseSize)
    .option('--redact <path...>', 'replace these values', collecting(parseValuePath))
    .option('--redact-all-data', 'replace every text in the data of requests and replies')
    .option('--outside', 'listen on the networks, also where the configuration has a record_socket')
    .option('--force', 'replace an earlier recording of this name')
    .addHelpText(
      'after',
      `
Ctrl-C ends it. However it ends, what the bridge makes of the last message that came in is recorded too, for a second at most
and until another comes in; a second Ctrl-C does not wait. From outside, what is in queues on a STOMP broker (directed requests, replies) would be taken from its
receivers, so it is not recorded: the record_socket of a running bridge, or mcbridge run --record FILE, tells all that goes
through it.

${PATHS_HELP}

Examples:
  mcbridge record --config bridge.yaml --out traffic.cassette.ndjson
  mcbridge record --config bridge.yaml --out traffic.cassette.ndjson --for 60s --rotate 100MiB
  mcbridge record --config bridge.yaml --out shared.cassette.ndjson --redact data.password '*.token'

Exit codes: 0 done, 1 no connection, no message, a path that led to nothing, nothing could be listened to, or a file
could not be written, 2 wrong usage or unusable configuration`,
    )
    .action(record);
};

/** Runs; what a recording fails by is told in a sentence. */
export const orTell = async (work: () => Promise<void>): Promise<void> => {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    process.stderr.write(`mcbridge: ${escapeControls(error.message)}\n`);
    process.exitCode = 1;
  }
};

const record = (options: RecordOptions): Promise<void> => orTell(() => recordTo(options.out, options));

/** Who listens on the networks needs what connects to them; who hears a bridge needs none of that. */
const sourceOf = async ({ config, outside }: RecordOptions) => {
  const registry = await loadRegistry(config, process.env);
  const load = (isUnused: IsUnused): LoadedConfig =>
    loadConfig(config, withMadeUpVariables(config, process.env, registry, isUnused), registry);
  if (outside !== true) {
    const loaded = load(ofConnections);
    const inside = await attached(loaded);
    if (inside !== undefined) return { loaded, inside };
  }
  const isNotHeard = notHeard(load);
  const isUnused: IsUnused = (key, path) =>
    ofTheBridge(key, path) || isNotHeard(key, path) || (outside === true && key === 'record_socket');
  return { loaded: load(isUnused), inside: undefined };
};

/** What is of links that are not listened on. What the file says about those matters, but no connection is made there. */
const notHeard = (load: (isUnused: IsUnused) => LoadedConfig): IsUnused => {
  try {
    const listening = sourcesOf(load(() => true).config).filter(({ sources }) => sources.length > 0);
    const heard = new Set(listening.map(({ side, link }) => `${side}es.${link}`));
    return (_, [section = '', name]) =>
      section === 'claims' || (/^(in|e)gresses$/.test(section) && !heard.has(`${section}.${name}`));
  } catch {
    // The next loader reports it, with all else that is missing.
    return () => false;
  }
};

const recordTo = async (file: string, options: RecordOptions): Promise<void> => {
  const selection = selectionOf(options.redact, options.redactAllData);
  const { loaded, inside } = await sourceOf(options);
  const redactor = selection && createRedactor(loaded, selection);
  const headers = headersFor(loaded, { version: version() });
  let fail: (error: Error) => void = () => undefined;
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  failed.catch(() => undefined);
  const recording = await RotatingRecording.open({
    file,
    header: (clock) => {
      const header = inside === undefined ? headers({ clock }) : { ...inside.header, clock };
      if (redactor === undefined) return header;
      // Fingerprints of the real keys say nothing of the signatures that are there now.
      return { ...header, keys: redactor.keys(header.keys), trust: redactor.trust() };
    },
    headerLast: redactor !== undefined,
    force: options.force === true,
    onError: (error) => fail(error),
    ...(options.rotate === undefined ? {} : { rotate: options.rotate }),
  });
  const recorder = new Recorder({
    write: (entry) => recording.write(entry),
    clock: Date.now,
    ...(redactor && { redact: redactor.redact }),
    ...(options.count === undefined ? {} : { count: options.count }),
  });
  const ended = ending(options.for);
  const progress = new Progress(recorder.tally);
  const note = (text: string): void => progress.note(text);
  try {
    const listener = await Promise.race([
      inside === undefined
        ? fromOutside(loaded, { tap: recorder, note })
        : fromInside(inside, recorder, note),
      failed,
      // A signal while it connects; then there is nothing to close but what the process's end closes.
      ended.signal.then(() => undefined),
    ]);
    if (listener === undefined) {
      await recording.discard();
      process.exit(0);
    }
    note(`recording to ${file}; Ctrl-C ends it`);
    try {
      await Promise.race([ended.begin(), recorder.full, failed, listener.over]);
      await Promise.race([recorder.finish(), ended.again, failed, listener.over]);
    } finally {
      recorder.stop();
      await listener.close();
    }
    await keepOrDiscard(recording, recorder.tally);
  } catch (error) {
    if (recorder.tally.messages === 0) await recording.discard();
    throw error;
  } finally {
    ended.stop();
    progress.end();
  }
  for (const line of summaryOf(recorder.tally, recording.files, redactor?.replaced))
    process.stdout.write(`${line}\n`);
  if (recorder.tally.dropped > 0) process.exitCode = 1;
  warnOfNothing(recorder.tally);
  warnOfMissed(redactor?.replaced);
};

/** A cassette without a message cannot be replayed, and would replace an earlier one that can. */
export const keepOrDiscard = (
  recording: RotatingRecording,
  { messages }: Pick<Tally, 'messages'>,
): Promise<void> => (messages === 0 ? recording.discard() : recording.close());

/** Why a recording ends by itself. */
interface Ending {
  readonly signal: Promise<void>;
  /** Resolves at a second signal. */
  readonly again: Promise<void>;
  /** Resolves at a signal, or when the time is over that begins now. */
  begin(): Promise<void>;
  stop(): void;
}

const ending = (duration: number | undefined): Ending => {
  let timer: NodeJS.Timeout | undefined;
  let end: () => void = () => undefined;
  let hurry: () => void = () => undefined;
  const signal = new Promise<void>((resolve) => {
    end = resolve;
  });
  const again = new Promise<void>((resolve) => {
    hurry = resolve;
  });
  const stopListening = onEnd(
    () => end(),
    () => hurry(),
  );
  // The terminal is gone, and what has been recorded is to be complete.
  const onHangUp = (): void => end();
  process.on('SIGHUP', onHangUp);
  return {
    signal,
    again,
    begin: () => {
      if (duration === undefined) return signal;
      const over = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, duration);
      });
      return Promise.race([signal, over]);
    },
    stop: () => {
      clearTimeout(timer);
      stopListening();
      process.off('SIGHUP', onHangUp);
    },
  };
};
