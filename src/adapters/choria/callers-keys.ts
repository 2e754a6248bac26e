import type { ParseFile } from '../../config/files.ts';
import type { KeyUse } from '../kit/key-use.ts';
import { type CallersConfig, callersCaPath, callersCaSetting } from './callers-config.ts';
import { type CallerVerifier, createCallerVerifier } from './wire/index.ts';

/** What of an ingress says whose requests are believed. */
interface WithCallers {
  readonly callers: CallersConfig;
  readonly tls: { readonly ca: string } | undefined;
}

/** Verifies the callers of the ingress of that name. */
export const callersVerifier = (name: string, it: WithCallers, parse: ParseFile): CallerVerifier =>
  parse(it.callers.ca, callersCaPath(name, it), (ca) =>
    createCallerVerifier({ ...it.callers, ca: ca.toString() }),
  );

/** The CA that callers of an ingress are verified with. */
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
];
