import { type Effects, isCertain } from './effects.ts';
import type { Entry } from './policy-file.ts';

/** What of a request the files are asked for. */
export interface Asked {
  readonly caller: string;
  readonly action: string;
}

/** An entry that was looked at, and what it may come to. */
export interface Looked {
  readonly entry: Entry;
  readonly effects: Effects;
  readonly why: string;
}

/** What a file comes to for a request. Both are possible where it depends on a node. */
export interface Judgement {
  readonly allows: boolean;
  readonly refuses: boolean;
  /** The entry that ended it, or the first that it depends on. Undefined: none did, the default counts. */
  readonly decider: Entry | undefined;
  readonly isError: boolean;
}

const NO_MATCH = { yes: false, no: true, error: false };

const ERROR_ENTRY = { yes: false, no: false, error: true };

/** What an entry may come to for a request, whose caller was compared before. */
export const effectsOf = (entry: Entry, caller: Effects, action: string): Effects => {
  if (entry.kind === 'fatal') return ERROR_ENTRY;
  if (entry.kind !== 'rule' || !caller.yes) return entry.kind === 'rule' ? caller : NO_MATCH;
  const isAction = entry.actions?.includes(action) ?? true;
  const rest = isAction ? entry.node : NO_MATCH;
  return { yes: rest.yes, no: caller.no || rest.no, error: caller.error || rest.error };
};

/** An entry, and what the comparison of the caller with it may come to. */
export interface Candidate {
  readonly entry: Entry;
  readonly caller: Effects;
}

/**
 * Goes through a file as the originals do, and keeps what each entry that depends on a node may make of it. Whoever the node
 * is, its own verdict is among what is possible.
 */
export const judge = (
  candidates: Iterable<Candidate>,
  action: string,
  allowsByDefault: boolean,
): Judgement => {
  let allows = false;
  let refuses = false;
  let first: Entry | undefined;
  for (const { entry, caller } of candidates) {
    const effects = effectsOf(entry, caller, action);
    if (effects.yes && entry.kind === 'rule' && entry.fields.verdict === 'allow') allows = true;
    else if (effects.yes) refuses = true;
    if (effects.error) refuses = true;
    if (!isCertain(effects)) first ??= entry;
    if (effects.no) continue;
    const isMixed = allows && refuses;
    return { allows, refuses, decider: isMixed ? (first ?? entry) : entry, isError: !effects.yes };
  }
  if (allowsByDefault) allows = true;
  else refuses = true;
  return { allows, refuses, decider: allows && refuses ? first : undefined, isError: false };
};
