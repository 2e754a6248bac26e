import { fitsGo } from './choria-filter-go.ts';
import { fitsRuby } from './choria-filter-ruby.ts';
import type { Dialect, Json } from './choria-messages.ts';

/** Of one data plugin, by the query: what `plugin("query").output` is. */
export type DataPlugin = Readonly<Record<string, Json>>;

/** What filters ask of a node. */
export interface Filtered {
  readonly identity: string;
  readonly agents: readonly string[];
  /** Values of JSON; texts for most. Ruby's nodes make texts of the others. */
  readonly facts?: Json;
  readonly classes?: readonly string[];
  readonly data?: Readonly<Record<string, DataPlugin>>;
}

/**
 * Whether a node of this dialect is meant by a filter that the schema lets pass.
 * @throws Refused where a real node logs an error and answers nothing
 */
export const fits = (filter: Json, node: Filtered, dialect: Dialect = 'go'): boolean =>
  dialect === 'ruby' ? fitsRuby(filter, node) : fitsGo(filter, node);
