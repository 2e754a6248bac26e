import { pick, type Random } from '../../support/random.ts';
import type { Vector } from './vectors.ts';

const ATOMS = [
  'a',
  'b',
  'alice',
  'cert',
  '=',
  '-',
  '\\.',
  '.',
  '\\w',
  '\\d',
  '\\h',
  '\\s',
  '\\S',
  '\\W',
  '\\D',
  '\\H',
  '[a-c]',
  '[^=]',
  '[\\w.-]',
  '[[:alpha:]]',
  '[[:digit:]_]',
  '[a-',
  '[]',
  '[z-a]',
  'ë',
  '(?:a|b)',
  '(l)',
  '(?<n>a)',
  '(.)\\1',
  '(?=a)',
  '(?!b)',
  '(?<=c)',
  '(?<!e)',
  '(?>a+)',
  '\\A',
  '\\z',
  '\\Z',
  '^',
  '$',
  '\\b',
  '\\B',
  '|',
  '(?i)',
  '(?i:E)',
  '(',
  ')',
  '{',
  '{2}',
  '{1',
  '\\_',
  '\\1',
  '\\Q',
  '(?#x)',
  '&',
  '[a&&b]',
  '(?m)',
  '(?x)',
  '\\',
];
const ENDS = [
  '',
  '',
  '',
  '',
  '*',
  '+',
  '?',
  '*?',
  '++',
  '{2}',
  '{1,2}',
  '{,3}',
  '{0}',
  '{2}+',
  '{1,}?',
  '**',
  '{2,1}',
  '{1001}',
];

/** An expression that Ruby may compile. */
export const anyPattern = (next: Random): string =>
  Array.from({ length: 1 + Math.floor(next() * 5) }, () => pick(ATOMS, next) + pick(ENDS, next)).join('');

const CALLERS = [
  'cert=alice',
  'cert=bob',
  'cert=aab',
  'choria=alice.mcollective',
  'uid=1001',
  'zoë',
  'cert=a+b',
  '',
  'a',
  'ce',
  'Alice',
];

export const anyCaller = (next: Random): string => pick(CALLERS, next);

/** A vector made of parts of others: the same kinds of lines, in other places and with other neighbours. */
export const anyVector = (from: readonly Vector[], next: Random): Omit<Vector, 'verdict' | 'why'> => {
  const one = pick(from, next);
  const other = pick(from, next);
  const files = Object.fromEntries(
    Object.entries(one.files).map(([path, text]) => [
      path,
      path.endsWith('groups') ? text : varied(text, from, next),
    ]),
  );
  const caller = next() < 0.5 ? one.request.caller : wordOf(pick(from, next), next);
  return {
    id: one.id,
    files,
    options: next() < 0.8 ? one.options : other.options,
    request: { ...one.request, caller, action: pick([one, other], next).request.action },
    facts: pick([one, other], next).facts,
    classes: pick([one, other], next).classes,
  };
};

const linesOf = ({ files }: Vector): readonly string[] =>
  Object.entries(files).flatMap(([path, text]) => (path.endsWith('.policy') ? text.split('\n') : []));

const wordOf = (vector: Vector, next: Random): string => {
  const words = linesOf(vector)
    .flatMap((line) => line.split('\t')[1]?.split(' ') ?? [])
    .filter((word) => /^\w+=[\w.-]+$/.test(word));
  return words.length === 0 ? vector.request.caller : pick(words, next);
};

const varied = (text: string, from: readonly Vector[], next: Random): string =>
  text
    .split('\n')
    .flatMap((line) => {
      const chance = next();
      const lines = linesOf(pick(from, next));
      const borrowed = lines.length === 0 ? '' : pick(lines, next);
      if (chance < 0.15) return [line, borrowed];
      if (chance < 0.2) return [];
      if (chance < 0.4) return [spliced(line, borrowed, next)];
      if (chance < 0.5) return [line.replace(/\t[^\t]+/, `\t/${anyPattern(next)}/`)];
      return [line];
    })
    .join('\n');

/** A field of the one in the place of a field of the other. */
const spliced = (line: string, other: string, next: Random): string => {
  const fields = line.split('\t');
  const at = Math.floor(next() * Math.max(fields.length, 1));
  fields[at] = other.split('\t')[at] ?? '*';
  return fields.join('\t');
};
