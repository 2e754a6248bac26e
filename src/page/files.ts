import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

/** A file of the front end, as it is sent. */
export interface PageFile {
  readonly type: string;
  readonly body: Buffer;
  readonly zipped: Buffer;
}

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

/** Where the package has them. */
export const WEB = fileURLToPath(new URL('./web/', import.meta.url));

const fileOf = (folder: string, name: string): readonly [string, PageFile] | undefined => {
  const type = TYPES[name.slice(name.lastIndexOf('.') + 1)];
  if (type === undefined) return undefined;
  const body = readFileSync(join(folder, name));
  const path = `/${name.split(sep).join('/')}`;
  return [path === '/index.html' ? '/' : path, { type, body, zipped: gzipSync(body, { level: 9 }) }];
};

/** The files of a folder by their paths, read once: what is served is a list, and no name of a request is one of a file. */
export const readPageFiles = (folder: string = WEB): ReadonlyMap<string, PageFile> =>
  new Map(
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).flatMap((name) => {
      const file = fileOf(folder, name);
      return file === undefined ? [] : [file];
    }),
  );
