import type { Command } from 'commander';
import { filterToRuby } from '../adapters/mcollective/wire/filter.ts';
import { EMPTY_FILTER, type FactFilter, type Filter } from '../envelope/filter.ts';
import { Rejection } from '../envelope/rejection.ts';
import { collecting, parseClass, parseFact, parseIdentity } from './arguments.ts';

/** What `addFilterOptions` makes of the command line. */
export interface FilterOptions {
  readonly withFact?: readonly FactFilter[];
  readonly withClass?: readonly string[];
  readonly withIdentity?: readonly string[];
  readonly with?: readonly Pick<Filter, 'fact' | 'cfClass'>[];
}

/** Words with an operator are facts and the others classes, as `mco` reads `--with`. @throws InvalidArgumentError */
const parseWith = (text: string): Pick<Filter, 'fact' | 'cfClass'> => {
  const words = text.split(/\s+/).filter((word) => word !== '');
  const isFact = (word: string): boolean => /^[^/].*[=<>]/.test(word);
  return {
    fact: words.filter(isFact).map(parseFact),
    cfClass: words.filter((word) => !isFact(word)).map(parseClass),
  };
};

/** The filters that `mco` and `choria` have under the same names. */
export const addFilterOptions = (command: Command): Command =>
  command
    .option(
      '-F, --with-fact <fact=value>',
      'only nodes with this fact; = == != =~ < > <= >=; repeatable, all must hold',
      collecting(parseFact),
    )
    .option(
      '-C, --with-class <class>',
      'only nodes with this class, or /regex/; repeatable, all must hold',
      collecting(parseClass),
    )
    .option(
      '-I, --with-identity <node>',
      'only this node, or /regex/; repeatable, any may hold',
      collecting(parseIdentity),
    )
    .option(
      '-W, --with <filter>',
      'classes and facts in one, separated by spaces: "/apache/ country=uk"; repeatable',
      collecting(parseWith),
    );

export const filterFrom = (options: FilterOptions): Partial<Filter> => {
  const fact = [...(options.withFact ?? []), ...(options.with ?? []).flatMap((it) => it.fact)];
  const cfClass = [...(options.withClass ?? []), ...(options.with ?? []).flatMap((it) => it.cfClass)];
  return {
    ...(fact.length > 0 && { fact }),
    ...(cfClass.length > 0 && { cfClass }),
    ...(options.withIdentity && { identity: options.withIdentity }),
  };
};

/** How many nodes can answer at most, where the filter names them all. */
export const mostThatAnswer = ({ withIdentity = [] }: FilterOptions): number | undefined =>
  withIdentity.length === 0 || withIdentity.some((name) => name.startsWith('/'))
    ? undefined
    : new Set(withIdentity).size;

/** Why nodes of legacy collectives do not answer to the filters, although they may fit; undefined where they do. */
export const unaskable = (options: FilterOptions, dialect: string): string | undefined => {
  try {
    const filter: Filter = { ...EMPTY_FILTER, ...filterFrom(options) };
    filterToRuby(dialect === 'ruby' ? { ...filter, language: 'choria-ruby' } : filter);
    return undefined;
  } catch (error) {
    if (error instanceof Rejection) return error.message;
    throw error;
  }
};

/** Says whom the filters leave out: discovery has no words for it, and such nodes would just be missing. */
export const warnOfUnaskable = (options: FilterOptions, dialect: string): void => {
  const why = unaskable(options, dialect);
  if (why !== undefined)
    process.stderr.write(`Nodes of legacy collectives are left out, if there are any: ${why}\n`);
};
