import { z } from 'zod';
import { DEFAULT_ALLOW, DEFAULT_PRIVILEGED } from '../../wire/choria/index.ts';
import {
  type ChoriaConnection,
  checkConnection,
  connectionFields,
  connectionOf,
} from '../choria-connection.ts';
import { ALWAYS, path, pattern, refuse, token } from '../fields.ts';
import type { SchemaContext } from '../types.ts';

/** Requests from a Choria federation network, over NATS. */
export interface ChoriaFederationConfig extends ChoriaConnection {
  readonly type: 'choria-federation';
  /** Part of the subject: `choria.federation.<cluster>.federation`. */
  readonly cluster: string;
  readonly callers: CallersConfig;
  readonly replyCollectives: readonly string[];
}

/** Whose requests are believed. */
export interface CallersConfig {
  /** Path of the CA that signs the callers' certificates. */
  readonly ca: string;
  /** Certificate names that may send requests. */
  readonly allow: readonly RegExp[];
  /** Certificate names that may speak for any caller. */
  readonly privileged: readonly RegExp[];
}

const checkCallers = (
  it: {
    readonly insecure_plaintext?: boolean;
    readonly tls?: unknown;
    readonly callers?: { readonly ca?: unknown } | undefined;
  },
  context: z.core.$RefinementCtx,
): void => {
  if (it.insecure_plaintext === true && it.tls === undefined && it.callers?.ca === undefined)
    refuse(context, ['callers'], 'ca is missing: without tls there is no CA to verify callers with');
};

export const choriaFederation = (context: SchemaContext) => {
  const file = () => path(context.resolve);
  return z
    .strictObject({
      type: z.literal('choria-federation'),
      cluster: token('a cluster name').default(context.cluster),
      ...connectionFields(file),
      callers: z
        .strictObject({
          ca: file().optional(),
          allow: z.array(pattern()).default([...DEFAULT_ALLOW]),
          privileged: z.array(pattern()).default([...DEFAULT_PRIVILEGED]),
        })
        .optional(),
      reply_collectives: z.array(token('a collective')).default([]),
    })
    .superRefine(checkConnection, ALWAYS)
    .superRefine(checkCallers, ALWAYS)
    .transform((it): ChoriaFederationConfig => {
      return {
        type: it.type,
        cluster: it.cluster,
        ...connectionOf(it),
        callers: {
          ca: it.callers?.ca ?? it.tls?.ca ?? '',
          allow: it.callers?.allow ?? DEFAULT_ALLOW,
          privileged: it.callers?.privileged ?? DEFAULT_PRIVILEGED,
        },
        replyCollectives: it.reply_collectives,
      };
    });
};
