import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Checklist } from '../../../config/checklist.ts';
import type { KeyPath } from '../../../config/problem.ts';
import { checkPublicKey, checkSigningKey } from '../../kit/check/key-files.ts';
import { type EgressCheck, privilegedPatterns } from '../../kit/check/side-check.ts';
import { DISCOVERY_CALLER } from '../egress/discovery.ts';
import type { McollectiveStompConfig } from '../egress-config.ts';
import { checkKeysFolder, PRIVATE_KEYS } from './keys-folder.ts';
import { checkStompTls } from './tls.ts';

export const egressCheck = (it: McollectiveStompConfig, name: string): EgressCheck => {
  const { signing, serverPublicKeys } = it;
  const path: KeyPath = ['egresses', name];
  return {
    files: (list, now) => {
      checkStompTls(list, path, it, now);
      for (const [index, file] of serverPublicKeys.entries())
        checkPublicKey(list, [...path, 'server_public_key', index], file);
      if (signing.kind === 'keys')
        checkKeysFolder(list, [...path, 'signing', 'keys_dir'], signing.folder, PRIVATE_KEYS);
      else if (checkSigningKey(list, [...path, 'signing', 'private_key'], signing.privateKey) !== undefined)
        list.ok([...path, 'signing', 'private_key'], `${signing.privateKey} signs for ${signing.callerid}`);
    },
    patterns: [privilegedPatterns(it.privileged)],
    lackFor: (caller) => {
      if (signing.kind !== 'keys') return undefined;
      const file = join(signing.folder, `${caller.slice(caller.indexOf('=') + 1)}.pem`);
      if (existsSync(file)) return undefined;
      return {
        message: `there is no key ${file}, so this caller's requests cannot be signed`,
        mend: "put the caller's private key there",
      };
    },
    asking: (list) => checkAsking(list, [...path, 'discovery'], it),
  };
};

/** A legacy collective is asked with a key of the caller's. */
const checkAsking = (
  list: Checklist,
  path: KeyPath,
  { signing, discovery }: Pick<McollectiveStompConfig, 'signing' | 'discovery'>,
): void => {
  if (signing.kind === 'shared') return;
  const { caller = DISCOVERY_CALLER } = discovery;
  const callerPath = discovery.caller === undefined ? path : [...path, 'caller'];
  if (!caller.startsWith('cert=')) {
    list.warning(
      callerPath,
      `${caller} is not of the form cert=<name>, so nodes cannot be asked in that name`,
      'name a caller whose private key is in signing.keys_dir',
    );
    return;
  }
  const file = join(signing.folder, `${caller.slice('cert='.length)}.pem`);
  if (existsSync(file)) list.ok(callerPath, `${file} asks who is there`);
  else
    list.warning(
      callerPath,
      `there is no key ${file}, so nodes cannot be asked who is there in the name of ${caller}`,
      "put that private key there and its public one into the daemons' plugin.ssl_client_cert_dir, or set discovery.caller to a caller who has both",
    );
};
