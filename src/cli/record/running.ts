import { BROKERS } from '../../app/links.ts';
import type { Nodes } from '../../app/nodes.ts';
import type { Log } from '../../bridge/log.ts';
import type { CassetteHeader } from '../../cassette/format.ts';
import { headersFor } from '../../cassette/header.ts';
import type { LoadedConfig } from '../../config/load.ts';
import { inventoryDocument } from '../../inventory/document.ts';
import { Recorder, type Tap } from '../../record/recorder.ts';
import { openRecordSocket } from '../../record/socket.ts';
import { Tape } from '../../record/tape.ts';
import { type Recording, recordingOf } from '../../record/transports.ts';
import { version } from '../version.ts';

export interface RunningOptions {
  readonly record: string;
  /** Bytes. */
  readonly recordRotate?: number;
  readonly recordForce?: true;
}

/** A recording of all that goes through the links of a bridge. */
export interface Running extends Recording {
  /** Once the bridge knows who lives where: from here on messages are recorded, and headers say so. */
  begin(nodes: Pick<Nodes, 'page' | 'onMove'>): void;
  close(): Promise<void>;
  /** As if it had not been begun. */
  abandon(): Promise<void>;
}

/** Does what comes before the bridge starts; where that fails, nothing remains of the recording. */
export const orAbandon = async <T>(recording: Running | undefined, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    await recording?.abandon();
    throw error;
  }
};

const nodesIn = (page: Nodes['page']): CassetteHeader['nodes'] => {
  const { egresses } = inventoryDocument.parse(JSON.parse(page().body));
  return Object.fromEntries(
    egresses.map(({ name, collectives }) => [
      name,
      Object.fromEntries(collectives.map((it) => [it.name, it.nodes.map(({ identity }) => identity)])),
    ]),
  );
};

/**
 * Begins a recording from inside a bridge. Where it fails later the bridge goes on without it.
 * @throws RecordError where the file cannot be made
 */
export const recordRunning = async (
  { record: file, recordRotate: rotate, recordForce }: RunningOptions,
  loaded: LoadedConfig,
  log: Log,
): Promise<Running> => {
  let known: Nodes['page'] | undefined;
  let failed = false;
  const headers = headersFor(loaded, { version: version(), rejections: true });
  const tape = await Tape.open({
    file,
    header: (clock) => headers({ clock, nodes: known === undefined ? {} : nodesIn(known) }),
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
    ...recordingOf({ transports: BROKERS }, loaded.config, tap),
    begin: ({ page, onMove }) => {
      known = page;
      onMove(tap.moved);
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
 * @param within what else records it
 * @throws RecordError where the socket cannot be made
 */
export const tellRunning = async (
  file: string,
  loaded: LoadedConfig,
  within: Pick<Recording, 'transports'> & Partial<Recording>,
  log: Log,
): Promise<Pick<Running, 'transports' | 'observer' | 'begin' | 'close'>> => {
  const socket = await openRecordSocket({
    file,
    clock: Date.now,
    log: (fields, message) => log.info(fields, message),
  });
  const headers = headersFor(loaded, { version: version(), rejections: true });
  return {
    ...recordingOf(within, loaded.config, socket),
    begin: ({ page, onMove }) => {
      onMove(socket.moved);
      socket.begin((clock) => headers({ clock, nodes: nodesIn(page) }));
    },
    close: () => socket.close(),
  };
};
