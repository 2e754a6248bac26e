import { z } from 'zod';
import type { SchemaContext } from '../../config/context.ts';
import { ALWAYS, path, setting, token } from '../../config/fields.ts';
import { checkNats, natsFields, natsOf } from '../kit/nats/config.ts';
import { callersField, callersOf, checkCallers } from './callers-config.ts';
import { subscriptionsField } from './subscriptions-field.ts';

export const choriaFederation = (context: SchemaContext) => {
  const file = () => path(context.resolve);
  return z
    .strictObject({
      type: z.literal('choria-federation').describe('requests of the clients of a Choria federation'),
      cluster: setting(
        "the federation's name for its clients; where it is not given, the bridge's cluster",
        token('a cluster name').default(context.cluster),
      ),
      ...natsFields(file),
      subscriptions: subscriptionsField(),
      callers: callersField(file),
      reply_collectives: setting(
        'further collectives below which a client may ask for its replies',
        z.array(token('a collective')).default([]),
      ),
    })
    .superRefine(checkNats, ALWAYS)
    .superRefine(checkCallers, ALWAYS)
    .transform((it) => ({ ...natsOf(it), callers: callersOf(it) }));
};

/** Requests from a Choria federation network, over NATS. */
export type ChoriaFederationConfig = z.output<ReturnType<typeof choriaFederation>>;
