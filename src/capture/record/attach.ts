import { once } from 'node:events';
import type { Socket } from 'node:net';
import { createInterface, type Interface } from 'node:readline';
import { reach, SocketError } from '../../control/unix-socket.ts';
import { type CassetteHeader, type CassetteLine, parseEntry, parseHeader } from '../file/format.ts';
import { RecordError } from './problem.ts';

/** A running bridge that tells all that goes through its links, see `socket.ts`. */
export interface LiveTap {
  /** As of the moment at which it was connected to. */
  readonly header: CassetteHeader;
  /**
   * Hands over each line from then on.
   * @returns why the bridge ended it; never, where `close` does
   * @throws RecordError where the connection broke
   */
  read(take: (entry: CassetteLine) => void): Promise<string>;
  close(): void;
}

const endOf = (line: string): string | undefined => {
  if (!line.startsWith('{"end":')) return undefined;
  const value: unknown = JSON.parse(line);
  return typeof value === 'object' && value !== null && 'end' in value ? String(value.end) : undefined;
};

const connected = async (file: string): Promise<Socket | undefined> => {
  try {
    return await reach(file);
  } catch (error) {
    if (error instanceof SocketError) throw new RecordError(error.message, { cause: error });
    throw error;
  }
};

const firstLine = async (lines: Interface): Promise<string | undefined> => {
  const closed = once(lines, 'close').then(() => undefined);
  const [line] = (await Promise.race([once(lines, 'line'), closed])) ?? [];
  return line;
};

/**
 * @returns undefined where no bridge listens at the socket
 * @throws RecordError where it may not be connected to, or accepts no one now
 */
export const attach = async (file: string): Promise<LiveTap | undefined> => {
  const socket = await connected(file);
  if (socket === undefined) return undefined;
  let broken: string | undefined;
  socket.on('error', (error) => {
    broken = error.message;
  });
  const lines = createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY });
  const first = await firstLine(lines);
  const refused = first === undefined ? (broken ?? 'the connection was closed') : endOf(first);
  if (first === undefined || refused !== undefined) {
    socket.destroy();
    throw new RecordError(`the bridge at ${file} cannot be recorded now: ${refused}`);
  }
  // Lines that came with the first are told before `read` is asked for them.
  lines.pause();
  const waiting: string[] = [];
  const keep = (line: string): void => void waiting.push(line);
  lines.on('line', keep);
  return {
    header: parseHeader(first),
    read: (take) =>
      new Promise((resolve, reject) => {
        let end: string | undefined;
        const onLine = (line: string): void => {
          end ??= endOf(line);
          if (end !== undefined) return;
          try {
            take(parseEntry(line));
          } catch (error) {
            reject(error);
            socket.destroy();
          }
        };
        lines.off('line', keep);
        for (const line of waiting.splice(0)) onLine(line);
        lines.on('line', onLine);
        lines.once('close', () => {
          if (end !== undefined) resolve(end);
          else
            reject(
              new RecordError(`the bridge at ${file} is gone: ${broken ?? 'the connection was closed'}`),
            );
        });
        lines.resume();
      }),
    close: () => socket.destroy(),
  };
};
