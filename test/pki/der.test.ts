import { describe, expect, it } from 'vitest';
import { DerError, elements, expect as expectTag, oid, TAG, time } from '../../src/pki/der.ts';

const node = (tag: number, text: string) => ({ tag, content: Buffer.from(text, 'latin1') });

describe('DER', () => {
  it('is read element by element, with short and long lengths', () => {
    const long = Buffer.concat([Buffer.from([0x04, 0x81, 0x80]), Buffer.alloc(128, 7)]);
    const read = elements(Buffer.concat([Buffer.from([0x02, 0x01, 0x05]), long]));
    expect(read.map(({ tag, content }) => [tag, content.length])).toEqual([
      [TAG.integer, 1],
      [TAG.octetString, 128],
    ]);
  });

  it.each(['30', '3001', '3080', '30850000000001', '3084ffffffff', '308201'])('refuses %s', (hex) => {
    expect(() => elements(Buffer.from(hex, 'hex'))).toThrow(DerError);
  });

  it('refuses an element of another tag, or none', () => {
    expect(() => expectTag(node(TAG.integer, ''), TAG.sequence)).toThrow(DerError);
    expect(() => oid(undefined)).toThrow(DerError);
  });

  it.each([
    [TAG.utcTime, '261123034324Z', '2026-11-23T03:43:24.000Z'],
    [TAG.utcTime, '500101000000Z', '1950-01-01T00:00:00.000Z'],
    [TAG.generalizedTime, '20500229000000Z', '2050-03-01T00:00:00.000Z'],
    [TAG.generalizedTime, '99991231235959Z', '9999-12-31T23:59:59.000Z'],
    [TAG.generalizedTime, '00010101000000Z', '0001-01-01T00:00:00.000Z'],
  ])('reads the time %i %s as %s', (tag, text, iso) => {
    expect(new Date(time(node(tag, text))).toISOString()).toBe(iso);
  });

  it.each(['2611230343Z', '261123034324+0100', ''])('refuses the time %j', (text) => {
    expect(() => time(node(TAG.utcTime, text))).toThrow(DerError);
  });
});
