import { describe, expect, it, vi } from 'vitest';
import { parseObject } from '../../../../src/adapters/choria/wire/fields.ts';
import { decodeTransport } from '../../../../src/adapters/choria/wire/index.ts';
import { checkShape } from '../../../../src/adapters/choria/wire/shape.ts';
import { refused } from './support.ts';

const nested = (levels: number, open = '[', close = ']'): string =>
  open.repeat(levels) + close.repeat(levels);
const check = (text: string): void => checkShape(text, 'the message');

describe('the shape of a document', () => {
  it('is refused beyond 64 levels, and beyond 50,000 lists and objects', () => {
    check(nested(64));
    refused(() => check(nested(65)), 'limit_exceeded', /64 levels/);
    refused(() => check(nested(65, '{"a":[', ']}')), 'limit_exceeded', /64 levels/);
    check(`[${'[],'.repeat(49_998)}{}]`);
    refused(() => check(`[${'[],'.repeat(49_999)}{}]`), 'limit_exceeded', /50000 lists and objects/);
  });

  it.each([
    ['brackets in a string', JSON.stringify({ a: nested(100) })],
    ['behind an escaped quote', JSON.stringify({ a: `"${nested(100)}"` })],
    [
      'behind escaped backslashes and quotes',
      JSON.stringify({ [`\\\\"\\${nested(100)}`]: `\\"${nested(100)}` }),
    ],
    ['in a string without an end', `["${nested(100)}`],
    ['in a string with nothing but backslashes', `["${'\\'.repeat(999)}"${nested(100)}`],
  ])('does not count %s', (_, text) => check(text));

  it('counts what stands behind a string that ends with backslashes', () => {
    refused(() => check(`["${'\\'.repeat(1_000)}"${nested(100)}`), 'limit_exceeded', /levels/);
  });

  it('is looked at before the document is read', () => {
    const parse = vi.spyOn(JSON, 'parse');
    refused(() => parseObject(nested(450_000), 'the message'), 'limit_exceeded', /levels/);
    const message = `{"protocol":"choria:transport:1","data":"eA==","headers":{"x":${nested(100_000)}}}`;
    refused(
      () => decodeTransport(Buffer.from(message), { maxBytes: message.length }),
      'limit_exceeded',
      /levels/,
    );
    expect(parse).not.toHaveBeenCalled();
    parse.mockRestore();
  });
});
