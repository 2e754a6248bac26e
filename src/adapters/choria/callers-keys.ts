import type { KeyUse } from '../kit/key-use.ts';
import { type CallersConfig, callersCaSetting } from './callers-config.ts';

/** The CA that callers of an ingress are verified with. */
export const callersKeys = (it: {
  readonly callers: CallersConfig;
  readonly tls: { readonly ca: string } | undefined;
}): readonly KeyUse[] => [
  {
    kind: 'ca',
    setting: ['callers', 'ca'],
    at: callersCaSetting(it),
    path: it.callers.ca,
    use: 'verify',
    messages: 'requests',
    allow: it.callers.allow,
    privileged: it.callers.privileged,
  },
];
