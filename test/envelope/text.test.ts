import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rejection } from '../../src/envelope/rejection.ts';
import { cut, MAX_SENTENCE_BYTES, MAX_TEXT_BYTES } from '../../src/envelope/text.ts';

describe('cut', () => {
  it('leaves alone what is short enough', () => {
    for (const text of ['', 'x'.repeat(256), 'é'.repeat(128), '…'.repeat(85)])
      expect(cut(text, 256)).toBe(text);
  });

  it('keeps the beginning of what is too long, whole characters of it', () => {
    expect(cut('abcdef', 5)).toBe('ab…');
    expect(cut('aéééé', 7)).toBe('aé…');
    expect(cut('🚂🚂🚂', 9)).toBe('🚂…');
  });

  it('never has more bytes than allowed, and no half characters', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 400 }),
        fc.integer({ min: 8, max: 300 }),
        (text, most) => {
          const short = cut(text, most);
          expect(Buffer.byteLength(short)).toBeLessThanOrEqual(most);
          expect(short === text || (short.endsWith('…') && text.startsWith(short.slice(0, -1)))).toBe(true);
        },
      ),
    );
  });
});

describe('a rejection', () => {
  it('quotes little of a message, whatever is in it', () => {
    const long = 'x'.repeat(1_000_000);
    const context = { requestId: long, sender: long, caller: long, agent: long, collective: long };
    const rejection = new Rejection('invalid_field', `the name ${long} is not one`).with(context);
    expect(Buffer.byteLength(rejection.message)).toBeLessThanOrEqual(MAX_SENTENCE_BYTES);
    for (const text of Object.values(rejection.context))
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_TEXT_BYTES);
  });
});
