import { z } from 'zod';
import {
  type ChoriaConnection,
  checkConnection,
  connectionFields,
  connectionOf,
} from '../adapters/choria/connection-config.ts';
import type { SchemaContext } from '../config/context.ts';
import { ALWAYS, bytes, integer, path, refuse, token } from '../config/fields.ts';
import { buffer } from '../config/shared.ts';

/** Where instances claim what each of them gets a copy of: a NATS with JetStream. */
export interface ClaimsConfig {
  readonly at:
    | { readonly kind: 'own'; readonly connection: ChoriaConnection }
    /** The ingress or egress whose servers and login are used. */
    | { readonly kind: 'link'; readonly name: string };
  /** What all claims may take there. */
  readonly maxBytes: number;
  /** Servers of a NATS cluster that keep them. */
  readonly replicas: number;
}

const MiB = 1024 ** 2;

/** What a connection of its own has, and a link brings along. */
const OWN = [
  'servers',
  'tls',
  'insecure_plaintext',
  'user',
  'password',
  'token',
  'nkey',
  'credentials',
] as const;

interface Given extends Partial<Record<(typeof OWN)[number], unknown>> {
  readonly link?: unknown;
}

const checkPlace = (it: Given, context: z.core.$RefinementCtx<Given>): void => {
  if (it.link === undefined) {
    if (it.servers === undefined) refuse(context, ['servers'], 'is missing: give servers, or link');
    return;
  }
  // What is not given is false.
  for (const key of OWN)
    if (it[key] !== undefined && it[key] !== false)
      refuse(context, [key], 'contradicts link, whose own is used: leave out one of them');
};

export const claims = (context: SchemaContext) => {
  const { buffer: _, servers, ...login } = connectionFields(() => path(context.resolve));
  return z
    .strictObject({
      link: token('the name of an ingress or egress').optional(),
      servers: servers.optional(),
      ...login,
      max_bytes: bytes(16 * MiB, MiB ** 2).default(128 * MiB),
      replicas: integer(1, 5).default(1),
    })
    .superRefine(checkPlace, ALWAYS)
    .superRefine((it, context) => {
      if (it.link === undefined) checkConnection(it, context);
      const servers = Array.isArray(it.servers) ? it.servers : [];
      for (const [index, server] of servers.entries())
        if (String(server?.url).startsWith('wss:'))
          refuse(context, ['servers', index], 'is for links: claims go by nats:// or tls://');
    }, ALWAYS)
    .transform(({ link, servers = [], max_bytes, replicas, ...login }): ClaimsConfig => {
      const own = (): ChoriaConnection =>
        connectionOf({ ...login, servers, buffer: buffer().parse(undefined) });
      return {
        at: link === undefined ? { kind: 'own', connection: own() } : { kind: 'link', name: link },
        maxBytes: max_bytes,
        replicas,
      };
    });
};
