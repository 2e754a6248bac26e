import type { RevocationConfig } from '../../config/revocation.ts';
import type { IngressServices } from '../descriptor.ts';
import type { KeyUse } from '../kit/key-use.ts';
import { type CallersConfig, callersCaPath, callersCaSetting, callersCrlSetting } from './callers-config.ts';
import { type CallerVerifier, createCallerVerifier } from './wire/index.ts';

/** The part of an ingress that says which clients are accepted. */
interface WithCallers {
  readonly callers: CallersConfig;
  readonly tls: { readonly ca: string; readonly revocation: RevocationConfig | undefined } | undefined;
}

/** Verifies the callers of the ingress of that name. */
export const callersVerifier = (
  name: string,
  it: WithCallers,
  { parse, keys, revocation: store }: Pick<IngressServices, 'parse' | 'keys' | 'revocation'>,
): CallerVerifier => {
  const { ca: file, revocation: lists, ...callers } = it.callers;
  const revocation = lists && store.open(lists, keys, ['ingresses', name, ...callersCrlSetting(it)], parse);
  return parse(file, callersCaPath(name, it), (ca) =>
    createCallerVerifier({ ...callers, ca: ca.toString(), revocation }),
  );
};

/** The CA that callers of an ingress are verified with, and its revocation lists. */
export const callersKeys = (it: WithCallers): readonly KeyUse[] => [
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
  ...(it.callers.revocation?.files ?? []).map(
    (path, index): KeyUse => ({
      kind: 'crl',
      setting: ['callers', 'crl', index],
      at: [...callersCrlSetting(it), index],
      path,
      use: 'verify',
      messages: 'requests',
    }),
  ),
];
