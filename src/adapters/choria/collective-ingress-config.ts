import { z } from 'zod';
import type { SchemaContext } from '../../config/context.ts';
import { ALWAYS, path } from '../../config/fields.ts';
import { checkLocalEgress, localEgressFields, localEgressOf } from '../../config/local-egress.ts';
import { callersField, callersOf, checkCallers } from './callers-config.ts';
import { checkConnection, connectionFields, connectionOf } from './connection-config.ts';

export const choriaCollectiveIngress = (context: SchemaContext) => {
  const file = () => path(context.resolve);
  return z
    .strictObject({
      type: z.literal('choria-collective').describe("requests of a Choria collective's own clients"),
      ...connectionFields(file),
      callers: callersField(file),
      ...localEgressFields(),
    })
    .superRefine(checkConnection, ALWAYS)
    .superRefine(checkCallers, ALWAYS)
    .superRefine(checkLocalEgress, ALWAYS)
    .transform(({ local_egress, beside, ...it }) => ({
      ...connectionOf(it),
      callers: callersOf(it),
      localEgress: localEgressOf({ local_egress, beside }),
    }));
};

/** Requests from a Choria collective's own clients, those that are not federated, over NATS. */
export type ChoriaCollectiveIngressConfig = z.output<ReturnType<typeof choriaCollectiveIngress>>;
