import { createPublicKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decodeReply } from '../../../../src/adapters/mcollective/wire/reply.ts';
import { decodeRequest, verifyRequest } from '../../../../src/adapters/mcollective/wire/request.ts';
import { createSerializer } from '../../../../src/adapters/mcollective/wire/serializer.ts';
import { fromRuby } from '../../../../src/adapters/mcollective/wire/values.ts';
import { formatJson } from '../../../../src/codec/json.ts';
import {
  decodeMarshal,
  encodeMarshal,
  encodeYaml,
  RubyHash,
  type RubyValue,
  symbol,
} from '../../../../src/codec/ruby/index.ts';
import { DEFAULT_RUBY_LIMITS } from '../../../../src/codec/ruby/value.ts';
import { keyPair } from '../../../support/pki.ts';
import { refused } from '../../choria/wire/support.ts';

const SERIALIZERS = [
  { name: 'marshal', encode: encodeMarshal, most: 20_000 },
  { name: 'yaml', encode: encodeYaml, most: 5_000 },
] as const;

const request = (filter: RubyValue): RubyHash =>
  new RubyHash([
    [symbol('body'), 'x'],
    [symbol('senderid'), 'workstation'],
    [symbol('requestid'), 'a'.repeat(32)],
    [symbol('filter'), filter],
    [symbol('collective'), 'mcollective'],
    [symbol('agent'), 'rpcutil'],
    [symbol('callerid'), 'cert=alice'],
    [symbol('ttl'), 60],
    [symbol('msgtime'), 1],
    [symbol('hash'), 'eA=='],
  ]);

describe.each(SERIALIZERS)(
  'a legacy document of which nothing is proven yet, in $name',
  ({ name, encode, most }) => {
    const serializer = createSerializer(name, DEFAULT_RUBY_LIMITS);
    const list = (length: number): readonly RubyValue[] => Array<RubyValue>(length).fill('a');

    it('is read with as many values as a long filter has', () => {
      const filter = new RubyHash([['identity', list(most / 2 - 100)]]);
      const { filterCollective } = decodeRequest(encode(request(filter)), serializer);
      expect(filterCollective).toBeUndefined();
    });

    it('is not read with more', () => {
      const filter = new RubyHash([['identity', list(most)]]);
      refused(() => decodeRequest(encode(request(filter)), serializer), 'limit_exceeded');
      refused(() => decodeReply(encode(request(filter)), serializer), 'limit_exceeded');
      expect(serializer.decode(encode(list(2 * most)))).toHaveLength(2 * most);
    });

    it('has its filter read after its signature', () => {
      const nonsense = new RubyHash([['puppet_class', list(1)]]);
      const signed = decodeRequest(encode(request(nonsense)), serializer);
      const key = createPublicKey(keyPair('alice').publicKey);
      refused(() => verifyRequest(signed, key, serializer), 'invalid_signature');
      refused(() => signed.readFilter(), 'unsupported_filter');
    });
  },
);

describe('YAML', () => {
  const serializer = createSerializer('yaml', DEFAULT_RUBY_LIMITS);

  it.each([
    ['empty', '\n'],
    ['short', '  x\n'],
  ])('has no text of more than 50,000 %s lines', (_, line) => {
    refused(
      () => serializer.decode(Buffer.from(`---\n:a: |\n  x\n${line.repeat(50_000)}`)),
      'limit_exceeded',
    );
  });

  it('has a text of a megabyte in base64, as Ruby breaks it', () => {
    const base64 = `${Array(16_000)
      .fill(`  ${'A'.repeat(60)}`)
      .join('\n')}\n`;
    const value = serializer.decode(Buffer.from(`---\n:a: !binary |\n${base64}`));
    expect(value).toBeInstanceOf(RubyHash);
  });
});

describe('long integers', () => {
  it('are counted as often as they are linked', () => {
    // An array of one number of 1 KiB, and 200 links to it.
    const number = Buffer.concat([Buffer.from([0x6c, 0x2b, 0x02, 0x00, 0x02]), Buffer.alloc(1024, 0xff)]);
    const links = Buffer.concat(Array<Buffer>(200).fill(Buffer.from([0x40, 0x06])));
    const document = Buffer.concat([Buffer.from([4, 8, 0x5b, 0x01, 0xc9]), number, links]);
    const value = fromRuby(decodeMarshal(document));
    expect(value).toHaveLength(201);
    refused(() => formatJson(value), 'limit_exceeded', /long integers/);
  });

  it('are no keys', () => {
    refused(() => fromRuby(new RubyHash([[10n ** 100n, 1]])), 'unsupported_value', /100 digits/);
    refused(() => fromRuby(new RubyHash([[-(10n ** 100n), 1]])), 'unsupported_value', /100 digits/);
    expect(fromRuby(new RubyHash([[10n ** 100n - 1n, 1]]))).toEqual(new Map([['9'.repeat(100), 1]]));
  });
});
