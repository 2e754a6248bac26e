import { both, type Expression } from '../../../envelope/expression.ts';
import type { FactFilter, Filter } from '../../../envelope/filter.ts';
import { plainlyUnlike } from './choria-fact.ts';
import { excludesLetters } from './letter-case.ts';
import { parsePattern, patternText } from './pattern.ts';
import { checkPlain, inPlain, MAX_PATTERN_CHARS, unsupported } from './refusal.ts';
import { toChoria } from './to-choria.ts';

/**
 * Whether Go compiles a source of Ruby's that `parsePattern` takes, and matches without regard to case whatever Ruby
 * matches with regard to it.
 */
const coversPattern = (source: string): boolean =>
  !source.startsWith('(?-') && !excludesLetters(parsePattern(source, 'ruby'));

/** `Util.has_cf_class?` takes every slash out of what begins with one; go-choria only those around the pattern. */
const withoutSlashes = (text: string): string => text.replaceAll('/', '');
const isPattern = (text: string): boolean => text.startsWith('/');
const hasOuterSlashesAlone = (text: string): boolean => /^\/[^/]*\/$/.test(text);

const classLeaf = (text: string): Expression =>
  isPattern(text)
    ? toChoria({ kind: 'class-pattern', pattern: withoutSlashes(text) })
    : { kind: 'class', name: text };

/** go-choria looks for a class in lower case. */
const coversClass = (text: string): boolean =>
  isPattern(text)
    ? hasOuterSlashesAlone(text) && coversPattern(withoutSlashes(text))
    : /^[ -@[-~]*$/.test(text);

/** What `Util.test_fact_value` makes a regular expression of. */
const factSource = (value: string): string => /(?:^|\n)\/([^\n]+)\/(?=\n|$)/.exec(value)?.[1] ?? value;

const factLeaf = ({ fact, operator, value }: FactFilter): Expression => {
  if (value.length > MAX_PATTERN_CHARS)
    throw unsupported(
      `${fact}${operator}${value}`,
      `the value has more than ${MAX_PATTERN_CHARS} characters`,
    );
  if (operator === '!=') return plainlyUnlike(fact, value);
  if (operator !== '==' && operator !== '=~' && /[\r\n]/.test(value))
    throw unsupported(`${fact}${operator}${value}`, 'it has more than one line');
  return toChoria({ kind: 'fact', fact, operator, value: operator === '=~' ? factSource(value) : value });
};

/**
 * go-choria takes dots in a name for a way into hashes. Where a pattern has a dot it compares numbers with four
 * decimals; every slash at its ends is taken off.
 */
const coversFact = ({ fact, operator, value }: FactFilter): boolean => {
  if (fact.includes('.') || (operator !== '==' && operator !== '=~')) return false;
  if (operator === '==') return true;
  const source = factSource(value);
  return !/[.\n]|^\/|\/$/.test(value.includes('\n') ? value : source) && coversPattern(source);
};

/** Of names in one line and their case both sides think alike, so that only slashes within need care. */
const name = (text: string): string => {
  if (!isPattern(text)) return text;
  const source = withoutSlashes(text);
  const pattern = patternText(parsePattern(source, 'ruby'));
  return hasOuterSlashesAlone(text) && !source.startsWith('(?-') ? text : `/${pattern}/`;
};

/**
 * A legacy client's filter as Go nodes have to be asked. go-choria compares plain facts and classes without regard to
 * case, takes a fact that is `false` for every text, and orders digits as texts; expressions can say what is meant.
 * What go-choria's plain filter matches besides the right nodes stays beside its expression, for who looks there.
 * @throws Rejection `unsupported_filter`, showing the part
 */
export const plainToChoria = (filter: Filter): Filter => {
  const { fact, cfClass, agent, identity, compound } = filter;
  checkPlain(filter);
  return {
    ...filter,
    compound: [
      ...(compound.length === 0 ? [] : [toChoria(both(...compound))]),
      ...fact.map((one) => inPlain('fact', () => factLeaf(one))),
      ...cfClass.map((one) => inPlain('class', () => classLeaf(one))),
    ],
    fact: fact.filter(coversFact),
    cfClass: cfClass.filter(coversClass),
    agent: agent.map((one) => inPlain('agent', () => name(one))),
    identity: identity.map((one) => inPlain('identity', () => name(one))),
  };
};
