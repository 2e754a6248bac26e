import { version } from '../../app/version.ts';
import { headersFor } from '../../capture/file/header.ts';
import { Recorder, type Tap } from '../../capture/record/recorder.ts';
import { openRecordSocket } from '../../capture/record/socket.ts';
import { Tape } from '../../capture/record/tape.ts';
import { type KnownNodes, type RunningRecording, recordingOf } from '../../capture/record/transports.ts';
import type { Log } from '../../envelope/log.ts';
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
  const tape = await Tape.open({
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
  const recorder = new Recorder({ write: (entry) => tape.write(entry), clock: Date.now });
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
    abandon: () => tape.discard(),
    close: async () => {
      recorder.stop();
      if (failed) return;
      const { flows, messages, bytes, rejected, dropped } = recorder.tally;
      try {
        if (messages === 0) {
          await tape.discard();
          log.warn(
            { event: 'recording_ended', file },
            'no message went through the links, so there is no recording',
          );
          return;
        }
        await tape.close();
        log.info(
          { event: 'recording_ended', files: tape.files, messages, bytes, rejected, dropped, flows },
          'recording ended',
        );
      } catch (error) {
        log.error({ event: 'recording_ended', err: error, file }, 'recording could not be ended');
      }
    },
  };
};

/**
 * Lets `mcbridge record` listen to a bridge while it runs.
 * @throws RecordError where the socket cannot be made
 */
export const tellRunning = async (
  file: string,
  loaded: LoadedConfig,
  log: Log,
): Promise<RunningRecording> => {
  const socket = await openRecordSocket({
    file,
    clock: Date.now,
    log: (fields, message) => log.info(fields, message),
  });
  const headers = headersFor(loaded, { version: version(), rejections: true });
  return {
    ...recordingOf(socket),
    begin: (nodes) => {
      nodes.onMove(socket.moved);
      socket.begin((clock) => headers({ clock, nodes: nodes.snapshot() }));
    },
    close: () => socket.close(),
    abandon: () => socket.close(),
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
  const { recordSocket } = loaded.config;
  try {
    if (record !== undefined) recordings.push(await recordRunning({ ...options, record }, loaded, log));
    if (recordSocket !== undefined) recordings.push(await tellRunning(recordSocket, loaded, log));
    return make(recordings);
  } catch (error) {
    // Open, they would keep the process alive.
    for (const recording of recordings) await recording.abandon();
    throw error;
  }
};
