import { z } from 'zod';
import type { SchemaContext } from '../../config/context.ts';
import { ALWAYS, path, token } from '../../config/fields.ts';
import { type CallersConfig, callersField, callersOf, checkCallers } from './callers-config.ts';
import {
  type ChoriaConnection,
  checkConnection,
  connectionFields,
  connectionOf,
  subscriptionsField,
} from './connection-config.ts';

/** Requests from a Choria federation network, over NATS. */
export interface ChoriaFederationConfig extends ChoriaConnection {
  readonly type: 'choria-federation';
  /** Part of the subject: `choria.federation.<cluster>.federation`. */
  readonly cluster: string;
  /** Members of the cluster's queue group that this bridge is. */
  readonly subscriptions: number;
  readonly callers: CallersConfig;
  readonly replyCollectives: readonly string[];
}

export const choriaFederation = (context: SchemaContext) => {
  const file = () => path(context.resolve);
  return z
    .strictObject({
      type: z.literal('choria-federation'),
      cluster: token('a cluster name').default(context.cluster),
      ...connectionFields(file),
      subscriptions: subscriptionsField(),
      callers: callersField(file),
      reply_collectives: z.array(token('a collective')).default([]),
    })
    .superRefine(checkConnection, ALWAYS)
    .superRefine(checkCallers, ALWAYS)
    .transform(
      (it): ChoriaFederationConfig => ({
        type: it.type,
        cluster: it.cluster,
        subscriptions: it.subscriptions,
        ...connectionOf(it),
        callers: callersOf(it),
        replyCollectives: it.reply_collectives,
      }),
    );
};
