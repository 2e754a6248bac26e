import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MUTATIONS } from '../../fixtures/mutate/mutations.ts';

const source = (file: string): string =>
  readFileSync(new URL(`../../../src/${file}`, import.meta.url), 'utf8');

/** `npm run mutate` is run by hand; here only that it still can break what it means to break. */
describe('the rules that `npm run mutate` breaks', () => {
  it.each(MUTATIONS)('stand in the sources once: $rule', ({ file, find, replace }) => {
    expect(source(file).split(find)).toHaveLength(2);
    expect(replace).not.toBe(find);
  });
});
