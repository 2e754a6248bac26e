import { version } from '../../app/version.ts';
import { headersFor } from '../../capture/file/header.ts';
import { RecordError } from '../../capture/record/problem.ts';
import { Recorder, type Tap } from '../../capture/record/recorder.ts';
import { RotatingRecording } from '../../capture/record/rotating-recording.ts';
import { openRecordSocket, type RecordSocket } from '../../capture/record/socket.ts';
import { type KnownNodes, type RunningRecording, recordingOf } from '../../capture/record/transports.ts';
import { fileProblem } from '../../config/files.ts';
import { type Exchange, Held } from '../../control/held.ts';
import type { Log } from '../../envelope/log.ts';
import { errorText } from '../../envelope/text.ts';
import type { LoadedConfig } from '../../setup/types.ts';

export interface RunningOptions {
  readonly record: string;
  /** Bytes. */
  readonly recordRotate?: number;
  readonly recordForce?: true;
}

/**
 * Begins a recording from inside a bridge. Where it fails later the bridge goes on without it.
 * @throws RecordError where the file cannot be made
 */
const recordRunning = async (
  { record: file, recordRotate: rotate, recordForce }: RunningOptions,
  loaded: LoadedConfig,
  log: Log,
): Promise<RunningRecording> => {
  let known: KnownNodes | undefined;
  let failed = false;
  const headers = headersFor(loaded, { version: version(), rejections: true });
  const recording = await RotatingRecording.open({
    file,
    header: (clock) => headers({ clock, nodes: known?.snapshot() ?? {} }),
    headerLast: false,
    force: recordForce === true,
    onError: (error) => {
      failed = true;
      recorder.stop();
      log.error({ event: 'recording_ended', err: error, file }, `recording ended: ${error.message}`);
    },
    ...(rotate === undefined ? {} : { rotate }),
  });
  const recorder = new Recorder({ write: (entry) => recording.write(entry), clock: Date.now });
  const tap: Tap = {
    message: (message) => {
      if (known !== undefined) recorder.message(message);
    },
    rejected: (rejected) => {
      if (known !== undefined) recorder.rejected(rejected);
    },
    moved: (move) => {
      // Before that the header says it, which is made with the first line.
      if (recorder.tally.messages + recorder.tally.rejected > 0) recorder.moved(move);
    },
  };
  return {
    ...recordingOf(tap),
    begin: (nodes) => {
      known = nodes;
      nodes.onMove(tap.moved);
      log.info({ event: 'recording_begun', file }, 'recording all that goes through the links');
    },
    abandon: () => recording.discard(),
    close: async () => {
      recorder.stop();
      if (failed) return;
      const { flows, messages, bytes, rejected, dropped } = recorder.tally;
      try {
        if (messages === 0) {
          await recording.discard();
          log.warn(
            { event: 'recording_ended', file },
            'no message went through the links, so there is no recording',
          );
          return;
        }
        await recording.close();
        log.info(
          { event: 'recording_ended', files: recording.files, messages, bytes, rejected, dropped, flows },
          'recording ended',
        );
      } catch (error) {
        log.error({ event: 'recording_ended', err: error, file }, 'recording could not be ended');
      }
    },
  };
};

/**
 * Lets `mcbridge record` listen to a bridge while it runs, at the socket of the configuration of the moment, if it has one.
 * @throws RecordError where the socket cannot be made
 */
export const tellRunning = async (configured: LoadedConfig, log: Log): Promise<RunningRecording> => {
  const held = new Held<RecordSocket>();
  let loaded = configured;
  let known: KnownNodes | undefined;
  const tap: Tap & { isIdle(): boolean } = {
    isIdle: () => held.now === undefined,
    message: (message) => held.now?.message(message),
    rejected: (rejected) => held.now?.rejected(rejected),
    moved: (move) => held.now?.moved(move),
  };
  const letIn = (): void => {
    const nodes = known;
    if (nodes === undefined) return;
    const headers = headersFor(loaded, { version: version(), rejections: true });
    held.now?.begin((clock) => headers({ clock, nodes: nodes.snapshot() }));
  };
  const prepare = (next: LoadedConfig): Promise<Exchange> => {
    const { recordSocket: file = '' } = next.config;
    return held.prepare(next.config.recordSocket, () =>
      openRecordSocket({ file, clock: Date.now, log: (fields, message) => log.info(fields, message) }),
    );
  };
  try {
    await (await prepare(configured)).commit();
  } catch (error) {
    throw error instanceof RecordError
      ? new RecordError(`record_socket: ${error.message}`, { cause: error })
      : error;
  }
  return {
    ...recordingOf(tap),
    begin: (nodes) => {
      known = nodes;
      nodes.onMove(tap.moved);
      letIn();
    },
    follow: async (next) => {
      try {
        const exchange = await prepare(next);
        const commit = async (): Promise<void> => {
          loaded = next;
          await exchange.commit();
          letIn();
        };
        return { ...exchange, commit };
      } catch (error) {
        throw fileProblem(next, ['record_socket'], errorText(error), error);
      }
    },
    close: () => held.close(),
    abandon: () => held.close(),
  };
};

/**
 * Makes what the recordings of a running bridge are for: those that were asked for and that the configuration has. Where
 * that fails, nothing remains of them.
 * @throws RecordError where one of them cannot be made
 */
export const withRecordings = async <T>(
  { record, ...options }: Partial<RunningOptions>,
  loaded: LoadedConfig,
  log: Log,
  make: (recordings: readonly RunningRecording[]) => T,
): Promise<T> => {
  const recordings: RunningRecording[] = [];
  try {
    if (record !== undefined) recordings.push(await recordRunning({ ...options, record }, loaded, log));
    recordings.push(await tellRunning(loaded, log));
    return make(recordings);
  } catch (error) {
    // Open, they would keep the process alive.
    for (const recording of recordings) await recording.abandon();
    throw error;
  }
};
