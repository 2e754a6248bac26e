import { isCallerId } from '../envelope/check.ts';
import type { Pattern } from '../envelope/pattern.ts';
import { Rejection } from '../envelope/rejection.ts';
import { quoted } from '../envelope/text.ts';

/** One rule of who is who: an exact name, or a regular expression that has to match the whole name. */
export interface IdentityRule {
  readonly match:
    | { readonly kind: 'exact'; readonly name: string }
    | { readonly kind: 'regex'; readonly pattern: Pattern };
  /** The name on the other side; `$1` and so on stand for what the expression's groups matched. */
  readonly to: string;
  /** Whether this rule may yield a name that the other side holds privileged. */
  readonly privileged: boolean;
}

export interface IdentityMapOptions {
  readonly rules: readonly IdentityRule[];
  /** Names that the other side holds privileged. */
  readonly privileged: readonly Pattern[];
}

/**
 * The caller's name on the other side; the first rule that matches decides.
 * @throws Rejection `no_mapping`, `privileged_mapping` or `invalid_callerid`
 */
export const mapCaller = (caller: string, { rules, privileged }: IdentityMapOptions): string => {
  for (const rule of rules) {
    const name = apply(rule, caller);
    if (name === undefined) continue;
    if (!isCallerId(name))
      throw new Rejection(
        'invalid_callerid',
        `${caller} is mapped to ${quoted(name)}, which is no caller id`,
        { caller },
      );
    if (!rule.privileged && privileged.some((pattern) => find(pattern, name) !== null)) {
      throw new Rejection(
        'privileged_mapping',
        `${caller} is mapped to ${name}, which is privileged there, by a rule that may not yield privileged names`,
        { caller },
      );
    }
    return name;
  }
  throw new Rejection('no_mapping', `no identity rule maps ${caller}, so its requests do not pass`, {
    caller,
  });
};

/** From the start each time: a pattern with `g` or `y` would go on where it ended the last time. */
const find = (pattern: Pattern, text: string): readonly (string | undefined)[] | null => {
  if (pattern instanceof RegExp) pattern.lastIndex = 0;
  return pattern.exec(text);
};

const apply = (rule: IdentityRule, caller: string): string | undefined => {
  if (rule.match.kind === 'exact') return rule.match.name === caller ? rule.to : undefined;
  const groups = find(rule.match.pattern, caller);
  // Half a match is none: the pattern need not be anchored for the rule to be.
  if (groups === null || groups[0] !== caller) return undefined;
  return rule.to.replace(/\$(\d)/g, (_, digit: string) => groups[Number(digit)] ?? '');
};
