import { describe, expect, it } from 'vitest';
import { nearest } from '../../src/config/nearest.ts';

const KNOWN = ['servers', 'serializer', 'keys_dir', 'tls', 'to', 'agents_multiplex'];

describe('the nearest known name', () => {
  it.each([
    ['server', 'servers'],
    ['srevers', 'servers'],
    ['SERVERS', 'servers'],
    ['keys-dir', 'keys_dir'],
    ['serialiser', 'serializer'],
    ['agent_multiplex', 'agents_multiplex'],
    ['tsl', 'tls'],
  ])('of %s is %s', (text, name) => {
    expect(nearest(text, KNOWN)).toBe(name);
  });

  it.each(['password', 'x', 'from', ''])('of %j is none', (text) => {
    expect(nearest(text, KNOWN)).toBeUndefined();
  });

  it('of a text far too long is none, and costs nothing', () => {
    expect(nearest('x'.repeat(100_000), KNOWN)).toBeUndefined();
  });

  it('is the first of two that are as near', () => {
    expect(nearest('ab', ['abc', 'abd'])).toBe('abc');
  });
});
