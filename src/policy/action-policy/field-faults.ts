import { quoted } from '../../envelope/text.ts';
import type { Dialect, Fields } from './dialects.ts';
import { type Fault, type FieldStarts, placed } from './fault.ts';
import { isComparison, isGoCompound, isRubyCompound } from './node-part.ts';

/** Operators that no Ruby implementation has: they become part of the fact's name. */
const DEAD = /<=|>=|==|!=|=~|=>|=</;

const CODE = /['\\]/;

/** A field, and where it begins in its line. */
interface Placed {
  readonly text: string;
  readonly at: number;
}

/** The first place of an expression in fields. */
const firstIn = (fields: readonly Placed[], expression: RegExp) => {
  for (const { text, at } of fields) {
    const found = expression.exec(text);
    if (found !== null) return { text: found[0], at: at + found.index };
  }
  return undefined;
};

const rubyFaults = (facts: Placed, classes: Placed | undefined): readonly Fault[] => {
  if (classes === undefined && facts.text === '*')
    return [
      {
        message:
          'without a field for classes the facts * are a class of that name, and the rule never matches: add *',
        at: facts.at,
      },
    ];
  const both = classes === undefined ? [facts] : [facts, classes];
  const dead = firstIn(both, DEAD);
  const code = firstIn(both, CODE);
  return [
    ...(dead === undefined
      ? []
      : [{ message: `facts are compared by = < > only, and ${dead.text} never worked`, at: dead.at }]),
    ...(code === undefined
      ? []
      : [
          {
            message: `' and \\ are code where facts are compared, so that a node's facts could decide`,
            at: code.at,
          },
        ]),
    ...(isRubyCompound(facts.text) || classes === undefined ? [] : plainFacts(facts)),
    ...(classes === undefined || isRubyCompound(classes.text) ? [] : plainClasses(classes)),
  ];
};

const wordsOf = ({ text, at }: Placed) =>
  placed(text.split(/\s+/), text, 0).map(({ word, at: within }) => ({ word, at: at + within }));

const plainFacts = (field: Placed): readonly Fault[] => {
  if (field.text === '*') return [];
  const other = wordsOf(field).find(({ word }) => !isComparison(word));
  if (other === undefined) return [];
  const { word, at } = other;
  return [{ message: `${quoted(word)} is no comparison of a fact, so that the rule never matches`, at }];
};

const plainClasses = (field: Placed): readonly Fault[] => {
  if (field.text === '*') return [];
  const words = wordsOf(field);
  const fact = words.find(({ word }) => isComparison(word));
  if (fact !== undefined) {
    const message = `${quoted(fact.word)} is a fact where a class is expected, so that the rule never matches`;
    return [{ message, at: fact.at }];
  }
  const all = words.find(({ word }) => word === '*');
  if (all === undefined) return [];
  return [{ message: 'the class * is every one only where it stands alone', at: all.at }];
};

const goFaults = (facts: Placed, classes: Placed | undefined, isError: boolean): readonly Fault[] => {
  const compound = [facts, ...(classes === undefined ? [] : [classes])].find(({ text }) =>
    isGoCompound(text),
  );
  if (compound !== undefined)
    return [
      {
        message: 'it is a compound statement, and this dialect passes over the whole line',
        at: compound.at,
      },
    ];
  if (classes === undefined)
    return [
      {
        message: 'without a field for classes the whole request ends with an error: add *',
        at: facts.at + facts.text.length,
      },
    ];
  if (isError) {
    const both = quoted(`${facts.text} ${classes.text}`);
    return [{ message: `its facts or classes end the whole request with an error: ${both}`, at: facts.at }];
  }
  const double = firstIn([classes], / {2}/);
  if (double === undefined) return [];
  return [{ message: 'two blanks between classes are an empty class, which no node has', at: double.at }];
};

/** What is wrong in the facts and classes of a rule. */
export const fieldFaults = (
  entry: {
    readonly fields: Fields;
    readonly kind: string;
    readonly node?: { readonly error: boolean; readonly yes: boolean };
  },
  starts: FieldStarts,
  dialect: Dialect,
): readonly Fault[] => {
  const { fields, node } = entry;
  const facts = { text: fields.facts, at: starts.facts };
  const classes = fields.classes === undefined ? undefined : { text: fields.classes, at: starts.classes };
  return dialect.hasCompounds
    ? rubyFaults(facts, classes)
    : goFaults(facts, classes, node?.error === true && !node.yes);
};
