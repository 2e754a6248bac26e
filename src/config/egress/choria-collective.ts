import { z } from 'zod';
import type { Pattern } from '../../envelope/pattern.ts';
import { DEFAULT_PRIVILEGED } from '../../wire/choria/index.ts';
import {
  type ChoriaConnection,
  checkConnection,
  connectionFields,
  connectionOf,
  subscriptionsField,
} from '../choria-connection.ts';
import { ALWAYS, choice, path, pattern, refuse } from '../fields.ts';
import { type NodesConfig, nodesFields, nodesOf } from '../nodes.ts';
import { CALLERS } from '../pattern/meaning.ts';
import type { SchemaContext } from '../types.ts';

/** Requests to a Choria collective, over NATS: sealed ones of a federation, and others signed in their caller's name. */
export interface ChoriaCollectiveConfig extends ChoriaConnection, NodesConfig {
  readonly type: 'choria-collective';
  /** Members of each queue group of replies that this bridge is. */
  readonly subscriptions: number;
  /** Undefined where requests only pass as they are. */
  readonly signing: ChoriaSigningConfig | undefined;
  /** How compound filters are written: go-choria's one expression, or MCollective's tokens, which Ruby nodes read. */
  readonly compound: 'expr' | 'tokens';
  /** Callerids that only a rule with `privileged: true` may yield. */
  readonly privileged: readonly Pattern[];
}

/** Paths of PEM files: a certificate that nodes hold privileged, with any intermediates, and its RSA key. */
export interface ChoriaSigningConfig {
  readonly cert: string;
  readonly key: string;
}

interface Given {
  readonly signing?: unknown;
  readonly compound?: unknown;
  readonly privileged?: unknown;
}

const checkSigning = (it: Given, context: z.core.$RefinementCtx<Given>): void => {
  if (it.signing !== undefined) return;
  for (const key of ['compound', 'privileged'] as const)
    if (it[key] !== undefined)
      refuse(context, [key], 'has no effect without signing: requests pass as they are; leave it out');
};

export const choriaCollective = (context: SchemaContext) => {
  const file = () => path(context.resolve);
  return z
    .strictObject({
      type: z.literal('choria-collective'),
      ...connectionFields(file),
      subscriptions: subscriptionsField(),
      ...nodesFields(),
      signing: z.strictObject({ cert: file(), key: file() }).optional(),
      compound: choice(['expr', 'tokens']).optional(),
      privileged: z.array(pattern(CALLERS)).optional(),
    })
    .superRefine(checkConnection, ALWAYS)
    .superRefine(checkSigning, ALWAYS)
    .transform(
      (it): ChoriaCollectiveConfig => ({
        type: it.type,
        ...connectionOf(it),
        subscriptions: it.subscriptions,
        ...nodesOf(it),
        signing: it.signing,
        compound: it.compound ?? 'expr',
        privileged: it.privileged ?? DEFAULT_PRIVILEGED,
      }),
    );
};
