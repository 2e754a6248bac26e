import { describe, expect, test } from 'vitest';
import { LinkError } from '../../../src/transport/link.ts';
import { decodeHeaders, encodeHeaders } from '../../../src/transport/nats/headers.ts';

describe('NATS headers', () => {
  test('come back as they were given', () => {
    const fields = { 'X-One': 'eins', two: '', three: 'a: b', four: 'ü' };
    expect(decodeHeaders(encodeHeaders(fields))).toEqual({ status: undefined, fields });
    expect(encodeHeaders({ 'X-One': 'eins' }).toString()).toBe('NATS/1.0\r\nX-One: eins\r\n\r\n');
  });

  test('have a status in what the server itself says, with or without a sentence', () => {
    expect(decodeHeaders(Buffer.from('NATS/1.0 503\r\n\r\n'))).toEqual({ status: 503, fields: {} });
    expect(decodeHeaders(Buffer.from('NATS/1.0 404 No Messages\r\na:b\r\n\r\n'))).toEqual({
      status: 404,
      fields: { a: 'b' },
    });
  });

  test('keep the first of several values, and a name that is no property', () => {
    const { fields } = decodeHeaders(
      Buffer.from('NATS/1.0\r\na: 1\r\na: 2\r\n__proto__: x\r\nnone\r\n: y\r\n\r\n'),
    );
    expect(Object.entries(fields)).toEqual([
      ['a', '1'],
      ['__proto__', 'x'],
    ]);
  });

  test.for([
    ['a: b', 'x'],
    ['', 'x'],
    ['a\r\nb', 'x'],
    ['a b', 'x'],
    ['a', 'x\r\nb: y'],
    ['a', 'x\ny'],
  ])('cannot smuggle another line in: %j: %j', ([name = '', value = '']) => {
    expect(() => encodeHeaders({ [name]: value })).toThrow(LinkError);
  });
});
