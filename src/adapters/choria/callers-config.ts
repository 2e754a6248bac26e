import { z } from 'zod';
import { type path, pattern, refuse } from '../../config/fields.ts';
import { ANY_CERTIFICATE_NAMES, CERTIFICATE_NAMES } from '../../config/pattern/meaning.ts';
import type { KeyPath } from '../../config/problem.ts';
import type { Pattern } from '../../envelope/pattern.ts';
import { DEFAULT_ALLOW, DEFAULT_PRIVILEGED } from './wire/index.ts';

/** Whose requests of a Choria client are believed. */
export interface CallersConfig {
  /** Path of the CA that signs the callers' certificates. */
  readonly ca: string;
  /** Certificate names that may send requests. */
  readonly allow: readonly Pattern[];
  /** Certificate names that may speak for any caller. */
  readonly privileged: readonly Pattern[];
}

export const callersField = (file: () => ReturnType<typeof path>) =>
  z
    .strictObject({
      ca: file().optional(),
      allow: z.array(pattern(CERTIFICATE_NAMES)).optional(),
      privileged: z.array(pattern(ANY_CERTIFICATE_NAMES)).optional(),
    })
    .optional();

/** What `checkCallers` looks at: whether keys are there. */
interface Given {
  readonly insecure_plaintext?: boolean;
  readonly tls?: unknown;
  readonly callers?: { readonly ca?: unknown } | undefined;
}

export const checkCallers = (it: Given, context: z.core.$RefinementCtx): void => {
  if (it.insecure_plaintext === true && it.tls === undefined && it.callers?.ca === undefined)
    refuse(context, ['callers'], 'ca is missing: without tls there is no CA to verify callers with');
};

/** The connection's CA, and Choria's own lists, where the file names no others. */
export const callersOf = (it: {
  readonly tls?: { readonly ca: string } | undefined;
  readonly callers?: z.output<ReturnType<typeof callersField>>;
}): CallersConfig => ({
  ca: it.callers?.ca ?? it.tls?.ca ?? '',
  allow: it.callers?.allow ?? DEFAULT_ALLOW,
  privileged: it.callers?.privileged ?? DEFAULT_PRIVILEGED,
});

interface WithCa {
  readonly callers: CallersConfig;
  readonly tls: { readonly ca: string } | undefined;
}

/** The setting of an ingress that names the file of its `callers.ca`: `tls.ca` where it is not given. */
export const callersCaSetting = ({ callers, tls }: WithCa): KeyPath =>
  callers.ca === tls?.ca ? ['tls', 'ca'] : ['callers', 'ca'];

/** {@link callersCaSetting}, in the file. */
export const callersCaPath = (name: string, it: WithCa): KeyPath => [
  'ingresses',
  name,
  ...callersCaSetting(it),
];
