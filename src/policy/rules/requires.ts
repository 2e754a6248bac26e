import { z } from 'zod';
import { bool, field, refuse, setting, text } from '../../config/fields.ts';
import { FACT_OPERATORS, type FactFilter, type Filter } from '../../envelope/filter.ts';
import { quoted } from '../../envelope/text.ts';
import type { Question } from '../evaluator.ts';

const FACT = /^([^=!<>~]+?)(=~|==|!=|<=|>=|=|<|>)(.+)$/;

const isOperator = (text: string): text is FactFilter['operator'] => FACT_OPERATORS.has(text);

/** A filter by a fact, as clients write it. */
const fact = () =>
  field('a fact and its value such as country=uk, with = != =~ < > <= or >=', (value) => {
    const [, name, sign, wanted] = (typeof value === 'string' && FACT.exec(value)) || [];
    const operator = sign === '=' ? '==' : sign;
    if (name === undefined || wanted === undefined || operator === undefined || !isOperator(operator))
      return undefined;
    return { fact: name, operator, value: wanted };
  });

/** What a request has to bear itself, for the nodes to look at. */
export const requires = () =>
  z
    .strictObject({
      facts: setting('it is filtered by each of these facts', z.array(fact()).min(1).optional()),
      classes: setting(
        'it is filtered by each of these classes',
        z.array(text('a class as a client writes it, such as apache')).min(1).optional(),
      ),
      identities: setting(
        'it is filtered by identities, or sent to nodes, that are all among these',
        z.array(text('an identity as a client writes it, such as db1.example.net')).min(1).optional(),
      ),
      any_filter: setting(
        'it is filtered by a fact, a class, an identity or a compound expression',
        bool().optional(),
      ),
    })
    .superRefine(({ any_filter: any }, context) => {
      if (any === false) refuse(context, ['any_filter'], 'says nothing: leave it out, or say true');
    });

export type RequiresConfig = z.output<ReturnType<typeof requires>>;

const isSame = (a: FactFilter, b: FactFilter): boolean =>
  a.fact === b.fact && a.operator === b.operator && a.value === b.value;

const inWords = ({ fact, operator, value }: FactFilter): string =>
  `${fact}${operator === '==' ? '=' : operator}${value}`;

const isFiltered = ({ fact, cfClass, identity, compound }: Filter): boolean =>
  [fact, cfClass, identity, compound].some(({ length }) => length > 0);

/** Entries of facts and classes are ANDed, so that one more narrows. Those of identities are ORed, so each of them has to be allowed. */
const areAmong = (wanted: ReadonlySet<string>, names: readonly string[] | undefined): boolean =>
  names !== undefined && names.length > 0 && names.every((name) => wanted.has(name));

/** @returns what a request lacks, in words; undefined where it lacks nothing */
export const lackOf = ({
  facts = [],
  classes = [],
  identities,
  any_filter: any = false,
}: RequiresConfig): ((question: Pick<Question, 'filter' | 'nodes'>) => string | undefined) => {
  const among = identities === undefined ? undefined : new Set(identities);
  return ({ filter, nodes }) => {
    const fact = facts.find((one) => !filter.fact.some((other) => isSame(one, other)));
    if (fact !== undefined) return `the filter by the fact ${quoted(inWords(fact))}`;
    const missing = classes.find((one) => !filter.cfClass.includes(one));
    if (missing !== undefined) return `the filter by the class ${quoted(missing)}`;
    if (among !== undefined && !areAmong(among, filter.identity) && !areAmong(among, nodes))
      return 'a filter by identities, or nodes, that are all among those of the rule';
    return any && !isFiltered(filter) ? 'any filter' : undefined;
  };
};
