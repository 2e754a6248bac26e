import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeTransport,
  encodeTransport,
  type TransportHeaders,
} from '../../../src/wire/choria/transport.ts';
import { refused } from './support.ts';

const limits = { maxBytes: 100_000 };
const text = fc.string({ unit: 'binary', maxLength: 20 });
const optional: { requiredKeys: [] } = { requiredKeys: [] };

const headers: fc.Arbitrary<TransportHeaders> = fc.record(
  {
    replyTo: text,
    sender: text,
    seenBy: fc.array(fc.array(text, { maxLength: 3 }), { maxLength: 3 }),
    federation: fc.record(
      { request: text, replyTo: text, targets: fc.array(text, { maxLength: 3 }) },
      optional,
    ),
  },
  optional,
);

const decode = (message: object) => () => decodeTransport(JSON.stringify(message), limits);
const protocol = 'choria:transport:1';

describe('the transport message', () => {
  it('comes back as it was written', () => {
    const style = fc.constantFrom('plain' as const, 'wrapped' as const);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), headers, style, (data, written, how) => {
        const read = decodeTransport(encodeTransport(data, written, how), limits);
        expect(read.data.equals(data)).toBe(true);
        expect(read.wrapped).toBe(how === 'wrapped');
        expect(read.headers).toEqual(written);
      }),
    );
  });

  it('has the field names of the protocol', () => {
    const written = encodeTransport(
      'x',
      {
        replyTo: 'a.reply.b',
        sender: 'c1',
        seenBy: [['c1', 'nats://h:1']],
        federation: { request: 'r', replyTo: 'a.reply.c', targets: ['a.node.c2'] },
      },
      'wrapped',
    );
    expect(JSON.parse(written)).toEqual({
      protocol,
      data: 'eA==\n',
      headers: {
        'reply-to': 'a.reply.b',
        mc_sender: 'c1',
        'seen-by': [['c1', 'nats://h:1']],
        federation: { req: 'r', 'reply-to': 'a.reply.c', target: ['a.node.c2'] },
      },
    });
  });

  it('tells an empty trail, which asks for one, from none', () => {
    expect(decodeTransport(encodeTransport('x', { seenBy: [] }, 'plain'), limits).headers.seenBy).toEqual([]);
    expect(decodeTransport(encodeTransport('x', {}, 'plain'), limits).headers).toEqual({});
  });

  it('refuses what is no JSON object', () => {
    const secret = 'not JSON, and none of the log’s business';
    const rejection = refused(() => decodeTransport(secret, limits), 'malformed_json', /is not JSON/);
    expect(rejection.message).not.toContain('business');
    refused(() => decodeTransport('[]', limits), 'malformed_json', /not a JSON object/);
    refused(() => decodeTransport('null', limits), 'malformed_json');
    refused(() => decodeTransport(Buffer.from([0x7b, 0xff, 0x7d]), limits), 'malformed_json', /UTF-8/);
  });

  it('refuses other protocols by name', () => {
    refused(
      decode({ protocol: 'io.choria.protocol.v2.transport', data: '', headers: {} }),
      'wrong_protocol',
      /"io.choria.protocol.v2.transport".*protocol 2 is not translated/,
    );
    refused(decode({ protocol: 'choria:secure:request:1' }), 'wrong_protocol', /not "choria:transport:1"$/);
    refused(decode({ protocol: 7 }), 'wrong_protocol', /speaks number/);
    refused(decode({ data: '', headers: {} }), 'missing_field', /does not name its protocol/);
  });

  it('refuses missing and wrong fields by name', () => {
    refused(decode({ protocol, headers: {} }), 'missing_field', /has no data/);
    refused(decode({ protocol, data: '' }), 'missing_field', /has no headers/);
    refused(decode({ protocol, data: 1, headers: {} }), 'invalid_field', /data .* not a string/);
    refused(decode({ protocol, data: '', headers: [] }), 'invalid_field', /headers .* not an object/);
    refused(decode({ protocol, data: '', headers: { 'reply-to': 1 } }), 'invalid_field', /reply-to/);
    refused(decode({ protocol, data: '', headers: { mc_sender: {} } }), 'invalid_field', /mc_sender/);
    refused(decode({ protocol, data: '', headers: { 'seen-by': ['x'] } }), 'invalid_field', /seen-by/);
    refused(decode({ protocol, data: '', headers: { 'seen-by': [[1]] } }), 'invalid_field', /seen-by/);
    refused(decode({ protocol, data: '', headers: { federation: 'x' } }), 'invalid_field', /federation/);
    refused(
      decode({ protocol, data: '', headers: { federation: { target: 'x' } } }),
      'invalid_field',
      /target/,
    );
    refused(
      decode({ protocol, data: '', headers: { federation: { target: [1] } } }),
      'invalid_field',
      /target/,
    );
  });

  it('refuses data that is not base64', () => {
    refused(
      decode({ protocol, data: 'no base64!', headers: {} }),
      'malformed_base64',
      /data of the transport/,
    );
  });

  it('looks at the size before anything else', () => {
    const payload = Buffer.alloc(10_000_000, '[');
    refused(() => decodeTransport(payload, limits), 'too_large', /10000000 bytes.* 100000 /);
    refused(() => decodeTransport('é'.repeat(60_000), limits), 'too_large', /120000 bytes/);
  });
});
