import {
  both,
  type ChoriaLeaf,
  type Expression,
  either,
  isLeaf,
  type Leaf,
  leavesOf,
  negated,
  rewritten,
} from '../../../envelope/expression.ts';
import { Rejection } from '../../../envelope/rejection.ts';
import { dataTranslation } from './data-to-legacy.ts';
import { isOrdering } from './digits.ts';
import { exprText } from './expr-text.ts';
import { factTranslation, filterTranslation } from './fact-to-legacy.ts';
import { lowered, withoutCase } from './letter-case.ts';
import { MAX_LEAVES, MAX_TOKENS, unsupported } from './refusal.ts';
import { type Translation, textPattern } from './translation.ts';

/** An agent is named by a file and by a constant of Ruby's, so that this can be the name of a class alone. */
const isNoAgent = (name: string): boolean => /[^A-Za-z0-9_]/.test(name);

/** `with("name")` and `with("/pattern/")` ask for classes and agents, by a pattern without regard to case. */
const nameTranslation = (query: string, part: string): Translation => {
  const pattern = /^\/(.*)\/$/s.exec(query)?.[1];
  const instead = pattern === undefined ? `"${query}" in classes` : `any(classes, {# matches "${pattern}"})`;
  if (query === '') throw unsupported(part, 'it asks for nothing');
  // go-choria looks for a name in lower case, among classes as they are.
  const named = { kind: 'class', name: lowered(query) } as const;
  return {
    whenTrue: () =>
      pattern === undefined ? named : { kind: 'class-pattern', pattern: withoutCase(pattern, 'less') },
    whenFalse: () => {
      if (pattern === undefined && isNoAgent(query)) return negated(named);
      throw unsupported(
        part,
        `where it must not hold, with() means agents as well as classes; write ${instead}`,
      );
    },
  };
};

/** Of newer versions of go-choria the last counts, of older ones the first: only one is clear. */
const OPERATOR = /<=|>=|=>|=<|<|>|!=|=~|==?/g;

/** As Go's `unicode.IsSpace`: JavaScript's has U+FEFF too, and not U+0085. */
const isSpace = (char: string): boolean => char === '\x85' || (char !== '\ufeff' && /\s/.test(char));

/** As Go's `strings.TrimSpace`. In one go from each end: an expression would look at long spaces within again and again. */
const trimmed = (text: string): string => {
  let [from, to] = [0, text.length];
  while (from < to && isSpace(text.charAt(from))) from++;
  while (from < to && isSpace(text.charAt(to - 1))) to--;
  return text.slice(from, to);
};

const withTranslation = (query: string, part: string): Translation => {
  const [found, ...more] = query.matchAll(OPERATOR);
  if (more.length > 0) throw unsupported(part, 'it has more than one operator');
  if (found === undefined) return nameTranslation(query, part);
  const value = query.slice(found.index + found[0].length);
  return filterTranslation(trimmed(query.slice(0, found.index)), found[0], trimmed(value), part);
};

const answers = (leaf: ChoriaLeaf): Translation => {
  if (leaf.kind === 'text') throw new Rejection('unsupported_filter', leaf.why);
  const part = exprText(leaf);
  switch (leaf.kind) {
    case 'with':
      return withTranslation(leaf.query, part);
    case 'value':
      return leaf.name === 'fact' ? factTranslation(leaf, part) : dataTranslation(leaf, part);
    case 'any-class': {
      const matches = { kind: 'class-pattern', pattern: textPattern(leaf.operator, leaf.value) } as const;
      return { whenTrue: () => matches, whenFalse: () => negated(matches) };
    }
  }
};

const isLegacy = (leaf: Leaf): leaf is Exclude<Leaf, ChoriaLeaf> =>
  ['class', 'class-pattern', 'fact', 'data'].includes(leaf.kind);

/** Whether there are nodes on which it neither holds nor does not, but fails go-choria's whole expression. */
const canFail = (expression: Expression): boolean =>
  leavesOf(expression).some(
    (leaf) =>
      leaf.kind === 'value' &&
      (leaf.name !== 'fact' ||
        isOrdering(leaf.operator) ||
        (leaf.operator !== '==' && leaf.operator !== '!=')),
  );

/** How many leaves the compound filters of one request may still become. */
interface Room {
  left: number;
}

class LegacyTranslator {
  private left = MAX_TOKENS;
  private readonly whole: Expression;
  private readonly room: Room;

  constructor(whole: Expression, room: Room) {
    this.whole = whole;
    this.room = room;
  }

  /** What holds of a daemon only where the expression, to go-choria, does (or does not); where it fails, it is neither. */
  that(expression: Expression, holds: boolean): Expression {
    if (isLeaf(expression) || !canFail(expression)) {
      const asked = rewritten(expression, (leaf, positive) => this.leaf(leaf, positive), holds);
      return holds ? asked : negated(asked);
    }
    if (expression.kind === 'not') return this.that(expression.operand, !holds);
    const { kind, operands } = expression;
    // One operand that holds decides an `or`, one that does not an `and`; go-choria looks no further.
    const isDecided = holds === (kind === 'or');
    const asked = operands.map((one) => this.that(one, holds));
    if (!isDecided) return both(...asked);
    return asked.reduceRight((rest, one, at) => {
      const operand = operands[at];
      const passed =
        operand !== undefined && canFail(operand) ? both(this.that(operand, !holds), rest) : rest;
      return either(one, passed);
    });
  }

  private leaf(leaf: Leaf, positive: boolean): Expression {
    this.left -= 1;
    if (this.left < 0)
      throw unsupported(
        exprText(this.whole),
        `it becomes more than ${MAX_TOKENS} tokens; write what go-choria may fail at behind what it cannot, ` +
          'that is fact() but for == and !=, and data functions',
      );
    this.room.left -= 1;
    if (this.room.left < 0) throw unsupported('…', `together they become more than ${MAX_LEAVES} parts`);
    if (isLegacy(leaf)) return leaf;
    const { whenTrue, whenFalse } = answers(leaf);
    return positive ? whenTrue() : negated(whenFalse());
  }
}

/**
 * The expression in questions that legacy nodes understand. It matches no node that the original would not match: a
 * leaf that can be asked only narrowly is asked so, and below a `not` widely. A comparison that fails go-choria, of a
 * fact that is not there by size, just does not hold for a daemon; what comes behind it then must not hold either.
 * @throws Rejection `unsupported_filter`, showing the part
 */
export const toLegacy = (expression: Expression, room: Room = { left: MAX_LEAVES }): Expression =>
  leavesOf(expression).every(isLegacy)
    ? expression
    : new LegacyTranslator(expression, room).that(expression, true);

/** As `toLegacy`, of all compound filters of a request. */
export const allToLegacy = (expressions: readonly Expression[]): readonly Expression[] => {
  const room = { left: MAX_LEAVES };
  return expressions.map((one) => toLegacy(one, room));
};
