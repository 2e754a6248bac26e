import { z } from 'zod';
import {
  type ChoriaConnection,
  checkConnection,
  connectionFields,
  connectionOf,
} from '../choria-connection.ts';
import { ALWAYS, path } from '../fields.ts';
import type { SchemaContext } from '../types.ts';

/** Requests pass sealed to a Choria collective, over NATS. */
export interface ChoriaCollectiveConfig extends ChoriaConnection {
  readonly type: 'choria-collective';
}

export const choriaCollective = (context: SchemaContext) =>
  z
    .strictObject({
      type: z.literal('choria-collective'),
      ...connectionFields(() => path(context.resolve)),
    })
    .superRefine(checkConnection, ALWAYS)
    .transform((it): ChoriaCollectiveConfig => ({ type: it.type, ...connectionOf(it) }));
