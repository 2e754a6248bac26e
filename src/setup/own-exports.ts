import { existsSync } from 'node:fs';
import { register } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * For Node's loader: what lies below a folder and imports mcbridge gets what the package exports that this file is in, as this file
 * itself would. It is a text because the loader takes it as a module of its own, in a thread of its own.
 */
const hookFor = (folder: string): string => `
const here = ${JSON.stringify(import.meta.url)};
const folder = ${JSON.stringify(folder)};
export const resolve = (specifier, context, next) => {
  const isAdapters = /^mcbridge(\\/|$)/.test(specifier) && context.parentURL?.startsWith(folder);
  return next(specifier, isAdapters ? { ...context, parentURL: here } : context);
};
`;

/** The nearest folder above a package's file that has a package.json. */
const packageOf = (folder: string): string => {
  const above = dirname(folder);
  return existsSync(join(folder, 'package.json')) || above === folder ? folder : packageOf(above);
};

const given = new Set<string>();

/**
 * From now on an adapter that imports mcbridge gets this very program's exports, and so does all that lies below its folder, or that
 * of its package. By Node's own rules it would find none beside a configuration in /etc, or another copy, of whose classes nothing
 * here is an instance. What lies elsewhere, such as a program that uses this one as a library, finds what it always does.
 * @param file the adapter's real path
 */
export const giveOwnExports = (file: string, isOfPackage: boolean): void => {
  const folder = isOfPackage ? packageOf(dirname(file)) : dirname(file);
  const url = pathToFileURL(join(folder, '/')).href;
  if (given.has(url)) return;
  register(`data:text/javascript,${encodeURIComponent(hookFor(url))}`);
  given.add(url);
};
