import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBase64, encodeBase64, encodeBase64Json, tryDecodeBase64 } from '../../src/codec/base64.ts';
import { refused } from '../adapters/choria/wire/support.ts';

const bytes = fc.uint8Array({ maxLength: 400 });

describe('base64', () => {
  it('is what Buffer writes, and breaks lines as Ruby does', () => {
    fc.assert(
      fc.property(bytes, (value) => {
        const standard = Buffer.from(value).toString('base64');
        expect(encodeBase64(value, 'plain')).toBe(standard);
        expect(encodeBase64(value, 'wrapped')).toBe(standard.replace(/.{1,60}/g, '$&\n'));
      }),
    );
  });

  it('reads back what it wrote in either style', () => {
    fc.assert(
      fc.property(bytes, fc.constantFrom('plain' as const, 'wrapped' as const), (value, style) => {
        expect(decodeBase64(encodeBase64(value, style)).equals(value)).toBe(true);
        expect(JSON.parse(encodeBase64Json(value, style))).toBe(encodeBase64(value, style));
      }),
    );
  });

  it('takes line ends anywhere', () => {
    expect(decodeBase64('cG\r\nlu\n\nZw=\n=\n').toString()).toBe('ping');
    expect(decodeBase64('').length).toBe(0);
  });

  it.each([
    ['a space', 'cGlu Zw=='],
    ['the URL alphabet', '-_-_'],
    ['no padding', 'cGluZw'],
    ['half the padding', 'cGluZw='],
    ['too much padding', 'cGluZw===='],
    ['padding inside', 'cG==Zw=='],
    ['text after the padding', 'cGluZw==AAA='],
    ['a letter beyond ASCII', 'cGlu\u0141w=='],
    ['bits after the end', 'cGluZx=='],
    ['garbage', '!!!!'],
  ])('refuses %s', (_, text) => {
    expect(tryDecodeBase64(text)).toBeUndefined();
    refused(() => decodeBase64(text, 'the hash'), 'malformed_base64', /^the hash is not base64$/);
  });

  it('decodes any text to bytes that give the same text, or refuses it', () => {
    const text = fc.string({ unit: fc.constantFrom(...'AZaz09+/=-_ \n\réŁ'), maxLength: 12 });
    fc.assert(
      fc.property(text, (value) => {
        const decoded = tryDecodeBase64(value);
        if (decoded !== undefined) expect(decoded.toString('base64')).toBe(value.replace(/[\r\n]/g, ''));
      }),
      { numRuns: 2000 },
    );
  });
});
