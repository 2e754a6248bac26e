import { statSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { resolve as resolvePackage } from 'import-meta-resolve';
import { adapterTypesOf, NoAdapterTypes } from '../adapters/adapter-shape.ts';
import type { AdapterType } from '../adapters/adapter-type.ts';
import { ANY_CONTEXT } from '../config/context.ts';
import { text } from '../config/fields.ts';
import { codeOf, readFailure } from '../config/files.ts';
import { Stranger, trustedPath } from '../config/trusted-file.ts';
import { giveOwnExports } from './own-exports.ts';

const FILE = /^\.{0,2}\//;
const PACKAGE = /^(?:@[\w.~-]+\/)?[\w~-][\w.~-]*(?:\/[\w.~-]+)*$/;

/** Whether an entry of `adapters` can be one at all. */
export const isAdapterName = (name: string): boolean =>
  FILE.test(name) || (PACKAGE.test(name) && !isBuiltin(name));

/** An entry of `adapters`. */
export const adapterName = () =>
  text('a file such as ./my-adapter.js, or the name of an installed package', isAdapterName);

/** An entry of `adapters` that cannot be used: why, and how to correct it. */
export class UnusableAdapter extends Error {
  readonly mend: string | undefined;

  constructor(message: string, cause?: unknown, mend?: string) {
    super(message, { cause });
    this.mend = mend;
  }
}

const MODULE =
  'a module of JavaScript ends in .mjs, or in .js where the package.json beside it has "type": "module"';

/** Node's codes for a file that is of another kind, such as JSON. */
const OTHER_FILE = /^ERR_(?:UNKNOWN_FILE_EXTENSION|IMPORT_A\w+_MISSING)$/;

/** Where a package begins, by what it exports. @throws UnusableAdapter */
const entryPointOf = (name: string, folder: string): string => {
  try {
    return fileURLToPath(resolvePackage(name, pathToFileURL(resolve(folder, 'bridge.yaml')).href));
  } catch (error) {
    const mend = `install it there; a file beside the configuration is written ./${name}`;
    if (codeOf(error) === 'ERR_MODULE_NOT_FOUND')
      throw new UnusableAdapter(
        `there is no package ${name} in ${folder}/node_modules, or above it`,
        error,
        mend,
      );
    throw new UnusableAdapter(`the package ${name} cannot be loaded: ${readFailure(error)}`, error);
  }
};

/** The real file, which only root and the running user can change. @throws UnusableAdapter */
const trustedFile = (name: string, folder: string): string => {
  const given = FILE.test(name) ? resolve(folder, name) : entryPointOf(name, folder);
  try {
    if (!statSync(given).isFile()) throw new UnusableAdapter(`${given} cannot be loaded: it is no file`);
    return trustedPath(given);
  } catch (error) {
    if (error instanceof UnusableAdapter) throw error;
    if (error instanceof Stranger)
      throw new UnusableAdapter(`${given} is not loaded: ${error.message}`, error);
    throw new UnusableAdapter(`${given} cannot be loaded: ${readFailure(error)}`, error);
  }
};

/** A name that another module does not have is a SyntaxError too. */
const NO_EXPORT = /does not provide an export named/;

/** Where in the adapter's own folder something is wrong, as the stack has it. */
const placeOf = (error: unknown, file: string): string => {
  const folder = join(dirname(file), '/');
  for (const line of (error instanceof Error ? (error.stack ?? '') : '').split('\n'))
    for (const start of [pathToFileURL(folder).href, folder]) {
      const at = line.indexOf(start);
      const [place] =
        (at === -1 ? null : /^[^\s:)?]+:\d+(?::\d+)?/.exec(line.slice(at + start.length))) ?? [];
      if (place !== undefined) return ` (${folder}${place})`;
    }
  return '';
};

const moduleAt = async (file: string, isOfPackage: boolean): Promise<{ readonly default?: unknown }> => {
  try {
    giveOwnExports(file, isOfPackage);
    return await import(pathToFileURL(file).href);
  } catch (error) {
    const isSyntax = error instanceof SyntaxError;
    const lacksExport = isSyntax && NO_EXPORT.test(error.message);
    const isNoModule = (isSyntax && !lacksExport) || OTHER_FILE.test(String(codeOf(error)));
    const how = isNoModule
      ? 'is no module that can be loaded'
      : lacksExport
        ? 'imports what is not there'
        : 'throws';
    const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    throw new UnusableAdapter(
      `${file} ${how}: ${what}${placeOf(error, file)}`,
      error,
      isNoModule ? MODULE : undefined,
    );
  }
};

/**
 * The adapter types that a module brings; its code is run.
 * @param name a file, or an installed package
 * @param folder what the file is relative to, and from where the package is looked for
 * @throws UnusableAdapter
 */
export const adapterTypesFrom = async (name: string, folder: string): Promise<readonly AdapterType[]> => {
  const file = trustedFile(name, folder);
  const found = await moduleAt(file, !FILE.test(name));
  try {
    return adapterTypesOf(found, ANY_CONTEXT);
  } catch (error) {
    throw error instanceof NoAdapterTypes ? new UnusableAdapter(`${file} ${error.message}`, error) : error;
  }
};
