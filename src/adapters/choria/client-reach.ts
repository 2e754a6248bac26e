import { z } from 'zod';
import type { SchemaContext } from '../../config/context.ts';
import type { ClientReach } from '../adapter-type.ts';
import type { NatsConnection } from '../kit/nats/config.ts';
import { natsOptions } from '../kit/nats/link-options.ts';

/** A client does not need the bridge's trusted callers; an ingress is not valid without. */
const withoutCallers = (entry: unknown): unknown =>
  typeof entry === 'object' && entry !== null ? { ...entry, callers: { ca: 'none' } } : entry;

/**
 * How Choria's clients use an ingress.
 * @param federation clusters whose brokers carry their requests
 */
export const reachedBy = <C extends NatsConnection>(
  ingress: (context: SchemaContext) => z.ZodType<C>,
  federation: (config: C) => readonly string[],
): ClientReach => ({
  schema: (context) =>
    z.preprocess(withoutCallers, ingress(context)).transform((config) => (name: string) => ({
      settings: (around, read) => natsOptions(config, ['ingresses', name], around, read),
      federation: federation(config),
    })),
  unread: ['callers'],
});
