import { z } from 'zod';
import type { SchemaContext } from '../config/context.ts';
import { ALWAYS, field, keysOf, path, refuse, setting, token } from '../config/fields.ts';
import { type ListenAddress, readListen } from '../config/listen.ts';
import { isLoopback } from '../config/loopback.ts';
import { hostName } from '../config/shared.ts';
import { type CallerEntry, callerEntry } from '../policy/rules/callers.ts';

/** Who may see the live page, and how he proves who he is. */
export interface PageLoginConfig {
  /** The ingress whose clients prove it in the same way. */
  readonly ingress: string;
  readonly allow: readonly CallerEntry[];
  /** As the header Host has them; undefined: those of the ingress, or of this machine. */
  readonly hosts: readonly string[] | undefined;
  /** Paths; undefined: the ingress's. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
}

/** Where the live page is served. */
export interface PageConfig extends ListenAddress {
  /** Undefined where everybody sees it who reaches it. */
  readonly login: PageLoginConfig | undefined;
}

const listen = () =>
  field('an address and a port such as 127.0.0.1:8223 or [::1]:8223, or off', readListen, {
    type: ['string', 'boolean'],
  });

const tls = (file: () => ReturnType<typeof path>) =>
  z.strictObject({
    cert: setting('the certificate that browsers are shown, in PEM, with its intermediates', file()),
    key: setting('its private key, in PEM', file()),
  });

interface Given {
  readonly listen?: ListenAddress | 'off' | undefined;
  readonly login?: unknown;
  readonly allow?: readonly unknown[] | undefined;
  readonly hosts?: unknown;
  readonly tls?: unknown;
}

const isGroup = (entry: unknown): boolean =>
  typeof entry === 'object' && entry !== null && 'kind' in entry && entry.kind === 'group';

const checkTogether = (it: Given, context: z.core.$RefinementCtx<Given>): void => {
  const { host } = (it.listen !== 'off' && keysOf(it.listen)) || {};
  if (it.login === undefined) {
    if (host !== undefined && !isLoopback(host))
      refuse(
        context,
        ['listen'],
        `${host} can be reached from other machines: give login, the name of an ingress whose clients prove who they are, and allow; or listen on 127.0.0.1, [::1] or localhost`,
      );
    for (const key of ['allow', 'hosts', 'tls'] as const)
      if (it[key] !== undefined)
        refuse(context, [key], 'is of no use without login, the name of an ingress that tells who it is');
    return;
  }
  if (it.allow === undefined)
    refuse(
      context,
      ['allow'],
      'is missing: nobody could see the page; say who may, such as oidc=alice@example.net',
    );
  for (const [index, entry] of (it.allow ?? []).entries())
    if (isGroup(entry))
      refuse(
        context,
        ['allow', index],
        'is a group, which policies have: name callers, or a pattern of them',
      );
};

/** The live page; there is none unless the file gives an address. */
export const page = (context: SchemaContext) => {
  const file = () => path(context.resolve);
  return z
    .strictObject({
      listen: setting('where the live page is served', listen().optional(), { default: 'off' }),
      login: setting(
        'the ingress as whose clients browsers prove who they are; without it everybody on this machine sees the page',
        token('the name of an ingress').optional(),
      ),
      allow: setting(
        'who may see it: callers such as oidc=alice@example.net, or patterns of the whole name between slashes',
        z.array(callerEntry()).min(1).optional(),
      ),
      hosts: setting(
        "the names by which browsers reach it, as their header Host has them; where it is not given, the ingress's, or those of this machine",
        z.array(hostName()).min(1).optional(),
      ),
      tls: setting("with which certificate; where it is not given, the ingress's", tls(file).optional()),
    })
    .superRefine(checkTogether, ALWAYS)
    .default({})
    .transform(({ listen: address, login, allow = [], hosts, tls }): PageConfig | undefined => {
      if (typeof address !== 'object') return undefined;
      const names = hosts?.map((host) => host.toLowerCase());
      return {
        ...address,
        login: login === undefined ? undefined : { ingress: login, allow, hosts: names, tls },
      };
    });
};
