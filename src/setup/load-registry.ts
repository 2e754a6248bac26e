import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { type Origin, told } from '../adapters/adapter-fault.ts';
import type { AdapterType } from '../adapters/adapter-type.ts';
import { BUILT_IN, createRegistry, type Registry } from '../adapters/registry.ts';
import { type ConfigDocument, parseConfigDocument } from '../config/document.ts';
import { ConfigError, formatPath, type Problem } from '../config/problem.ts';
import type { Environment } from '../config/substitute.ts';
import { adapterTypesFrom, isAdapterName, UnusableAdapter } from './adapter-module.ts';
import { loadConfig, readConfigText } from './load.ts';
import type { LoadedConfig } from './types.ts';

const nameOf = ({ side, type }: AdapterType): string => `${side} type ${type}`;

/** The types that there are so far, and who brings each. */
class Collection {
  readonly types: AdapterType[] = [...BUILT_IN.ingressTypes, ...BUILT_IN.egressTypes];
  readonly #bringers = new Map(this.types.map((it) => [nameOf(it), 'mcbridge itself']));

  /** @throws UnusableAdapter where one of them is there already */
  add(types: readonly AdapterType[], origin: Origin): void {
    const { name: bringer } = origin;
    for (const type of types) {
      const name = nameOf(type);
      const other = this.#bringers.get(name);
      if (other !== undefined)
        throw new UnusableAdapter(`${bringer} brings the ${name}, which ${other} brings already`);
      this.#bringers.set(name, bringer);
      this.types.push(told(type, origin));
    }
  }
}

const outline = z.object({ adapters: z.array(z.unknown()) }).catch({ adapters: [] });

/**
 * The entries of `adapters`. The reader of the rest reports what is not such an entry.
 * @throws ConfigError for a variable in one that cannot be put in
 */
const entriesIn = ({ value, problems }: ConfigDocument): readonly Origin[] => {
  const entries = outline.parse(value).adapters.map((name, index) => ({ name, path: ['adapters', index] }));
  const paths = new Set(entries.map(({ path }) => formatPath(path)));
  const ofEntries = problems.filter(({ path }) => paths.has(path));
  if (ofEntries.length > 0) throw new ConfigError(ofEntries);
  return entries.flatMap(({ name, path }) =>
    typeof name === 'string' && isAdapterName(name) ? [{ name, path }] : [],
  );
};

/**
 * The types that entries of a configuration can be of: the built-in ones, and those that the files and packages under `adapters`
 * bring, whose code is run by it. Nothing else of the configuration is looked at.
 * @param env what `${NAME}` stands for
 * @throws ConfigUnreadable where there is no such file
 * @throws ConfigError for each file and package that cannot be used
 */
export const loadRegistry = async (file: string, env: Environment): Promise<Registry> => {
  const document = parseConfigDocument(readConfigText(file), file, env);
  const collection = new Collection();
  const problems: Problem[] = [];
  for (const { name, path } of entriesIn(document))
    try {
      collection.add(await adapterTypesFrom(name, dirname(resolve(file))), { name, path });
    } catch (error) {
      if (!(error instanceof UnusableAdapter)) throw error;
      const { message, mend } = error;
      const place = { file, ...document.at(path), path: formatPath(path) };
      problems.push({ ...place, message, ...(mend !== undefined && { mend }) });
    }
  if (problems.length > 0) throw new ConfigError(problems);
  return createRegistry(collection.types);
};

/**
 * The configuration, with the adapters that it names: their code is run.
 * @param env what `${NAME}` stands for
 * @throws ConfigUnreadable where there is no such file
 * @throws ConfigError with every problem of the file
 */
export const loadWithAdapters = async (file: string, env: Environment): Promise<LoadedConfig> =>
  loadConfig(file, env, await loadRegistry(file, env));
