import { z } from 'zod';
import { type CallersConfig, callersField, callersOf, checkCallers } from '../callers.ts';
import {
  type ChoriaConnection,
  checkConnection,
  connectionFields,
  connectionOf,
} from '../choria-connection.ts';
import type { SchemaContext } from '../context.ts';
import { ALWAYS, path, token } from '../fields.ts';

/** Requests from a Choria collective's own clients, those that are not federated, over NATS. */
export interface ChoriaCollectiveIngressConfig extends ChoriaConnection {
  readonly type: 'choria-collective';
  readonly callers: CallersConfig;
  /** Name of the egress to the same collective, whose nodes answer by themselves. */
  readonly beside: string | undefined;
}

export const choriaCollectiveIngress = (context: SchemaContext) => {
  const file = () => path(context.resolve);
  return z
    .strictObject({
      type: z.literal('choria-collective'),
      ...connectionFields(file),
      callers: callersField(file),
      beside: token('the name of an egress').optional(),
    })
    .superRefine(checkConnection, ALWAYS)
    .superRefine(checkCallers, ALWAYS)
    .transform(
      (it): ChoriaCollectiveIngressConfig => ({
        type: it.type,
        ...connectionOf(it),
        callers: callersOf(it),
        beside: it.beside,
      }),
    );
};
