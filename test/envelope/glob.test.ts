import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileGlob, compileGlobs, hasWildcard, isGlob } from '../../src/envelope/glob.ts';

/** The definition, letter by letter; slow, and so plain that it is right. */
const matches = (glob: string, text: string): boolean => {
  const [first] = glob;
  if (first === undefined) return text === '';
  if (first === '*') return matches(glob.slice(1), text) || (text !== '' && matches(glob, text.slice(1)));
  return text !== '' && (first === '?' || first === text[0]) && matches(glob.slice(1), text.slice(1));
};

const texts = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 10 });
const globs = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '*', '?'), minLength: 1, maxLength: 8 });

describe('a glob', () => {
  it.each([
    ['web*', 'web1.example.net', true],
    ['web*', 'web', true],
    ['web*', 'xweb1', false],
    ['*.example.net', 'web1.example.net', true],
    ['*.example.net', 'web1.example.net.evil', false],
    ['web?', 'web1', true],
    ['web?', 'web', false],
    ['web?', 'web12', false],
    ['web.1', 'webx1', false],
    ['web1', 'web1', true],
    ['web1', 'web12', false],
    ['WEB1', 'web1', false],
    ['a*a', 'a', false],
    ['*', '', true],
    ['*b?b*', 'abab', true],
  ])('%s is %s: %s', (glob, text, expected) => {
    expect(compileGlob(glob)(text)).toBe(expected);
  });

  it('is what its definition says', () => {
    fc.assert(
      fc.property(globs, texts, (glob, text) => {
        expect(compileGlob(glob)(text)).toBe(matches(glob, text));
      }),
      { numRuns: 3000 },
    );
  });

  it('stands for what is made of it', () => {
    fc.assert(
      fc.property(globs, fc.array(texts, { minLength: 8, maxLength: 8 }), (glob, fillings) => {
        let used = 0;
        const text = glob.replace(/[*?]/g, (wildcard) => (wildcard === '?' ? 'x' : (fillings[used++] ?? '')));
        expect(compileGlob(glob)(text)).toBe(true);
      }),
    );
  });

  it('looks at each letter at most once for each of its own, however many stars there are', () => {
    const glob = `${'*aa'.repeat(80)}*ab*`;
    let looks = 0;
    const text = new Proxy(['a'.repeat(255)], {
      get: ([letters = ''], key) => {
        if (key === 'length') return letters.length;
        looks++;
        return letters[Number(key)];
      },
    });
    expect(Reflect.apply(compileGlob(glob), undefined, [text])).toBe(false);
    expect(looks).toBeGreaterThan(0);
    expect(looks).toBeLessThanOrEqual(255 * glob.length);
  });

  it('is told from what is none', () => {
    expect(['web*', 'n1', '?', '*', 'a_b-c.d'].filter((text) => !isGlob(text))).toEqual([]);
    expect(['', 'a b', 'a/b', '[ab]', 'a>', 'a\n', '{a,b}', 'ä', 'a'.repeat(256)].filter(isGlob)).toEqual([]);
    expect(['a', 'a.b', 'a*', '?'].map(hasWildcard)).toEqual([false, false, true, true]);
  });
});

describe('several globs', () => {
  it('stand for what any of them does', () => {
    fc.assert(
      fc.property(fc.array(globs, { maxLength: 4 }), texts, (several, text) => {
        expect(compileGlobs(several)(text)).toBe(several.some((glob) => matches(glob, text)));
      }),
    );
  });
});
