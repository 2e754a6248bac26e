import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { type path, pattern, refuse, setting } from '../../config/fields.ts';
import { ANY_CERTIFICATE_NAMES, CERTIFICATE_NAMES } from '../../config/pattern/meaning.ts';
import type { KeyPath } from '../../config/problem.ts';
import {
  type RevocationConfig,
  type RevocationKeys,
  revocationFields,
  revocationOf,
} from '../../config/revocation.ts';
import { DEFAULT_ALLOW, DEFAULT_PRIVILEGED } from './wire/index.ts';

/** Of patterns what the file would say. */
const written = (patterns: readonly { readonly source: string }[]): readonly string[] =>
  patterns.map(({ source }) => source);

export const callersField = (file: () => ReturnType<typeof path>) =>
  setting(
    'whose requests are believed',
    z
      .strictObject({
        ca: setting(
          "the CA that signs the callers' certificates, in PEM; where it is not given, that of tls",
          file().optional(),
        ),
        ...revocationFields(file),
        allow: setting(
          'certificate names that may send requests',
          z.array(pattern(CERTIFICATE_NAMES)).optional(),
          { default: written(DEFAULT_ALLOW) },
        ),
        privileged: setting(
          'certificate names that may speak for any caller',
          z.array(pattern(ANY_CERTIFICATE_NAMES)).optional(),
          { default: written(DEFAULT_PRIVILEGED) },
        ),
      })
      .optional(),
  );

/** The part that `checkCallers` checks: whether keys are there. */
interface Given {
  readonly insecure_plaintext?: boolean;
  readonly tls?: unknown;
  readonly callers?: { readonly ca?: unknown } | undefined;
}

export const checkCallers = (it: Given, context: z.core.$RefinementCtx): void => {
  if (it.insecure_plaintext === true && it.tls === undefined && it.callers?.ca === undefined)
    refuse(context, ['callers'], 'ca is missing: without tls there is no CA to verify callers with');
};

/** The connection's CA with its revocation lists, and Choria's own names, where the file names no others. */
export const callersOf = (it: {
  readonly tls?: (RevocationKeys & { readonly ca: string }) | undefined;
  readonly callers?: z.output<ReturnType<typeof callersField>>;
}) => {
  const { ca = it.tls?.ca ?? '', allow = DEFAULT_ALLOW, privileged = DEFAULT_PRIVILEGED } = it.callers ?? {};
  const revocation = revocationOf({ ...(it.callers?.ca === undefined && it.tls), ...it.callers });
  return { ca, revocation, allow, privileged };
};

/** Whose requests of a Choria client are believed: the path of a CA, and names of certificates. */
export type CallersConfig = Readonly<ReturnType<typeof callersOf>>;

interface WithCa {
  readonly callers: CallersConfig;
  readonly tls: { readonly ca: string; readonly revocation: RevocationConfig | undefined } | undefined;
}

/** The setting of an ingress that names the file of its `callers.ca`: `tls.ca` where it is not given. */
export const callersCaSetting = ({ callers, tls }: WithCa): KeyPath =>
  callers.ca === tls?.ca ? ['tls', 'ca'] : ['callers', 'ca'];

/** The setting of an ingress that names its callers' revocation lists: `tls.crl` where it is not given. */
export const callersCrlSetting = ({ callers, tls }: WithCa): KeyPath =>
  isDeepStrictEqual(callers.revocation?.files, tls?.revocation?.files) && callers.ca === tls?.ca
    ? ['tls', 'crl']
    : ['callers', 'crl'];

/** {@link callersCaSetting}, in the file. */
export const callersCaPath = (name: string, it: WithCa): KeyPath => [
  'ingresses',
  name,
  ...callersCaSetting(it),
];
