import { z } from 'zod';
import { ALWAYS, bool, pattern, refuse, text, token } from '../config/fields.ts';
import { CALLERS } from '../config/pattern/meaning.ts';
import { isCallerId } from '../envelope/check.ts';
import type { IdentityRule, RouteConfig } from './types.ts';

const GROUP = /\$(\d)/g;

/** What `to` yields for the shortest captures: a callerid, if it can ever be one. */
const sample = (to: string): string => to.replace(GROUP, 'x');

/** The caller's whole name must match, or `choria=(.+)\.mcollective` would also let in `xchoria=…`. */
const anchored = () =>
  pattern(CALLERS, { whole: true, allowed: 'a regular expression such as choria=(.+)\\.mcollective' });

/** What is there of a rule that may have other faults: the groups of its expression, if it is one. */
const groupsOf = (regex: unknown): number | undefined =>
  typeof regex === 'object' && regex !== null && 'groups' in regex && typeof regex.groups === 'number'
    ? regex.groups
    : undefined;

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
      const most = it.regex === undefined ? 0 : groupsOf(it.regex);
      if (typeof it.to !== 'string' || most === undefined) return;
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
