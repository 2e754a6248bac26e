import { z } from 'zod';
import type { SchemaContext } from '../../config/context.ts';
import { ALWAYS, path } from '../../config/fields.ts';
import { checkLocalEgress, localEgressFields, localEgressOf } from '../../config/local-egress.ts';
import { type CallersConfig, callersField, callersOf, checkCallers } from './callers-config.ts';
import {
  type ChoriaConnection,
  checkConnection,
  connectionFields,
  connectionOf,
} from './connection-config.ts';

/** Requests from a Choria collective's own clients, those that are not federated, over NATS. */
export interface ChoriaCollectiveIngressConfig extends ChoriaConnection {
  readonly type: 'choria-collective';
  readonly callers: CallersConfig;
  /** Name of the egress to the same collective, whose nodes answer by themselves. */
  readonly localEgress: string | undefined;
}

export const choriaCollectiveIngress = (context: SchemaContext) => {
  const file = () => path(context.resolve);
  return z
    .strictObject({
      type: z.literal('choria-collective'),
      ...connectionFields(file),
      callers: callersField(file),
      ...localEgressFields(),
    })
    .superRefine(checkConnection, ALWAYS)
    .superRefine(checkCallers, ALWAYS)
    .superRefine(checkLocalEgress, ALWAYS)
    .transform(
      (it): ChoriaCollectiveIngressConfig => ({
        type: it.type,
        ...connectionOf(it),
        callers: callersOf(it),
        localEgress: localEgressOf(it),
      }),
    );
};
