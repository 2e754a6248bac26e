import { quoted } from '../../envelope/text.ts';
import type { Groups } from './callers.ts';
import { patternFault } from './callers.ts';
import type { Dialect } from './dialects.ts';
import { type Fault, fieldStarts, type LineFault, placed, type Word } from './fault.ts';
import { fieldFaults } from './field-faults.ts';
import type { Entry } from './policy-file.ts';
import { shapeFault } from './shape-faults.ts';

/** A word that looks like the name of a group, and no caller: callers are written `type=name`. */
const GROUP_LIKE = /^[\w.-]+$/;

const callerFault = (word: string, groups: Groups, dialect: Dialect): string | undefined => {
  if (word === '*') return 'the caller * is everyone only where it stands alone';
  if (word.startsWith('/')) return patternFault(word, dialect.patterns);
  if (GROUP_LIKE.test(word) && !groups.has(word))
    return `${quoted(word)} is no group that is defined, and a caller is written as type=name`;
  return word.includes(',') ? `callers stand apart by blanks, not by commas: ${quoted(word)}` : undefined;
};

const actionFault = (word: string): string | undefined => {
  if (word === '*') return 'the action * is every one only where it stands alone';
  return word === '' || /^\w+$/.test(word)
    ? undefined
    : `actions are compared as they are, and none is called ${quoted(word)}`;
};

/** Of a field that is no `*`, which stands for all. */
const wordFaults = (
  field: string,
  words: readonly Word[],
  faultOf: (word: string) => string | undefined,
): readonly Fault[] => {
  if (field === '*') return [];
  return words.flatMap(({ word, at }) => {
    const message = faultOf(word);
    return message === undefined ? [] : [{ message, at }];
  });
};

const entryFaults = (entry: Entry, groups: Groups, dialect: Dialect): readonly Fault[] => {
  if (entry.kind === 'fatal')
    return [{ message: `the line ${entry.why}, which ends the request with an error`, at: 0 }];
  const shape = shapeFault(entry, dialect);
  if (shape !== undefined) return [shape];
  if (entry.kind !== 'rule' && entry.kind !== 'skipped') return [];
  const { callers, actions } = entry.fields;
  const starts = fieldStarts(entry.text);
  const wordsOf = (field: string, start: number) => placed(dialect.words(field), entry.text, start);
  return [
    ...wordFaults(callers, wordsOf(callers, starts.callers), (word) => callerFault(word, groups, dialect)),
    ...wordFaults(actions, wordsOf(actions, starts.actions), actionFault),
    ...fieldFaults(entry, starts, dialect),
  ];
};

/** What is wrong in the lines of a policy, each once. */
export const lineFaults = (
  entries: readonly Entry[],
  groups: Groups,
  dialect: Dialect,
): readonly LineFault[] => {
  const defaults = entries.filter(({ kind }) => kind === 'default');
  return entries.flatMap((entry) => {
    const faults = [...entryFaults(entry, groups, dialect)];
    if (entry.kind === 'default' && entry !== defaults.at(-1))
      faults.push({
        message: `the default of line ${defaults.at(-1)?.line} counts, and this one does not`,
        at: 0,
      });
    const first = new Map(faults.toReversed().map((fault) => [fault.message, fault]));
    return faults
      .filter((fault) => first.get(fault.message) === fault)
      .map((fault) => ({ line: entry.line, ...fault }));
  });
};

const NAME = /^[0-9A-Za-z_.-]+$/;

/** What is wrong in the file `groups`. */
export const groupFaults = (bytes: Uint8Array, dialect: Dialect): readonly LineFault[] => {
  const seen = new Map<string, number>();
  const lines = dialect
    .lines(bytes)
    .filter(({ text, fatal }) => fatal !== undefined || !dialect.comment.test(text));
  const names = new Set(lines.map(({ text }) => dialect.groupWords(text)[0] ?? ''));
  return lines.flatMap(({ number: line, text, fatal }) => {
    const [name = '', ...members] = dialect.groupWords(text);
    const fault =
      fatal === undefined ? groupFault(text, name, members, names) : { message: `the line ${fatal}`, at: 0 };
    const before = seen.get(name);
    seen.set(name, line);
    const again = `group ${name} is defined before, in line ${before}, which does not count`;
    return [
      ...(fault === undefined ? [] : [{ line, ...fault }]),
      ...(before === undefined ? [] : [{ line, message: again, at: 0 }]),
    ];
  });
};

/** Blanks that are not the single one between two words. */
const ODD_BLANK = /[\t\r]|^\s|\s$| (?= )/;

const groupFault = (
  text: string,
  name: string,
  members: readonly string[],
  names: ReadonlySet<string>,
): Fault | undefined => {
  if (text.startsWith('\ufeff'))
    return { message: 'a byte order mark stands at the beginning: save the file without it', at: 0 };
  if (/[\t\r]/.test(text) || text !== text.trim() || members.includes(''))
    return {
      message:
        'a group is written as its name and its callers with one blank between them, and nothing round them',
      at: Math.max(0, text.search(ODD_BLANK)),
    };
  if (!NAME.test(name))
    return { message: `${quoted(name)} is no name of a group: letters, digits, and _ . -`, at: 0 };
  if (members.length === 0) return { message: `group ${name} has no members`, at: 0 };
  const words = placed(members, text, name.length);
  const pattern = words.find(({ word }) => word.startsWith('/'));
  if (pattern !== undefined)
    return {
      message: `patterns are not for groups, and ${quoted(pattern.word)} matches nobody`,
      at: pattern.at,
    };
  const nested = words.find(({ word }) => names.has(word));
  return (
    nested && {
      message: `groups are not for groups, and ${quoted(nested.word)} is taken for a caller`,
      at: nested.at,
    }
  );
};
