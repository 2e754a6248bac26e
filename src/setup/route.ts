import { z } from 'zod';
import { type CamelKeys, camelKeys } from '../config/camel-keys.ts';
import { ALWAYS, bool, pattern, refuse, setting, text, token } from '../config/fields.ts';
import { PROVEN_NAMES } from '../config/pattern/meaning.ts';
import { isCallerId, isProvenName } from '../envelope/check.ts';
import type { Pattern } from '../envelope/pattern.ts';

/** Whom a rule is for. */
type Match =
  | { readonly kind: 'exact'; readonly name: string }
  /** Anchored at both ends. */
  | { readonly kind: 'regex'; readonly pattern: Pattern };

const GROUP = /\$(\d)/g;

/** What `to` yields for the shortest captures: a callerid, if it can ever be one. */
const sample = (to: string): string => to.replace(GROUP, 'x');

/** The caller's whole name must match, or `choria=(.+)\.mcollective` would also let in `xchoria=…`. */
const anchored = () =>
  pattern(PROVEN_NAMES, { whole: true, allowed: 'a regular expression such as choria=(.+)\\.mcollective' });

/** What is there of a rule that may have other faults: the groups of its expression, if it is one. */
const groupsOf = (regex: unknown): number | undefined =>
  typeof regex === 'object' && regex !== null && 'groups' in regex && typeof regex.groups === 'number'
    ? regex.groups
    : undefined;

const identity = () =>
  z
    .strictObject({
      exact: setting(
        "the caller's whole name",
        text('a callerid such as choria=rip.mcollective', isProvenName).optional(),
      ),
      regex: setting("what matches the caller's whole name", anchored().optional()),
      to: setting(
        'the name on the other side',
        text('a callerid such as cert=rip, or with the groups of regex: cert=$1', (to) =>
          isCallerId(sample(to)),
        ),
      ),
      privileged: setting(
        'whether this rule may yield a name that the other side holds privileged',
        bool().default(false),
      ),
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
    .transform(({ exact = '', regex, ...it }) => {
      const match: Match =
        regex === undefined ? { kind: 'exact', name: exact } : { kind: 'regex', pattern: regex };
      return { match, ...camelKeys(it) };
    });

export const route = () =>
  z
    .strictObject({
      from: setting('where requests come in', token('the name of an ingress')),
      to: setting('where they go out', token('the name of an egress')),
      collectives: setting('what clients may reach', z.array(token('a collective')).min(1)),
      identities: setting(
        'who callers are on the other side: the first rule that matches counts, and without one nobody passes',
        z.array(identity()).min(1).optional(),
      ),
      verify: setting(
        'whether requests are verified before they pass as they are; only where there are no identities',
        bool().optional(),
        { default: false },
      ),
      policy: setting(
        'who of them may ask what: what its rules do not allow is refused; where it is not given, everybody who has a name on the other side may',
        token('the name of a policy').optional(),
      ),
    })
    .transform(({ identities = [], verify = false, ...it }) => ({ ...camelKeys(it), identities, verify }));

/** What requests from an ingress to an egress may reach, and who their callers are there. */
export type RouteConfig = CamelKeys<z.output<ReturnType<typeof route>>>;

/** Turns a caller of one side into a caller of the other. */
export type IdentityRule = RouteConfig['identities'][number];
