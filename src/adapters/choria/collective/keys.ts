import type { KeyUse } from '../../kit/key-use.ts';
import type { ChoriaSigningConfig } from '../collective-egress-config.ts';
import { callerName } from '../wire/index.ts';

/** What the bridge signs requests to a Choria collective with: a certificate of its own, and callers' own. */
export const signingKeys = (signing: ChoriaSigningConfig): readonly KeyUse[] => {
  const { own } = signing;
  const signs = { use: 'sign', messages: 'requests' } as const;
  const keys: KeyUse[] = [];
  if (own !== undefined)
    keys.push({
      ...signs,
      kind: 'cert',
      setting: ['signing', 'cert'],
      at: ['signing', 'cert'],
      path: own.cert,
      key: { setting: ['signing', 'key'], path: own.key },
    });
  if (signing.kind === 'callers')
    keys.push({
      ...signs,
      kind: 'folder',
      setting: ['signing', 'certs_dir'],
      at: ['signing', 'certs_dir'],
      path: signing.folder,
      holds: 'certificates',
      nameOf: callerName,
    });
  return keys;
};
