import { z } from 'zod';
import type { SchemaContext } from '../../config/context.ts';
import { ALWAYS, choice, path, pattern, refuse } from '../../config/fields.ts';
import { type NodesConfig, nodesFields, nodesOf } from '../../config/nodes.ts';
import { CALLERS } from '../../config/pattern/meaning.ts';
import type { Pattern } from '../../envelope/pattern.ts';
import {
  type ChoriaConnection,
  checkConnection,
  connectionFields,
  connectionOf,
  subscriptionsField,
} from './connection-config.ts';
import { DEFAULT_PRIVILEGED } from './wire/index.ts';

/** Requests to a Choria collective, over NATS: opaque ones of a federation, and others signed in their caller's name. */
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

/** With what the bridge signs. */
export type ChoriaSigningConfig =
  | { readonly kind: 'privileged'; readonly own: ChoriaPairConfig }
  /** A folder of callers' own: `<name>.pem` and `<name>.key`. There `own` only asks who is there. */
  | { readonly kind: 'callers'; readonly folder: string; readonly own: ChoriaPairConfig | undefined };

/** Paths of PEM files: a certificate that nodes hold privileged, with any intermediates, and its RSA key. */
export interface ChoriaPairConfig {
  readonly cert: string;
  readonly key: string;
}

const signingSection = (file: () => ReturnType<typeof path>) =>
  z
    .strictObject({ cert: file().optional(), key: file().optional(), certs_dir: file().optional() })
    .transform(({ cert, key, certs_dir }, context): ChoriaSigningConfig => {
      const own = cert === undefined || key === undefined ? undefined : { cert, key };
      if (own === undefined && cert !== key) refuse(context, [], 'cert and key belong together: give both');
      else if (certs_dir !== undefined) return { kind: 'callers', folder: certs_dir, own };
      else if (own !== undefined) return { kind: 'privileged', own };
      else refuse(context, [], 'give certs_dir, or cert and key, or all of them');
      return z.NEVER;
    });

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
      signing: signingSection(file).optional(),
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
