import { quoted } from '../../envelope/text.ts';
import { type Dialect, fieldsOf } from './dialects.ts';
import { type Fault, fieldStarts } from './fault.ts';
import type { Entry } from './policy-file.ts';

const DEFAULT_LINE = /^policy[ \t]+default[ \t]+(?:allow|deny)[ \t]*(?:#.*)?$/;

/** A comment that is hidden from the originals: it begins with a blank. They ignore it all the same. */
const INDENTED_COMMENT = /^[ \t]+#/;

/** Why the originals ignore a line that they cannot read. */
const unreadFault = (text: string): string => {
  if (text.startsWith('\ufeff'))
    return 'a byte order mark stands at the beginning, so that the line is ignored: save the file without it';
  if (INDENTED_COMMENT.test(text)) return 'a comment begins with # as the first character of its line';
  const trimmed = text.trim();
  if (trimmed === '') return 'the line has characters that are not seen';
  if (/^policy\b/i.test(trimmed) || /^default\b/i.test(trimmed))
    return `the default is written as "policy default deny" or "policy default allow", from the first character on; this line is ignored: ${quoted(text)}`;
  if (text !== text.trimStart() && /^(?:allow|deny)\b/.test(trimmed))
    return 'a blank or a tab stands before the rule, so that it is ignored';
  const [verdict = ''] = trimmed.split(/\s/);
  if (/^(?:allow|deny)$/i.test(verdict) && verdict !== verdict.toLowerCase())
    return `${quoted(verdict)} is written in small letters; the line is ignored`;
  if (!/^(?:allow|deny)$/.test(verdict))
    return `a rule begins with allow or deny; this line is ignored: ${quoted(text)}`;
  return trimmed.split(/\t+/).length < 4 && trimmed.split(/\s+/).length >= 4
    ? 'its fields stand apart by blanks instead of tabs, so that it is ignored'
    : 'a rule has a verdict, callers, actions, facts and classes with tabs between them; this line is ignored';
};

/** What is wrong with the form of a line: then its fields are not looked at. */
export const shapeFault = (entry: Entry, dialect: Dialect): Fault | undefined => {
  const { text } = entry;
  if (text.endsWith('\r') || (dialect.keepsReturns && text.includes('\r')))
    return {
      message:
        'the line ends with a carriage return, which belongs to its last field: save the file with line feeds only',
      at: text.indexOf('\r'),
    };
  if (entry.kind === 'unread') return { message: unreadFault(text), at: text.search(/[^ \t]|$/) };
  if (entry.kind === 'default')
    return DEFAULT_LINE.test(text)
      ? undefined
      : {
          message: `the default is ${entry.allows ? 'allow' : 'deny'} here, whatever else the line says; write "policy default ${entry.allows ? 'allow' : 'deny'}"`,
          at: 0,
        };
  if (entry.kind !== 'rule' && entry.kind !== 'skipped') return undefined;
  return tabFault(text);
};

const tabFault = (text: string): Fault | undefined => {
  const { length } = text.trimEnd();
  if (/[\t ]$/.test(text))
    return { message: 'a tab or a blank stands at the end, and belongs to the last field', at: length };
  const parts = text.split(/\t+/);
  if (parts.length > 5) {
    const last = `classes are the last, ${quoted(parts.at(-1) ?? '')}`;
    return {
      message: `it has ${parts.length} fields; ${last}, and ${quoted(parts.slice(4, -1).join(' '))} is lost`,
      at: fieldStarts(text).lost,
    };
  }
  const empty = parts.find((part) => part !== part.trim() || part === '');
  if (empty !== undefined)
    return {
      message: `a blank stands beside a tab, and belongs to the field ${quoted(empty)}`,
      at: text.search(/[^\S\t]\t|\t[^\S\t]/),
    };
  return fieldsOf(text) === undefined ? { message: 'it is no rule', at: 0 } : undefined;
};
