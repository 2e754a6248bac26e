import { z } from 'zod';
import type { SchemaContext } from '../../config/context.ts';
import { ALWAYS, path } from '../../config/fields.ts';
import { checkLocalEgress, localEgressFields, localEgressOf } from '../../config/local-egress.ts';
import { checkNats, natsFields, natsOf } from '../kit/nats/config.ts';
import { callersField, callersOf, checkCallers } from './callers-config.ts';

export const choriaCollectiveIngress = (context: SchemaContext) => {
  const file = () => path(context.resolve);
  return z
    .strictObject({
      type: z.literal('choria-collective').describe("requests of a Choria collective's own clients"),
      ...natsFields(file),
      callers: callersField(file),
      ...localEgressFields(),
    })
    .superRefine(checkNats, ALWAYS)
    .superRefine(checkCallers, ALWAYS)
    .superRefine(checkLocalEgress, ALWAYS)
    .transform(({ local_egress, beside, ...it }) => ({
      ...natsOf(it),
      callers: callersOf(it),
      localEgress: localEgressOf({ local_egress, beside }),
    }));
};

/** Requests from a Choria collective's own clients, those that are not federated, over NATS. */
export type ChoriaCollectiveIngressConfig = z.output<ReturnType<typeof choriaCollectiveIngress>>;
