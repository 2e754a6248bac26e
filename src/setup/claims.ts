import { z } from 'zod';
import { checkNats, type NatsConnection, natsFields, natsOf } from '../adapters/kit/nats/config.ts';
import { camelKeys } from '../config/camel-keys.ts';
import type { SchemaContext } from '../config/context.ts';
import { ALWAYS, bytes, integer, path, refuse, setting, token } from '../config/fields.ts';
import { buffer } from '../config/shared.ts';

const MiB = 1024 ** 2;

/** The settings of an own connection; with `link` they come from the link. */
const OWN = [
  'servers',
  'tls',
  'insecure_plaintext',
  'user',
  'password',
  'password_file',
  'token',
  'token_file',
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
  const { buffer: _, servers, ...login } = natsFields(() => path(context.resolve));
  return z
    .strictObject({
      link: setting(
        'whose servers, TLS and login are used, in place of a connection of its own',
        token('the name of an ingress or egress').optional(),
      ),
      servers: setting('the servers with JetStream, by nats:// or tls://', servers.optional()),
      ...login,
      max_bytes: setting('what all claims may take there', bytes(16 * MiB, MiB ** 2).default(128 * MiB)),
      replicas: setting('how many servers of a NATS cluster keep them', integer(1, 5).default(1)),
    })
    .superRefine(checkPlace, ALWAYS)
    .superRefine((it, context) => {
      if (it.link === undefined) checkNats(it, context);
      const servers = Array.isArray(it.servers) ? it.servers : [];
      for (const [index, server] of servers.entries())
        if (String(server?.url).startsWith('wss:'))
          refuse(context, ['servers', index], 'is for links: claims go by nats:// or tls://');
    }, ALWAYS)
    .transform(({ link, servers = [], max_bytes, replicas, ...login }) => {
      const own = (): NatsConnection => natsOf({ ...login, servers, buffer: buffer().parse(undefined) });
      const at: ClaimsPlace =
        link === undefined ? { kind: 'own', connection: own() } : { kind: 'link', name: link };
      return { at, ...camelKeys({ max_bytes, replicas }) };
    });
};

/** A connection, or the ingress or egress whose servers and login are used. */
type ClaimsPlace =
  | { readonly kind: 'own'; readonly connection: NatsConnection }
  | { readonly kind: 'link'; readonly name: string };
