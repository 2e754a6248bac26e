import type { KeyUse } from '../kit/key-use.ts';
import type { McollectiveStompConfig, SigningConfig } from './egress-config.ts';
import type { McollectiveStompIngressConfig } from './ingress-config.ts';
import { keyNameOf } from './key-folder.ts';

/** Callers' public keys, and the daemons' key, which signs the replies to them. */
export const ingressKeys = ({
  callers,
  serverPrivateKey,
}: Pick<McollectiveStompIngressConfig, 'callers' | 'serverPrivateKey'>): readonly KeyUse[] => [
  {
    kind: 'folder',
    setting: ['callers', 'keys_dir'],
    at: ['callers', 'keys_dir'],
    path: callers.keysDir,
    use: 'verify',
    messages: 'requests',
    holds: 'public',
    nameOf: keyNameOf,
  },
  {
    kind: 'private',
    setting: ['server_private_key'],
    at: ['server_private_key'],
    path: serverPrivateKey,
    use: 'sign',
    messages: 'replies',
    holder: undefined,
  },
];

const signingKey = (signing: SigningConfig): KeyUse => {
  const signs = { use: 'sign', messages: 'requests' } as const;
  if (signing.kind === 'keys') {
    const setting = ['signing', 'keys_dir'];
    return {
      ...signs,
      kind: 'folder',
      setting,
      at: setting,
      path: signing.folder,
      holds: 'private',
      nameOf: keyNameOf,
    };
  }
  const setting = ['signing', 'private_key'];
  return {
    ...signs,
    kind: 'private',
    setting,
    at: setting,
    path: signing.privateKey,
    holder: signing.callerid,
  };
};

/** What signs requests, and the daemons' public keys, which verify replies. */
export const egressKeys = ({
  signing,
  serverPublicKeys,
}: Pick<McollectiveStompConfig, 'signing' | 'serverPublicKeys'>): readonly KeyUse[] => [
  signingKey(signing),
  ...serverPublicKeys.map((path, index): KeyUse => {
    const list = ['server_public_key'];
    return {
      kind: 'public',
      setting: serverPublicKeys.length === 1 ? list : [...list, index],
      at: list,
      path,
      use: 'verify',
      messages: 'replies',
    };
  }),
];
