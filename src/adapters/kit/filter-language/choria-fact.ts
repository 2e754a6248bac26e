import {
  both,
  type Expression,
  either,
  type Literal,
  negated,
  type ValueOperator,
} from '../../../envelope/expression.ts';
import { digitsPattern, isWhole, OPPOSITE, type Ordering, sizePattern } from './digits.ts';
import { isFactPath } from './legacy-fact.ts';
import { parsePattern, patternText } from './pattern.ts';
import { unsupported } from './refusal.ts';
import type { Translation } from './translation.ts';

/** A number as JSON and Ruby both write it; of fractions close to 0 Ruby writes the exponent, and of `-0` a 0. */
const isPlainNumber = (text: string): boolean =>
  /^(?:0|-?(?:[1-9]\d{0,14}|(?:0\.[1-9]\d{0,11}|[1-9]\d{0,11}\.\d{0,2})(?<=[1-9])))$/.test(text);

const isNumberLike = (text: string): boolean => /^\s*[-+.\d]/.test(text) && Number.isFinite(Number(text));

/**
 * Questions about one fact to Go nodes, whose facts are JSON: a legacy daemon would make a text of each value (`2` is
 * `"2"`, `true` is `"true"`), look at every element of a list and every key of a hash, and not know `null`.
 */
class ChoriaFact {
  private readonly path: string;
  private readonly part: string;

  constructor(path: string, part: string) {
    this.path = path;
    this.part = part;
  }

  is(operator: ValueOperator, value: Literal): Expression {
    return { kind: 'value', name: 'fact', query: this.path, field: null, operator, value };
  }

  private filter(comparison: string): Expression {
    return { kind: 'with', query: `${this.path}${comparison}` };
  }

  get isMissing(): Expression {
    return this.is('==', null);
  }

  get isThere(): Expression {
    return this.is('!=', null);
  }

  /** gjson's `#` is how many a list holds, and of anything else it is missing. */
  private isNoList(path = this.path): Expression {
    return { kind: 'value', name: 'fact', query: `${path}.#`, field: null, operator: '==', value: null };
  }

  /** That a daemon looks for no name in a list, which would fail its whole filter. */
  get isReached(): readonly Expression[] {
    const parts = this.path.split('.');
    return parts.flatMap((part, at) =>
      at > 0 && !/^\d/.test(part) ? [this.isNoList(parts.slice(0, at).join('.'))] : [],
    );
  }

  /** That a daemon can compare at all: not within lists in lists, and as numbers only what Ruby reads as such. */
  isComparable(operator: Ordering | '=~', value: string): Expression {
    if (operator === '=~' || !/^\d/.test(value)) return this.isNoList();
    const misread = `\\x0a|\\A0[0-9]*[89][0-9]*\\z|\\A[0-9]+[^0-9\\x2e][0-9]+\\z`;
    return either(this.isMissing, both(this.isPlain, negated(this.filter(`=~/${misread}/`))));
  }

  /** No other value than a text comes after `!`, and none of those that begin with a space. */
  private get isText(): Expression {
    return this.filter('>=!');
  }

  /** A whole number; also a text of the same form. A point in the pattern makes go-choria write four decimals. */
  private get isWholeNumber(): Expression {
    return both(this.is('!=', false), this.filter('=~/^-?[0-9]+[.]0000$/'));
  }

  /** Neither a list nor a hash. A pattern matches `false` whatever it is, and `true` never. */
  get isPlain(): Expression {
    return either(this.filter('=~/.*/'), this.is('==', true));
  }

  /** `with()` would compare without regard to case, and take `false` for every text. */
  equals(text: string): Expression {
    const other = isPlainNumber(text)
      ? Number(text)
      : text === 'true'
        ? true
        : text === 'false'
          ? false
          : undefined;
    const asText = this.is('==', text);
    return other === undefined ? asText : either(asText, this.is('==', other));
  }

  differs(text: string): Expression {
    const isTruth = text === 'true' || text === 'false';
    if (isNumberLike(text) && !isPlainNumber(text) && !/^\d{1,15}(?:\.\d{1,15})?$/.test(text))
      throw unsupported(this.part, 'numbers are compared as 12 or 1.5');
    const others = isTruth ? [text === 'true'] : isNumberLike(text) ? [Number(text)] : [];
    return both(this.is('!=', text), ...others.map((other) => this.is('!=', other)));
  }

  /**
   * That a daemon's `!=` holds, which plain filters have: as numbers where both are whole ones, with zeros in front
   * octal ones, also with fractions where both are of three characters or more, and else as texts.
   */
  isUnlike(text: string): Expression {
    if (/[\r\n]/.test(text)) throw unsupported(this.part, 'it has more than one line');
    if (!/^\d+(?:\D\d+)?$/u.test(text)) return both(this.isThere, this.isPlain, this.differs(text));
    if (!isWhole(text)) throw unsupported(this.part, 'numbers are compared by != as whole ones, such as 12');
    const isNoNumber = negated(this.is('matches', '(?:\\A|\\x0a)[0-9]+(?:[^\\x0a]?[0-9]+)?(?:\\z|\\x0a)'));
    const others = [digitsPattern('<', text), digitsPattern('>', text)].filter((one) => one !== undefined);
    return either(both(this.isText, isNoNumber), ...others.map((pattern) => this.matches(pattern)));
  }

  /** @param source of Ruby's */
  matches(source: string): Expression {
    const pattern = parsePattern(source, 'ruby');
    return either(
      both(this.isText, this.is('matches', patternText(pattern, 'less'))),
      both(this.isWholeNumber, this.filter(`=~/${patternText(pattern)}/`)),
    );
  }

  matchesNot(source: string): Expression {
    const pattern = parsePattern(source, 'ruby');
    return either(
      both(this.isText, negated(this.is('matches', patternText(pattern, 'more')))),
      both(this.isWholeNumber, negated(this.filter(`=~/${patternText(pattern)}/`))),
    );
  }

  compares(operator: Ordering, value: string): Expression {
    if (!/^\d/.test(value)) return both(this.isText, this.is(operator, value));
    return this.matches(sizePattern(operator, value, this.part));
  }
}

/** @throws Rejection `unsupported_filter` for a name that go-choria cannot be asked for */
const choriaFact = (name: string, part: string, isPath: boolean): ChoriaFact => {
  if (isPath && !isFactPath(name))
    throw unsupported(
      part,
      'a fact’s name in fact() is names and numbers from 0 (not -1, not 01), with dots between',
    );
  if (!/^[\w.:-]+$/.test(name))
    throw unsupported(part, 'the fact’s name has other characters than letters, digits, _ - : .');
  // To go-choria a dot leads into a hash; statements have no such thing.
  return new ChoriaFact(isPath ? name : name.replaceAll('.', '\\.'), part);
};

/** A plain filter's `fact!=value`, which statements do not have. @throws Rejection `unsupported_filter` */
export const plainlyUnlike = (name: string, value: string): Expression =>
  choriaFact(name, `${name}!=${value}`, false).isUnlike(value);

/** A statement's `fact operator value`. */
export const statementTranslation = (
  name: string,
  operator: Ordering | '==' | '=~',
  value: string,
): Translation => {
  const part = `${name}${operator === '==' || operator === '=~' ? '=' : operator}${operator === '=~' ? `/${value}/` : value}`;
  const fact = choriaFact(name, part, false);
  const unlessThere = (whenFalse: Expression): Expression => either(fact.isMissing, whenFalse);
  if (operator === '==')
    return {
      whenTrue: () => fact.equals(value),
      whenFalse: () => unlessThere(both(fact.isPlain, fact.differs(value))),
    };
  if (operator === '=~')
    return { whenTrue: () => fact.matches(value), whenFalse: () => unlessThere(fact.matchesNot(value)) };
  return {
    whenTrue: () => fact.compares(operator, value),
    whenFalse: () => unlessThere(fact.compares(OPPOSITE[operator], value)),
  };
};

/** `fact('path').value operator compare` of MCollective's own data plugin, whose values are texts. */
export const factPluginTranslation = (
  path: string,
  operator: string,
  compare: string,
  part: string,
): Translation => {
  const fact = choriaFact(path, part, true);
  const unlessThere = (whenFalse: Expression): Expression =>
    either(both(fact.isMissing, ...fact.isReached), whenFalse);
  const differs = (): Expression => both(fact.isThere, fact.isPlain, fact.differs(compare));
  switch (operator) {
    // A fact that is missing fails the whole filter; `factPluginCondition` sees to that.
    case '==':
      return { whenTrue: () => fact.equals(compare), whenFalse: differs };
    case '!=':
      return { whenTrue: differs, whenFalse: () => fact.equals(compare) };
    case '=~':
      return {
        whenTrue: () => fact.matches(compare),
        whenFalse: () => unlessThere(fact.matchesNot(compare)),
      };
    case '!=~':
      return {
        whenTrue: () => both(fact.isThere, fact.matchesNot(compare)),
        whenFalse: () => unlessThere(fact.matches(compare)),
      };
    default:
      throw unsupported(part, 'values of the fact plugin are texts, which daemons do not compare by size');
  }
};

/**
 * What has to be true besides, where a daemon evaluates the statement though its truth decides nothing: one that
 * cannot be compared fails the filter.
 */
export const statementCondition = (
  name: string,
  operator: Ordering | '==' | '=~',
  value: string,
): readonly Expression[] =>
  operator === '==' ? [] : [choriaFact(name, name, false).isComparable(operator, value)];

/** As `statementCondition`, of the data plugin. */
export const factPluginCondition = (path: string, operator: string): readonly Expression[] => {
  const fact = choriaFact(path, path, true);
  return operator === '==' || operator === '!=' ? [fact.isThere] : fact.isReached;
};
