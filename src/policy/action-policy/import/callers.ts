import { compilePattern } from '../../../config/pattern/compile.ts';
import { CALLERS } from '../../../config/pattern/meaning.ts';
import { PatternProblem } from '../../../config/pattern/scan.ts';
import { isCallerId, isToken } from '../../../envelope/check.ts';
import { type Groups, patternFault } from '../callers.ts';
import type { Dialect } from '../dialects.ts';

/** Callers of a line as rules write them. */
export interface ImportedCallers {
  /** Undefined: everyone. */
  readonly entries: readonly string[] | undefined;
  /** What none of the entries stands for, in the words of the line. */
  readonly beyond: readonly string[];
  /** Whether whoever is none of the entries ends the request with an error. */
  readonly failsOthers: boolean;
}

/** The name of a group as rules write it. */
export const groupName = (name: string): string => name.replaceAll('.', '_');

/** Members that can be callers of a bridge: of the form type=name. */
export const importedGroups = (groups: Groups): ReadonlyMap<string, readonly string[]> => {
  const found = new Map<string, readonly string[]>();
  for (const [name, members] of groups) {
    const callers = members.filter(isCallerId);
    if (callers.length > 0 && isToken(groupName(name)) && !found.has(groupName(name)))
      found.set(groupName(name), callers);
  }
  return found;
};

/** A pattern that may match within a name, as one of the whole name; undefined: rules have no words for it. */
const patternEntry = (word: string): string | undefined => {
  const source = /^\/(.+)\/$/s.exec(word)?.[1] ?? '';
  // Options that begin within, and `{2}?`, mean other things in Ruby.
  if (source.indexOf('(?i)') > 0 || source.includes('}?') || source.includes('${')) return undefined;
  const whole = `/.*(?:${source}).*/`;
  try {
    compilePattern(whole, CALLERS, true);
    return whole;
  } catch (error) {
    if (error instanceof PatternProblem) return undefined;
    throw error;
  }
};

/** What rules write for the callers of a line. Words that no caller of a bridge can be called are left out. */
export const importCallers = (field: string, groups: Groups, dialect: Dialect): ImportedCallers => {
  if (field === '*') return { entries: undefined, beyond: [], failsOthers: false };
  const known = importedGroups(groups);
  const words = dialect.words(field);
  const grouped = words.filter((word) => groups.has(word) && known.has(groupName(word))).map(groupName);
  const entries: string[] = [];
  const beyond: string[] = [];
  for (const word of words) {
    if (isCallerId(word)) entries.push(word);
    if (!word.startsWith('/') || dialect.patterns === 'none') continue;
    if (patternFault(word, dialect.patterns) !== undefined) {
      if (dialect.patterns === 'go') break;
      if (/^\/.+\/$/s.test(word)) return { entries: [...new Set(entries)], beyond, failsOthers: true };
      continue;
    }
    const entry = patternEntry(word);
    if (entry === undefined) beyond.push(word);
    else entries.push(entry);
  }
  return { entries: [...new Set([...entries, ...grouped])], beyond, failsOthers: false };
};
