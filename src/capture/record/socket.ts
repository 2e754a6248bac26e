import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { type ListenedSocket, listenPrivately } from '../../control/unix-socket.ts';
import type { LogFields } from '../../envelope/log.ts';
import { errorText } from '../../envelope/text.ts';
import { type CassetteHeader, formatEntry, formatHeader } from '../file/format.ts';
import { RecordError } from './problem.ts';
import { type Passing, Recorder, type Tap } from './recorder.ts';

export interface RecordSocketOptions {
  /** Where it is made: only its owner may connect. */
  readonly file: string;
  /** Ms since the epoch. */
  readonly clock: () => number;
  /** Told of who listens, and of failures. */
  readonly log: (fields: LogFields, message: string) => void;
}

/**
 * A Unix socket of a running bridge, from which `mcbridge record` gets all that goes through its links: the header of a
 * cassette, its other lines as they come, and {@link endLine} where the bridge ends it.
 */
export interface RecordSocket extends Tap {
  /** From here on it lets listeners in. @param header of a recording that begins at a moment, in ms since the epoch */
  begin(header: (clock: number) => CassetteHeader): void;
  /** Whether somebody who comes finds it. */
  isThere(): boolean;
  close(): Promise<void>;
}

/** Bytes that may wait for a listener. More would pile up in memory. */
const MAX_WAITING_BYTES = 32 * 1024 * 1024;
const MAX_LISTENERS = 8;
/** Ms that a listener has to read what is left: it is to hold up neither memory nor the bridge's end. */
const LAST_READ_TIMEOUT_MS = 1_000;

/** Not a line of a cassette. @param reason why nothing more comes */
export const endLine = (reason: string): string => `${JSON.stringify({ end: reason })}\n`;

const dismiss = (socket: Socket, reason: string): void => {
  socket.end(endLine(reason));
  const timer = setTimeout(() => socket.destroy(), LAST_READ_TIMEOUT_MS);
  socket.once('close', () => clearTimeout(timer));
};

/** @throws RecordError where it cannot be made, or another process has it */
export const openRecordSocket = async (options: RecordSocketOptions): Promise<RecordSocket> => {
  const { file, clock, log } = options;
  const listeners = new Map<Socket, Recorder>();
  let header: ((clock: number) => CassetteHeader) | undefined;

  const end = (socket: Socket, reason: string): void => {
    listeners.get(socket)?.stop();
    listeners.delete(socket);
    dismiss(socket, reason);
    log(
      { event: 'listener_left', listeners: listeners.size, reason },
      `a recording from inside ended: ${reason}`,
    );
  };
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    // It has nothing to say: that it ends is all.
    socket.resume();
    if (header === undefined || listeners.size >= MAX_LISTENERS) {
      dismiss(socket, header === undefined ? 'the bridge is not ready yet' : 'too many listen already');
      return;
    }
    const write = (line: string): boolean => {
      socket.write(line);
      if (socket.writableLength <= MAX_WAITING_BYTES) return true;
      end(socket, 'it was read too slowly, and too much waited');
      return false;
    };
    socket.on('close', () => {
      if (listeners.delete(socket))
        log({ event: 'listener_left', listeners: listeners.size }, 'a recording from inside ended');
    });
    write(formatHeader(header(clock())));
    listeners.set(socket, new Recorder({ write: (entry) => write(formatEntry(entry)), clock }));
    log({ event: 'listener_joined', listeners: listeners.size }, 'a recording from inside began');
  });
  let place: ListenedSocket;
  try {
    place = await listenPrivately(server, file);
  } catch (error) {
    throw new RecordError(errorText(error), { cause: error });
  }
  return {
    message: (message: Passing) => {
      for (const recorder of listeners.values()) recorder.message(message);
    },
    rejected: (rejected) => {
      for (const recorder of listeners.values()) recorder.rejected(rejected);
    },
    moved: (move) => {
      for (const recorder of listeners.values()) recorder.moved(move);
    },
    begin: (made) => {
      header = made;
    },
    isThere: () => place.isThere(),
    close: async () => {
      place.remove();
      header = undefined;
      for (const socket of [...listeners.keys()]) end(socket, 'the bridge was stopped');
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
};
