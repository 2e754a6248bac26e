export type FactOperator = '==' | '!=' | '=~' | '<' | '>' | '<=' | '>=';

export const FACT_OPERATORS: ReadonlySet<string> = new Set(['==', '!=', '=~', '<', '>', '<=', '>=']);

export interface FactFilter {
  readonly fact: string;
  readonly operator: FactOperator;
  readonly value: string;
}

/** A call of a data plugin in a compound filter, as MCollective's matcher splits it. */
export interface FunctionStatement {
  readonly name: string;
  readonly params: string | null;
  readonly value: string | null;
  readonly operator: string;
  readonly compare: string;
}

/** One token of a compound filter. `expression` is go-choria's whole-expression form. */
export type CompoundToken =
  | { readonly kind: 'statement'; readonly text: string }
  | { readonly kind: 'function'; readonly call: FunctionStatement }
  | { readonly kind: 'and' | 'or' | 'not' | '(' | ')' }
  | { readonly kind: 'expression'; readonly text: string };

/**
 * Which nodes of the collective are meant. Categories are ANDed; identities are ORed, the entries of the others
 * ANDed. Classes, identities and agents may be regular expressions between slashes. An empty filter matches all.
 */
export interface Filter {
  readonly fact: readonly FactFilter[];
  readonly cfClass: readonly string[];
  readonly agent: readonly string[];
  readonly identity: readonly string[];
  readonly compound: readonly (readonly CompoundToken[])[];
  /** Only discovery says this, and only as an echo of the request's collective. */
  readonly collective?: string;
}

export const EMPTY_FILTER: Filter = { fact: [], cfClass: [], agent: [], identity: [], compound: [] };
