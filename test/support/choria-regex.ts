import { Refused } from './choria-checks.ts';
import type { Dialect } from './choria-messages.ts';

/** Anchors and classes that JavaScript lacks; the first two mean the same in Ruby and in Go. */
const ANCHORS: Readonly<Record<string, string>> = {
  '\\A': '(?<![^])',
  '\\z': '(?![^])',
  '\\Z': '(?=\\n?(?![^]))',
  '\\h': '[0-9a-fA-F]',
};

/**
 * A node's regular expression, where its syntax is JavaScript's but for anchors and flags in front. In Ruby `^` and
 * `$` are at the ends of lines; a `Regexp` that became JSON bears its flags, as `(?-mix:…)`.
 * @throws Refused
 */
export const regex = (pattern: string, dialect: Dialect): RegExp => {
  const bare = /^\(\?-mix:(.*)\)$/s.exec(pattern)?.[1] ?? pattern;
  const [front = '', flags = ''] = /^\(\?([is]+)\)/.exec(bare) ?? [];
  const source = bare.slice(front.length).replace(/\\./gs, (sequence) => {
    const anchor = ANCHORS[sequence];
    if (anchor !== undefined && dialect === 'go' && (sequence === '\\Z' || sequence === '\\h'))
      throw new Refused(`error parsing regexp: invalid escape sequence: ${sequence}`);
    return anchor ?? sequence;
  });
  try {
    return new RegExp(source, `${flags}${dialect === 'ruby' ? 'm' : ''}`);
  } catch (error) {
    throw new Refused(`regular expression ${pattern}: ${String(error)}`);
  }
};
