import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  decodeMarshal,
  decodeYaml,
  encodeMarshal,
  encodeYaml,
  RubyHash,
  RubyString,
  type RubyValue,
} from '../../../src/codec/ruby/index.ts';
import { describeValue } from './describe.ts';
import { type Format, RubyPeer } from './peer.ts';

const CODECS = {
  marshal: { decode: decodeMarshal, encode: encodeMarshal },
  yaml: { decode: decodeYaml, encode: encodeYaml },
} as const;

const frameBodies = (format: Format): readonly Buffer[] =>
  readFileSync(new URL(`../../../fixtures/captures/legacy-${format}.ndjson`, import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line): { body?: string } => JSON.parse(line))
    .flatMap(({ body }) => (body === undefined || body === '' ? [] : [Buffer.from(body, 'base64')]));

const bytesOf = (value: RubyValue | undefined): Buffer => {
  if (value instanceof RubyString) return value.bytes;
  if (typeof value === 'string') return Buffer.from(value);
  throw new Error('not a string');
};

const inner = (format: Format, outer: Buffer): Buffer => {
  const message = CODECS[format].decode(outer);
  if (!(message instanceof RubyHash)) throw new Error('not a hash');
  return bytesOf(message.symbol('body'));
};

describe.each(['marshal', 'yaml'] as const)('captured %s messages', (format) => {
  const outers = frameBodies(format);
  const documents = outers.flatMap((outer) => [outer, inner(format, outer)]);
  let ruby: RubyPeer;
  beforeAll(() => {
    ruby = new RubyPeer();
  });
  afterAll(() => ruby.close());

  it('are all there', () => {
    expect(outers.length).toBe(format === 'marshal' ? 64 : 12);
  });

  it('mean what Ruby reads in them', async () => {
    for (const document of documents)
      expect(await ruby.load(format, document)).toEqual({
        value: describeValue(CODECS[format].decode(document)),
      });
  });

  it('are equal for Ruby once written anew', async () => {
    for (const document of documents) {
      const { decode, encode } = CODECS[format];
      expect(await ruby.equal(format, document, encode(decode(document)))).toEqual({ value: true });
    }
  });
});
