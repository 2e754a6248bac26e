import type { Expression } from './expression.ts';

export type FactOperator = '==' | '!=' | '=~' | '<' | '>' | '<=' | '>=';

export const FACT_OPERATORS: ReadonlySet<string> = new Set(['==', '!=', '=~', '<', '>', '<=', '>=']);

export interface FactFilter {
  readonly fact: string;
  readonly operator: FactOperator;
  readonly value: string;
}

/**
 * Which nodes of the collective are meant. Categories are ANDed; identities are ORed, the entries of the others
 * ANDed. Classes, identities and agents may be regular expressions between slashes. An empty filter matches all.
 */
export interface Filter {
  readonly fact: readonly FactFilter[];
  readonly cfClass: readonly string[];
  readonly agent: readonly string[];
  readonly identity: readonly string[];
  /** What the other categories have no words for; all of them must hold. */
  readonly compound: readonly Expression[];
  /** Only discovery says this, and only as an echo of the request's collective. */
  readonly collective?: string;
  /**
   * Whose nodes the plain categories were written for; they look at case, numbers and slashes in different ways.
   * go-choria's unless told. Choria's Ruby has MCollective's matcher, but its clients write to nodes of both kinds.
   * Each leaf of `compound` says it by its kind.
   */
  readonly language?: 'mcollective' | 'choria-ruby';
}

export const EMPTY_FILTER: Filter = { fact: [], cfClass: [], agent: [], identity: [], compound: [] };
