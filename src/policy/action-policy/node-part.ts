import { rubyWords } from './callers.ts';
import { ANY, andThen, type Effects, EITHER, ERROR, everyInTurn, NO, YES } from './effects.ts';
import { compileRubyPattern } from './ruby-pattern/compile.ts';

/** What a line asks of a node: its facts and its classes. What a node may answer is seen, not what it does. */
export type NodePart = (facts: string, classes: string | undefined) => Effects;

const OPERATORS: ReadonlySet<string> = new Set(['not', 'or', 'and']);

/** What all three take for a compound statement in one word: `/^!|^not$|^or$|^and$|\(.+\)/`, which takes the square of its length. */
const isCompound = (word: string): boolean => {
  if (word.startsWith('!') || OPERATORS.has(word)) return true;
  const [opens, closes] = [word.indexOf('('), word.lastIndexOf(')')];
  return opens !== -1 && closes > opens + 1;
};

/** What all three take for a comparison of a fact. */
const COMPARISON = /.[<>=]./;

export const isComparison = (word: string): boolean => COMPARISON.test(word);

export const isRubyCompound = (field: string): boolean => rubyWords(field).some(isCompound);
export const isGoCompound = (field: string): boolean => field.split(' ').some(isCompound);

/** A fact with a quotation mark in it makes Ruby's comparison fail. */
const rubyFact = (word: string): Effects => (isComparison(word) ? ANY : NO);

const rubyClass = (word: string): Effects => {
  if (isComparison(word)) return NO;
  if (!word.startsWith('/')) return EITHER;
  const pattern = compileRubyPattern(word.replaceAll('/', ''));
  return pattern.kind === 'pattern' ? EITHER : pattern.kind === 'broken' ? ERROR : ANY;
};

const rubyFacts = (field: string): Effects => {
  if (field === '*') return YES;
  return isRubyCompound(field) ? ANY : everyInTurn(rubyWords(field), rubyFact);
};

const rubyClasses = (field: string): Effects => {
  if (field === '*') return YES;
  return isRubyCompound(field) ? ANY : everyInTurn(rubyWords(field), rubyClass);
};

/** Without a field for classes Ruby takes the facts for a compound statement, in which `*` is a class that no node has. */
export const rubyNodePart: NodePart = (facts, classes) => {
  if (classes !== undefined) return andThen(rubyFacts(facts), () => rubyClasses(classes));
  return facts === '*' ? NO : ANY;
};

const GO_OPERATORS = /<=|>=|=>|=<|<|>|!=|=~|={1,2}/g;

/** Whether go-choria takes a word for a comparison of a fact: the rightmost operator counts, with something on both sides. */
const isGoFact = (word: string): boolean => {
  const operator = [...word.matchAll(GO_OPERATORS)].at(-1);
  if (operator === undefined) return false;
  const left = goTrim(word.slice(0, operator.index));
  const right = goTrim(word.slice(operator.index + operator[0].length));
  return left !== '' && right !== '' && !/^[<>=]/.test(left) && !/[<>=]$/.test(right);
};

const GO_SPACE = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

/** Go's TrimSpace: JavaScript's trim has the byte order mark besides, and lacks U+0085. */
const goTrim = (text: string): string => {
  let [from, to] = [0, text.length];
  while (from < to && GO_SPACE.test(text.charAt(from))) from++;
  while (to > from && GO_SPACE.test(text.charAt(to - 1))) to--;
  return text.slice(from, to);
};

const goFacts = (field: string): Effects => {
  if (field === '*') return YES;
  return field.split(' ').every(isGoFact) ? EITHER : ERROR;
};

const goClasses = (field: string | undefined): Effects => {
  if (field === '*') return YES;
  return field === undefined || field.split(' ').some(isComparison) ? ERROR : EITHER;
};

/** go-choria looks at both, so that what is wrong in the classes counts where the facts do not match as well. */
export const goNodePart: NodePart = (facts, classes) => {
  const both = [goFacts(facts), goClasses(classes)];
  return both.some(({ error }) => error) ? ERROR : everyInTurn(both, (it) => it);
};
