import { RE2JS } from 're2js';
import { quoted } from '../../envelope/text.ts';
import { ANY, type Effects, EITHER, ERROR, NO, someInTurn, YES } from './effects.ts';
import { compileRubyPattern } from './ruby-pattern/compile.ts';

/** Members of groups, by the name of the group. */
export type Groups = ReadonlyMap<string, readonly string[]>;

/** Whether a caller is one of those of a line. */
export type Callers = (caller: string) => Effects;

const EVERYONE: Callers = () => YES;

const yesOrNo = (is: boolean): Effects => (is ? YES : NO);

/** Ruby's `split`. */
export const rubyWords = (text: string): readonly string[] =>
  text.split(/[ \t\n\v\f\r]+/).filter((it) => it !== '');

const isGroupMember = (groups: Groups, names: readonly string[], caller: string): boolean =>
  names.some((name) => groups.get(name)?.includes(caller) === true);

const FOUND = { yes: YES, no: NO, unknown: EITHER };

/** What Ruby's Choria does with one word: it may be a pattern between slashes, or a caller. */
const rubyWord = (word: string): Callers => {
  const source = /^\/(.+)\/$/s.exec(word)?.[1];
  if (source === undefined) return (caller) => yesOrNo(word === caller);
  const pattern = compileRubyPattern(source);
  const beyond = pattern.kind === 'broken' ? ERROR : ANY;
  return (caller) => {
    if (word === caller) return YES;
    return pattern.kind === 'pattern' ? FOUND[pattern.find(caller)] : beyond;
  };
};

/** Choria's: whole callers and patterns, in order, and groups after all of them. */
export const choriaCallers = (field: string, groups: Groups): Callers => {
  if (field === '*') return EVERYONE;
  const names = rubyWords(field);
  const words = names.map(rubyWord);
  return (caller) =>
    someInTurn([...words, (it: string) => yesOrNo(isGroupMember(groups, names, it))], (look) => look(caller));
};

/** Puppet's: a caller that stands anywhere in the field, within a longer name as well. */
export const puppetCallers = (field: string, groups: Groups): Callers => {
  if (field === '*') return EVERYONE;
  const names = rubyWords(field);
  return (caller) => yesOrNo(field.includes(caller) || isGroupMember(groups, names, caller));
};

type GoWord = (caller: string) => 'yes' | 'no' | 'stop';

/** A word that begins with a slash and is no pattern ends the list: who stands behind it is not looked at. */
const goWord = (word: string): GoWord => {
  if (!word.startsWith('/')) return (caller) => (word === caller ? 'yes' : 'no');
  const pattern = goPattern(/^\/(.+)\/$/s.exec(word)?.[1]);
  return (caller) => {
    if (word === caller) return 'yes';
    if (pattern === undefined) return 'stop';
    return pattern.matcher(caller).find() ? 'yes' : 'no';
  };
};

const goPattern = (source: string | undefined): RE2JS | undefined => {
  if (source === undefined || !source.isWellFormed()) return undefined;
  try {
    return RE2JS.compile(source);
  } catch {
    return undefined;
  }
};

/** go-choria's: groups first, then whole callers and patterns in order, between single spaces. */
export const goCallers = (field: string, groups: Groups): Callers => {
  if (field === '*') return EVERYONE;
  const names = field.split(' ');
  const words = names.map(goWord);
  return (caller) => {
    if (isGroupMember(groups, names, caller)) return YES;
    for (const look of words) {
      const found = look(caller);
      if (found !== 'no') return yesOrNo(found === 'yes');
    }
    return NO;
  };
};

/** How a dialect takes a word between slashes. */
export type PatternKind = 'ruby' | 'go' | 'none';

/** What is wrong with a caller that begins with a slash. A pattern that only cannot be judged here is none of it. */
export const patternFault = (word: string, kind: PatternKind): string | undefined => {
  if (kind === 'none') return `this dialect has no patterns for callers, and takes ${quoted(word)} as it is`;
  const source = /^\/(.+)\/$/s.exec(word)?.[1];
  if (source === undefined) return `a pattern stands between two slashes: ${quoted(word)}`;
  if (kind === 'go')
    return goPattern(source) === undefined
      ? `${quoted(word)} is no pattern of Go's, and ends the list of callers`
      : undefined;
  const pattern = compileRubyPattern(source);
  return pattern.kind === 'broken'
    ? `${quoted(word)} is no pattern, and ends the request with an error: ${pattern.why}`
    : undefined;
};
