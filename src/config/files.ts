import { readlinkSync } from 'node:fs';
import { z } from 'zod';
import { errorText } from '../envelope/text.ts';
import { pemKind } from '../transport/tls/pem.ts';
import { DISK, type KeyFiles, readKeyFile } from './key-files.ts';
import { ConfigError, formatPath, type KeyPath, type Position, type Problem } from './problem.ts';

/** Reads a file that the key at `path` names. */
export type ReadFile = (file: string, path: KeyPath) => Buffer;

export const readPlain: ReadFile = (file) => readKeyFile(file);

/** The system's code of an error, such as `ENOENT`; undefined where it has none. */
export const codeOf = (error: unknown): unknown =>
  error instanceof Error && 'code' in error ? error.code : undefined;

/** A listing of the folder still has a link whose file has gone. */
const missing = (error: unknown): string => {
  try {
    const { path } = z.object({ path: z.string() }).parse(error);
    return `it is a link to ${readlinkSync(path)}, which is not there`;
  } catch {
    return 'there is no such file';
  }
};

/** Why a file cannot be read, in words. */
export const readFailure = (error: unknown): string => {
  const code = codeOf(error);
  if (code === 'ENOENT') return missing(error);
  if (code === 'ELOOP') return 'it is a link that leads back to itself';
  if (code === 'ENOTDIR')
    return error instanceof Error && 'syscall' in error && error.syscall === 'scandir'
      ? 'it is a file, and a folder is wanted'
      : 'a part of its path is a file, not a folder';
  if (code === 'EACCES') return 'permission denied';
  if (code === 'EISDIR') return 'it is a folder';
  return errorText(error);
};

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** What a file holds, without a byte order mark. @throws Error where it is not UTF-8, in words */
export const textOf = (bytes: Uint8Array): string => {
  try {
    return utf8.decode(bytes);
  } catch (error) {
    throw new Error('it is not UTF-8 text', { cause: error });
  }
};

/** A configuration's file, and where its keys stand in it. */
export interface Place {
  readonly file: string;
  at(path: KeyPath): Position;
}

/** What is wrong at a key. */
export const problemAt = ({ file, at }: Place, path: KeyPath, message: string): Problem => ({
  file,
  ...at(path),
  path: formatPath(path),
  message,
});

/** The same as an error, such as that of a file which a key names. */
export const fileProblem = (place: Place, path: KeyPath, message: string, cause?: unknown): ConfigError =>
  new ConfigError([problemAt(place, path, message)], { cause });

/** A reader whose errors are a {@link ConfigError} at the key that names the file. */
export const fileReader =
  (place: Place, { read }: Pick<KeyFiles, 'read'> = DISK): ReadFile =>
  (file, path) => {
    try {
      return read(file);
    } catch (error) {
      throw fileProblem(place, path, `${file} cannot be read: ${readFailure(error)}`, error);
    }
  };

/** Why what a file holds cannot be used, in words: OpenSSL's own name its routines. */
export const parseFailure = (error: unknown, bytes: Buffer): string => {
  if (!/^ERR_(OSSL|CRYPTO)/.test(String(codeOf(error)))) return readFailure(error);
  const kind = pemKind(bytes.toString());
  return /key|certificate/.test(kind) ? `${kind} that cannot be read` : kind;
};

/** Reads a file and makes something of it; what fails is told as {@link fileReader} does. */
export type ParseFile = <T>(file: string, path: KeyPath, parse: (bytes: Buffer) => T) => T;

export const fileParser =
  (place: Place, read: ReadFile = fileReader(place)): ParseFile =>
  (file, path, parse) => {
    const bytes = read(file, path);
    try {
      return parse(bytes);
    } catch (error) {
      // One that names another file already.
      if (error instanceof ConfigError) throw error;
      throw fileProblem(
        place,
        path,
        `${file} is not what it should be: ${parseFailure(error, bytes)}`,
        error,
      );
    }
  };

/** Without the line end that editors and `openssl rand -base64` put after the key. */
export const trimKey = (bytes: Buffer): Buffer => {
  let end = bytes.length;
  if (bytes[end - 1] === 0x0a) end--;
  if (bytes[end - 1] === 0x0d) end--;
  return bytes.subarray(0, end);
};
