import { describe, expect, it } from 'vitest';
import { fieldsOf } from '../../../src/policy/action-policy/dialects.ts';

/** As the originals have it, whose engines take time without end for some lines. */
const ORIGINAL = /^(allow|deny)\t+([^\n]+?)\t+([^\n]+?)\t+([^\n]+?)(?:\t+([^\n]+?))*$/;

const original = (line: string): unknown => {
  const [found, verdict, callers, actions, facts, classes] = ORIGINAL.exec(line) ?? [];
  return found === undefined ? undefined : { verdict, callers, actions, facts, classes };
};

/** Each text of so many tabs and letters. */
const textsOf = (length: number): readonly string[] =>
  Array.from({ length: 2 ** length }, (_, bits) =>
    Array.from({ length }, (_, at) => ((bits >> at) % 2 === 0 ? '\t' : 'a')).join(''),
  );

describe('the fields of a line', () => {
  it('are those of the originals, wherever tabs stand', () => {
    for (let length = 0; length <= 11; length++)
      for (const text of textsOf(length))
        for (const line of [`allow\t${text}`, `deny${text}`])
          expect([line, fieldsOf(line)]).toEqual([line, original(line)]);
  });

  it('are found in a line of tabs alone, and in one of many fields', () => {
    expect(fieldsOf(`allow${'\t'.repeat(50_000)}\n`)).toBeUndefined();
    expect(fieldsOf(`deny${'\ta'.repeat(50_000)}`)).toEqual({
      verdict: 'deny',
      ...{ callers: 'a', actions: 'a', facts: 'a', classes: 'a' },
    });
  });
});
