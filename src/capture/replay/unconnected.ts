import type { Environment } from '../../config/substitute.ts';
import { loadConfig } from '../../setup/load.ts';
import { loadRegistry } from '../../setup/load-registry.ts';
import type { LoadedConfig } from '../../setup/types.ts';
import { withMadeUpVariables } from './placeholder-variables.ts';

/**
 * The configuration for who connects to nothing: variables that only connections need have some value where they are not set. The
 * adapters that it names are imported, so their code is run.
 * @throws ConfigUnreadable, ConfigError
 */
export const loadUnconnected = async (file: string, env: Environment): Promise<LoadedConfig> => {
  const registry = await loadRegistry(file, env);
  return loadConfig(file, withMadeUpVariables(file, env, registry), registry);
};
