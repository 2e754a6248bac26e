import type { Command } from 'commander';
import type { FactFilter, Filter } from '../envelope/filter.ts';
import { collecting, parseFact, parseIdentity } from './arguments.ts';

/** What `addFilterOptions` makes of the command line. */
export interface FilterOptions {
  readonly withFact?: readonly FactFilter[];
  readonly withClass?: readonly string[];
  readonly withIdentity?: readonly string[];
}

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
      collecting((text) => text),
    )
    .option(
      '-I, --with-identity <node>',
      'only this node, or /regex/; repeatable, any may hold',
      collecting(parseIdentity),
    );

export const filterFrom = ({ withFact, withClass, withIdentity }: FilterOptions): Partial<Filter> => ({
  ...(withFact && { fact: withFact }),
  ...(withClass && { cfClass: withClass }),
  ...(withIdentity && { identity: withIdentity }),
});

/** How many nodes can answer at most, where the filter names them all. */
export const mostThatAnswer = ({ withIdentity = [] }: FilterOptions): number | undefined =>
  withIdentity.length === 0 || withIdentity.some((name) => name.startsWith('/'))
    ? undefined
    : new Set(withIdentity).size;
