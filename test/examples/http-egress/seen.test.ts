import { describe, expect, it } from 'vitest';
import { Seen } from '../../../examples/http-egress/seen.js';
import { memoryInUse } from '../../support/memory.ts';

describe('what has been seen', () => {
  it('is known, up to a number of texts, of which the oldest goes first', () => {
    const seen = new Seen(2);
    expect([seen.add('a'), seen.add('b'), seen.add('a')]).toEqual([true, true, false]);
    expect(seen.add('c')).toBe(true);
    expect(['a', 'b', 'c'].map((text) => seen.has(text))).toEqual([false, true, true]);
  });

  // Other files of this process leave some megabytes to be collected, or not yet.
  it('does not keep the messages that names are out of', () => {
    const seen = new Seen(1_000);
    const before = memoryInUse();
    for (let i = 0; i < 40; i++) {
      const name = `node-${i}.example.net`;
      const message = Buffer.alloc(1_000_000, name).toString('latin1');
      seen.add(`request answered ${message.slice(0, name.length)}`);
    }
    expect(memoryInUse() - before).toBeLessThan(20_000_000);
    expect(seen.has('request answered node-39.example.net')).toBe(true);
  });
});
