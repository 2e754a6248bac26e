import { z } from 'zod';
import { isCallerId } from '../envelope/check.ts';
import { ALWAYS, bool, compile, field, refuse, text, token } from './fields.ts';
import type { IdentityRule, RouteConfig } from './types.ts';

const GROUP = /\$(\d)/g;

/** What `to` yields for the shortest captures: a callerid, if it can ever be one. */
const sample = (to: string): string => to.replace(GROUP, 'x');

/** How many groups an expression has: with an empty alternative it matches the empty text, and lists them all. */
const groups = (pattern: RegExp): number => (new RegExp(`${pattern.source}|`).exec('')?.length ?? 1) - 1;

/** The caller's whole name must match, or `choria=(.+)\.mcollective` would also let in `xchoria=…`. */
const anchored = () =>
  field('a regular expression such as choria=(.+)\\.mcollective', (value) => {
    if (typeof value !== 'string' || value === '') return undefined;
    const source = value.replace(/^\/(.+)\/$/s, '$1');
    return compile(source) && compile(`^(?:${source})$`);
  });

const identity = () =>
  z
    .strictObject({
      exact: text('a callerid such as choria=rip.mcollective', isCallerId).optional(),
      regex: anchored().optional(),
      to: text('a callerid such as cert=rip, or with the groups of regex: cert=$1', (to) =>
        isCallerId(sample(to)),
      ),
      privileged: bool().default(false),
    })
    .superRefine((it, context) => {
      if ((it.exact === undefined) === (it.regex === undefined))
        refuse(context, [], 'give either exact or regex');
      if (typeof it.to !== 'string' || (it.regex !== undefined && !(it.regex instanceof RegExp))) return;
      const most = it.regex === undefined ? 0 : groups(it.regex);
      for (const [reference, number] of it.to.matchAll(GROUP))
        if (Number(number) < 1 || Number(number) > most)
          refuse(
            context,
            ['to'],
            `${reference} stands for a group, and there is ${most === 0 ? 'none' : `only ${most}`}`,
          );
    }, ALWAYS)
    .transform(({ exact = '', regex, to, privileged }): IdentityRule => {
      const match: IdentityRule['match'] =
        regex === undefined ? { kind: 'exact', name: exact } : { kind: 'regex', pattern: regex };
      return { match, to, privileged };
    });

export const route = () =>
  z
    .strictObject({
      from: token('the name of an ingress'),
      to: token('the name of an egress'),
      collectives: z.array(token('a collective')).min(1),
      identities: z.array(identity()).min(1).optional(),
      verify: bool().optional(),
    })
    .transform(({ identities = [], verify = false, ...it }): RouteConfig => ({ ...it, identities, verify }));
