import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { linkSync, lstatSync, rmSync } from 'node:fs';
import { lstat, rm } from 'node:fs/promises';
import { connect, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { codeOf } from '../config/files.ts';
import { errorText } from '../envelope/text.ts';

/** A Unix socket cannot be had or reached; a sentence says why. */
export class SocketError extends Error {
  override readonly name = 'SocketError';
}

/** For its owner only. */
const MODE = 0o600;
/** As much as a Unix socket's path may have on Linux; Node cuts what is longer without a word. */
const MAX_PATH_BYTES = 107;
/** Of the name under which a socket is made, with its slash. */
const MADE_BYTES = 8;

/** @returns undefined where nobody listens at it. @throws SocketError where it may not be connected to */
export const reach = async (file: string): Promise<Socket | undefined> => {
  const socket = connect(file);
  try {
    await once(socket, 'connect');
    return socket;
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ECONNREFUSED') return undefined;
    const why = code === 'EACCES' ? 'permission denied; it is for its owner and root only' : errorText(error);
    throw new SocketError(`${file} cannot be connected to: ${why}`, { cause: error });
  }
};

/** What is where a socket is to be made: nothing, what a killed process has left, another process that answers, or something else. */
export type SocketPlace =
  | { readonly kind: 'free' | 'left' | 'answered' }
  | { readonly kind: 'taken'; readonly why: string };

/**
 * Looks at the place of a socket, and changes nothing there.
 * @param uid the user who is to own it: the process's
 * @throws SocketError for one that may not be connected to
 */
export const lookAtPlace = async (
  file: string,
  uid: number | undefined = process.geteuid?.(),
): Promise<SocketPlace> => {
  if (Math.max(Buffer.byteLength(file), Buffer.byteLength(dirname(file)) + MADE_BYTES) > MAX_PATH_BYTES)
    return { kind: 'taken', why: `the path of a socket has at most ${MAX_PATH_BYTES} bytes` };
  const found = await lstat(file).catch(() => undefined);
  if (found === undefined) return { kind: 'free' };
  if (!found.isSocket()) return { kind: 'taken', why: 'there is a file of that name; give another name' };
  if (uid !== undefined && found.uid !== uid)
    return { kind: 'taken', why: `the socket there is of the user ${found.uid}` };
  const other = await reach(file);
  other?.destroy();
  return { kind: other === undefined ? 'left' : 'answered' };
};

/** Takes away a socket at which nobody answers. @throws SocketError for one of somebody else */
const clear = async (file: string, uid: number | undefined): Promise<void> => {
  const place = await lookAtPlace(file, uid);
  const taken = (why: string): SocketError => new SocketError(`${file} cannot be listened at: ${why}`);
  if (place.kind === 'taken') throw taken(place.why);
  if (place.kind === 'answered') throw taken('another bridge listens at it; give another name');
  if (place.kind === 'left') await rm(file, { force: true });
};

/** The socket is made while the process makes nothing that others may use: there is no moment at which they could connect. */
export const listenAt = (server: Server, file: string): void => {
  const before = process.umask(0o777 & ~MODE);
  try {
    server.listen(file);
  } finally {
    process.umask(before);
  }
};

/** A socket that is listened at. */
export interface ListenedSocket {
  /** Whether it can be found: somebody may have removed it, or put another in its place. */
  isThere(): boolean;
  /** Takes it away; another in its place stays. */
  remove(): void;
}

const placed = (file: string): ListenedSocket => {
  const { dev, ino } = lstatSync(file);
  const isThere = (): boolean => {
    const now = lstatSync(file, { throwIfNoEntry: false });
    return now?.dev === dev && now.ino === ino;
  };
  return {
    isThere,
    remove: () => {
      if (isThere()) rmSync(file, { force: true });
    },
  };
};

/**
 * Has a server listen at a Unix socket that only its owner, and root, may connect to. It is made under another name, for a server
 * that is closed takes away what is there under the name that it was given, whoever has made it.
 * @param uid the user who is to own it: the process's
 * @throws SocketError where it cannot be had, or another process or user has it
 */
export const listenPrivately = async (
  server: Server,
  file: string,
  uid: number | undefined = process.geteuid?.(),
): Promise<ListenedSocket> => {
  await clear(file, uid);
  const made = join(dirname(file), `.${randomBytes(3).toString('hex')}`);
  try {
    const listening = once(server, 'listening');
    listenAt(server, made);
    await listening;
    linkSync(made, file);
    return placed(file);
  } catch (error) {
    server.close();
    const why =
      codeOf(error) === 'EEXIST'
        ? 'another process has just made it'
        : errorText(error).replaceAll(made, file);
    throw new SocketError(`${file} cannot be listened at: ${why}`, { cause: error });
  } finally {
    rmSync(made, { force: true });
  }
};
