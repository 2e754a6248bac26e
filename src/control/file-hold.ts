import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type FileHandle, open, readdir, rename, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { basename, dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { firstLine } from './first-line.ts';
import { listenAt, reach, SocketError } from './unix-socket.ts';

/** Another process has the file. */
export class FileHeld extends Error {
  override readonly name = 'FileHeld';
}

/** A file that this process has, until it lets go of it or ends, however it ends. */
export interface FileHold {
  release(): Promise<void>;
}

const said = z.object({ pid: z.int(), host: z.string().regex(/^[\w.-]{1,64}$/), has: z.boolean() });

/** A process that has a file, or wants it; what it says of itself is undefined where it says nothing in time. */
interface Other {
  readonly name: string;
  readonly said: z.output<typeof said> | undefined;
}

const SAID_BYTES = 1_024;
/** A machine may be busy; who says nothing in this time has the file. */
const ANSWER_MS = 10_000;
/** Ms between two looks at another process that wants the file too. */
const LOOK_MS = 50;
/** A Unix socket's path has no room for more. */
const STEM_BYTES = 40;

/** Hidden, so that no pattern that is meant for the file and its full ones has it. */
const stemOf = (file: string): string => {
  const name = basename(file);
  const short =
    Buffer.byteLength(name) <= STEM_BYTES ? name : createHash('sha256').update(name).digest('hex');
  return `.${short.slice(0, STEM_BYTES)}.`;
};

/** However long the folder's own path is. */
const inside = (folder: FileHandle, name: string): string => `/proc/self/fd/${folder.fd}/${name}`;

/** What the process at a socket says; undefined where nobody listens there. */
const ask = async (folder: FileHandle, name: string): Promise<Other | undefined> => {
  const patience = AbortSignal.timeout(ANSWER_MS);
  for (;;) {
    let socket: Socket | undefined;
    try {
      socket = await reach(inside(folder, name));
    } catch (error) {
      // Somebody is there who does not speak to this user, or has no time.
      if (error instanceof SocketError) return { name, said: undefined };
      throw error;
    }
    if (socket === undefined) return undefined;
    socket.on('error', () => undefined);
    const line = await firstLine(socket, { longest: SAID_BYTES, within: ANSWER_MS });
    socket.destroy();
    if (line !== undefined) return { name, said: saidIn(line) };
    // Who ends at that very moment hangs up, and is gone when asked again.
    if (patience.aborted) return { name, said: undefined };
    await sleep(LOOK_MS);
  }
};

const saidIn = (line: string): Other['said'] => {
  try {
    return said.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
};

/** Those who live; sockets of the dead are given to `bury`, which nobody will listen at again. */
const othersAt = async (
  folder: FileHandle,
  stem: string,
  own: string | undefined,
  bury: (name: string) => Promise<void> = async () => undefined,
): Promise<readonly Other[]> => {
  const names = (await readdir(inside(folder, '.'))).filter(
    (name) => name !== own && name.startsWith(stem) && /^[0-9a-f]{16}\.lock$/.test(name.slice(stem.length)),
  );
  const found = await Promise.all(
    names.map(async (name) => {
      const other = await ask(folder, name);
      if (other === undefined) await bury(name);
      return other;
    }),
  );
  return found.filter((other) => other !== undefined);
};

const sentence = ({ said: it }: Other): string =>
  `another bridge has it${it === undefined ? '' : `, the process ${it.pid} on ${it.host}`}`;

/**
 * Who has a file, in a sentence; undefined where nobody has. Nothing is changed.
 * @throws as `open` does for its folder
 */
export const whoHolds = async (file: string): Promise<string | undefined> => {
  const folder = await open(dirname(file));
  try {
    const [other] = await othersAt(folder, stemOf(file), undefined);
    return other && sentence(other);
  } finally {
    await folder.close();
  }
};

/**
 * Keeps other processes from a file: of this machine, in any container that has the same folder. Each makes a socket of a name
 * that nobody has had before and listens there, and only then looks for others: so one of two sees the other at least. A
 * killed process listens no more, and a stopped one does.
 * @throws FileHeld where another has it; as `open` and `listen` do where no socket can be made beside it
 */
export const holdFile = async (file: string): Promise<FileHold> => {
  const folder = await open(dirname(file));
  const stem = stemOf(file);
  const name = `${stem}${randomBytes(8).toString('hex')}`;
  const own = `${name}.lock`;
  let has = false;
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.setTimeout(ANSWER_MS, () => socket.destroy());
    socket.unref().end(`${JSON.stringify({ pid: process.pid, host: hostname(), has })}\n`);
  }).unref();
  const release = async (): Promise<void> => {
    await rm(inside(folder, own), { force: true });
    server.close();
    await folder.close();
  };
  try {
    // Somebody who found it before it is listened at would take it for one of the dead.
    await listen(server, inside(folder, name));
    await rename(inside(folder, name), inside(folder, own));
    await untilAlone(own, () =>
      othersAt(folder, stem, own, (name) => rm(inside(folder, name), { force: true })),
    );
    has = true;
    return { release };
  } catch (error) {
    await release();
    throw error;
  }
};

const listen = async (server: Server, path: string): Promise<void> => {
  const listening = once(server, 'listening');
  listenAt(server, path);
  await listening;
};

/** Of those who want it at the same time, the last by name gets it. */
const untilAlone = async (own: string, others: () => Promise<readonly Other[]>): Promise<void> => {
  for (;;) {
    const all = await others();
    if (all.length === 0) return;
    const better = all.find(({ name, said: it }) => it?.has !== false || name > own);
    if (better !== undefined) throw new FileHeld(sentence(better));
    await sleep(LOOK_MS);
  }
};
