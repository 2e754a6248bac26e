import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeMarshal,
  decodeYaml,
  encodeMarshal,
  encodeYaml,
  RubyError,
  type RubyLimits,
  type RubyValue,
} from '../../../src/codec/ruby/index.ts';
import { runs } from '../../support/seed.ts';
import { marshalValue, plainValue } from './arbitrary.ts';
import { describeValue } from './describe.ts';

const LIMITS: RubyLimits = { maxBytes: 100_000, maxDepth: 32, maxElements: 5_000 };

const size = (value: RubyValue): number => JSON.stringify(describeValue(value)).length;

/** Decodes; what is neither a value within the limits nor a RubyError fails the test. */
const outcome = (decode: typeof decodeMarshal, bytes: Buffer): 'value' | 'error' => {
  try {
    // A description takes at most some 40 characters an element beside the bytes in base64.
    expect(size(decode(bytes, LIMITS))).toBeLessThan(LIMITS.maxElements * 40 + LIMITS.maxBytes * 3);
    return 'value';
  } catch (error) {
    if (error instanceof RubyError) return 'error';
    throw error;
  }
};

const capture = (format: string): Buffer => {
  const url = new URL(`../../../fixtures/captures/legacy-${format}.ndjson`, import.meta.url);
  const bodies = readFileSync(url, 'utf8')
    .trim()
    .split('\n')
    .map((line): { body?: string } => JSON.parse(line))
    .map(({ body }) => Buffer.from(body ?? '', 'base64'));
  return bodies.reduce((longest, body) => (body.length > longest.length ? body : longest));
};

/** A document with some of its bytes changed, removed, repeated. */
const damaged = (documents: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> =>
  fc
    .tuple(
      documents,
      fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 }), fc.nat({ max: 3 })), { minLength: 1, maxLength: 4 }),
    )
    .map(([document, changes]) => {
      let bytes = [...document];
      for (const [place, byte, kind] of changes) {
        const at = place % bytes.length;
        if (kind === 0) bytes[at] = byte;
        else if (kind === 1) bytes[at] = (bytes[at] ?? 0) ^ (1 << (byte % 8));
        else if (kind === 2) bytes.splice(at, 1 + (byte % 4), ...bytes.slice(0, byte % 3));
        else bytes = [...bytes.slice(0, at), ...bytes.slice(Math.max(0, at - byte))];
      }
      return Buffer.from(bytes);
    });

describe('any bytes end in a value or a RubyError', () => {
  const marshal = marshalValue.map(encodeMarshal);
  const yaml = plainValue.map(encodeYaml);

  it('Marshal: random bytes behind a true header', () => {
    const random = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.concat([Buffer.of(4, 8), bytes]));
    fc.assert(
      fc.property(random, (bytes) => void outcome(decodeMarshal, bytes)),
      { numRuns: runs(20_000) },
    );
  });

  it('Marshal: types, small numbers and links in any order', () => {
    const bytes = fc.constantFrom(
      ...Buffer.from('0TFilf":;[{}@/SouUCecmMdI\0\x01\x06\x07\x08\x09\xfa\xffE', 'latin1'),
    );
    const grammar = fc.array(bytes, { maxLength: 60 }).map((list) => Buffer.from([4, 8, ...list]));
    fc.assert(
      fc.property(grammar, (document) => void outcome(decodeMarshal, document)),
      { numRuns: runs(30_000) },
    );
  });

  it('Marshal: damaged documents', () => {
    fc.assert(
      fc.property(damaged(marshal), (bytes) => void outcome(decodeMarshal, bytes)),
      { numRuns: runs(10_000) },
    );
  });

  it('Marshal: a captured message, cut anywhere, is malformed', () => {
    const whole = capture('marshal');
    expect(outcome(decodeMarshal, whole)).toBe('value');
    for (let end = 0; end < whole.length; end++)
      expect(() => decodeMarshal(whole.subarray(0, end)), `${end} bytes`).toThrow(
        expect.objectContaining({ code: 'malformed' }),
      );
  });

  it('Marshal: a captured message with any one bit changed', () => {
    const whole = capture('marshal');
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const changed = Buffer.from(whole);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      outcome(decodeMarshal, changed);
    }
  });

  it('YAML: random bytes', () => {
    const random = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(random, (bytes) => void outcome(decodeYaml, bytes)),
      { numRuns: runs(5000) },
    );
  });

  it('YAML: its own characters in any order', () => {
    const text = fc.string({
      unit: fc.constantFrom(...'ab1 -:?,[]{}#&*!|>\'"%@`~\n\n\n  \t\\<=.'),
      maxLength: 60,
    });
    fc.assert(
      fc.property(text, (document) => void outcome(decodeYaml, Buffer.from(document))),
      { numRuns: runs(10_000) },
    );
  });

  it('YAML: damaged documents', () => {
    fc.assert(
      fc.property(damaged(yaml), (bytes) => void outcome(decodeYaml, bytes)),
      { numRuns: runs(5000) },
    );
  });

  it('YAML: a captured message, cut anywhere', () => {
    const whole = capture('yaml');
    expect(outcome(decodeYaml, whole)).toBe('value');
    for (let end = 0; end < whole.length; end += 3) outcome(decodeYaml, whole.subarray(0, end));
  });
});
