import { readAuditKeys } from '../../app/audit/keys.ts';
import { type HeadVerifier, headVerifier } from '../../audit/head.ts';
import { readFailure, readPlain, trimKey } from '../../config/files.ts';
import { loadWithAdapters } from '../../setup/load-registry.ts';
import { UsageError } from '../usage.ts';

const readOrTell = (file: string): Buffer => {
  try {
    return readPlain(file, []);
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${readFailure(error)}`);
  }
};

/** The key that heads are checked with. @throws UsageError, ConfigError */
export const verifierOf = async (
  key: string | undefined,
  config: string | undefined,
): Promise<HeadVerifier | undefined> => {
  const file = key ?? (await fileIn(config, 'keyFile'));
  if (file === undefined) return undefined;
  try {
    return headVerifier(readOrTell(file));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${file} is no key of heads: ${readFailure(error)}`);
  }
};

const fileIn = async (config: string | undefined, key: 'keyFile'): Promise<string | undefined> => {
  if (config === undefined) return undefined;
  const { audit } = (await loadWithAdapters(config, process.env)).config;
  if (audit === undefined) throw new UsageError(`${config} has no section audit`);
  return audit[key];
};

/** What codes of values are made with. @throws UsageError, ConfigError */
export const hmacKeyOf = async (file: string | undefined, config: string | undefined): Promise<Buffer> => {
  if (file !== undefined) return trimKey(readOrTell(file));
  if (config === undefined) throw new UsageError('--hmac takes --hmac-key or --config');
  const loaded = await loadWithAdapters(config, process.env);
  const { secret } = readAuditKeys(loaded, readPlain);
  if (secret === undefined) throw new UsageError(`${config} has no hmac_key in its section audit`);
  return secret;
};
