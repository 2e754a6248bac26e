import { type HeadSigner, headSigner } from '../../audit/head.ts';
import { fileParser, type ReadFile } from '../../config/files.ts';
import { readLongSecret } from '../../config/long-secret.ts';
import type { LoadedConfig } from '../../setup/types.ts';

/** What an audit signs and codes with. */
export interface AuditKeys {
  readonly signer: HeadSigner | undefined;
  readonly secret: Buffer | undefined;
}

/** @throws ConfigError for a file that cannot be read or is not what it should be */
export const readAuditKeys = (loaded: LoadedConfig, read: ReadFile): AuditKeys => {
  const { audit } = loaded.config;
  if (audit === undefined) return { signer: undefined, secret: undefined };
  const { keyFile, hmacKey, hmacKeyFile } = audit;
  const parse = fileParser(loaded, read);
  return {
    signer: keyFile === undefined ? undefined : parse(keyFile, ['audit', 'key_file'], headSigner),
    secret:
      hmacKeyFile === undefined
        ? hmacKey && Buffer.from(hmacKey.reveal())
        : readLongSecret(hmacKeyFile, ['audit', 'hmac_key_file'], loaded, read),
  };
};
