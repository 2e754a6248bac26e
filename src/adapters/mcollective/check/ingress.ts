import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { KeyPath } from '../../../config/problem.ts';
import { checkSigningKey } from '../../kit/check/key-files.ts';
import type { SideCheck } from '../../kit/check/side-check.ts';
import type { McollectiveStompIngressConfig } from '../ingress-config.ts';
import { checkKeysFolder, PUBLIC_KEYS } from './keys-folder.ts';
import { checkStompTls } from './tls.ts';

export const ingressCheck = (it: McollectiveStompIngressConfig, name: string): SideCheck => {
  const { callers, serverPrivateKey } = it;
  const path: KeyPath = ['ingresses', name];
  return {
    files: (list, now) => {
      checkStompTls(list, path, it, now);
      checkKeysFolder(list, [...path, 'callers', 'keys_dir'], callers.keysDir, PUBLIC_KEYS);
      const keyPath = [...path, 'server_private_key'];
      if (checkSigningKey(list, keyPath, serverPrivateKey) !== undefined)
        list.ok(keyPath, `${serverPrivateKey} signs replies to legacy clients`);
    },
    patterns: [],
    lackFor: (caller) => {
      const file = join(callers.keysDir, `${caller.slice(caller.indexOf('=') + 1)}.pem`);
      if (!existsSync(callers.keysDir) || existsSync(file)) return undefined;
      return {
        message: `there is no key ${file}, so ${caller} is refused`,
        mend: "put the caller's public key there",
      };
    },
  };
};
