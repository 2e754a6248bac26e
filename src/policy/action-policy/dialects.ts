import { RE2JS } from 're2js';
import {
  type Callers,
  choriaCallers,
  type Groups,
  goCallers,
  type PatternKind,
  puppetCallers,
  rubyWords,
} from './callers.ts';
import { goLines, type Line, rubyLines } from './lines.ts';
import { goNodePart, isGoCompound, type NodePart, rubyNodePart } from './node-part.ts';

/** How one implementation of ActionPolicy reads files, and decides by them. */
export interface Dialect {
  readonly lines: (bytes: Uint8Array) => readonly Line[];
  readonly comment: RegExp;
  /** Its group is what the default is. */
  readonly defaultLine: RegExp;
  readonly callers: (field: string, groups: Groups) => Callers;
  readonly words: (field: string) => readonly string[];
  readonly nodePart: NodePart;
  /** Whether it passes over a line, whoever calls. */
  readonly isSkipped: (facts: string, classes: string | undefined) => boolean;
  readonly isTrue: (option: string) => boolean;
  /** Whether `allow_unconfigured` lets pass what no file is for. */
  readonly allowsWithoutFile: boolean;
  /** A line of `groups`, taken apart. */
  readonly groupWords: (line: string) => readonly string[];
  /** Where the groups have a line that it cannot read: it refuses all, or goes on with those before it. */
  readonly refusesBrokenGroups: boolean;
  readonly patterns: PatternKind;
  /** Whether it evaluates compound statements. */
  readonly hasCompounds: boolean;
  /** Whether a carriage return at the end of a line stays in its last field. */
  readonly keepsReturns: boolean;
}

const RUBY = {
  lines: rubyLines,
  comment: /^(?:#[^\n]*|[ \t\r\f\v]*)$/,
  defaultLine: /^policy[ \t\r\f\v]+default[ \t\r\f\v]+([0-9A-Za-z_]+)/,
  words: rubyWords,
  nodePart: rubyNodePart,
  isSkipped: () => false,
  isTrue: (option) => /^1|y/im.test(option),
  allowsWithoutFile: true,
  groupWords: rubyWords,
  refusesBrokenGroups: true,
  hasCompounds: true,
  keepsReturns: true,
} satisfies Partial<Dialect>;

const goWords = (field: string): readonly string[] => field.split(' ');

const GO: Dialect = {
  lines: goLines,
  comment: /^(?:#[^\n]*|[\t\f\r ]*)$/,
  defaultLine: /^policy[\t\f\r ]+default[\t\f\r ]+([0-9A-Za-z_]+)/,
  callers: goCallers,
  words: goWords,
  nodePart: goNodePart,
  isSkipped: (facts, classes) => isGoCompound(facts) || isGoCompound(classes ?? ''),
  isTrue: (option) => /^(?:1|yes|true|y|t)$/i.test(option),
  allowsWithoutFile: false,
  groupWords: goWords,
  refusesBrokenGroups: false,
  patterns: 'go',
  hasCompounds: false,
  keepsReturns: false,
};

export const DIALECTS = {
  choria: { ...RUBY, callers: choriaCallers, patterns: 'ruby' },
  puppet: { ...RUBY, callers: puppetCallers, patterns: 'none' },
  'go-choria': GO,
} satisfies Record<string, Dialect>;

export type DialectName = keyof typeof DIALECTS;

/**
 * All three have this one. The last field counts; those between it and the facts are lost. An engine that backtracks takes
 * time without end for a line of many tabs.
 */
const RULE = RE2JS.compile(String.raw`^(allow|deny)\t+([^\n]+?)\t+([^\n]+?)\t+([^\n]+?)(?:\t+([^\n]+?))*$`);

export interface Fields {
  readonly verdict: 'allow' | 'deny';
  readonly callers: string;
  readonly actions: string;
  readonly facts: string;
  readonly classes: string | undefined;
}

export const fieldsOf = (text: string): Fields | undefined => {
  const found = RULE.matcher(text);
  if (!found.find()) return undefined;
  const group = (index: number): string => found.group(index) ?? '';
  return {
    verdict: group(1) === 'allow' ? 'allow' : 'deny',
    callers: group(2),
    actions: group(3),
    facts: group(4),
    classes: found.group(5) ?? undefined,
  };
};
