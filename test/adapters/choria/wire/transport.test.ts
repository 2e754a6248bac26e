import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeTransport,
  requireProtocol1,
  type TransportHeaders,
  transportData,
} from '../../../../src/adapters/choria/wire/transport.ts';
import { openTransport, transportOf } from '../../../support/choria-transport.ts';
import { refused } from './support.ts';

const limits = { maxBytes: 100_000 };
const text = fc.string({ unit: 'binary', maxLength: 20 });
const optional: { requiredKeys: [] } = { requiredKeys: [] };

const headers: fc.Arbitrary<TransportHeaders> = fc.record(
  {
    replyTo: text,
    sender: text,
    hops: fc.array(fc.array(text, { maxLength: 3 }), { maxLength: 3 }),
    federation: fc.record({ request: text, home: text, targets: fc.array(text, { maxLength: 3 }) }, optional),
  },
  optional,
);

const read = (payload: string) => decodeTransport(Buffer.from(payload), limits);
const decode = (message: object) => () => read(JSON.stringify(message));
const protocol = 'choria:transport:1';

describe('the transport message', () => {
  it('comes back as it was written', () => {
    const style = fc.constantFrom('plain' as const, 'wrapped' as const);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), headers, style, (data, written, how) => {
        const { content, ...headers } = read(transportOf(data, written, how));
        const opened = transportData(content);
        expect(opened.data.equals(data)).toBe(true);
        expect(opened.wrapped).toBe(how === 'wrapped');
        expect(headers).toEqual(written);
      }),
    );
  });

  it('has the field names of the protocol', () => {
    const written = transportOf(
      'x',
      {
        replyTo: 'a.reply.b',
        sender: 'c1',
        hops: [['c1', 'nats://h:1']],
        federation: { request: 'r', home: 'a.reply.c', targets: ['a.node.c2'] },
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
    expect(openTransport(transportOf('x', { hops: [] })).hops).toEqual([]);
    expect(openTransport(transportOf('x', {}))).not.toHaveProperty('hops');
  });

  it('refuses what is no JSON object', () => {
    const secret = 'not JSON, and none of the log’s business';
    const rejection = refused(() => read(secret), 'malformed_json', /is not JSON/);
    expect(rejection.message).not.toContain('business');
    refused(() => read('[]'), 'malformed_json', /not a JSON object/);
    refused(() => read('null'), 'malformed_json');
    refused(() => decodeTransport(Buffer.from([0x7b, 0xff, 0x7d]), limits), 'malformed_json', /UTF-8/);
  });

  it('refuses other protocols by name', () => {
    refused(
      decode({ protocol: 'choria:secure:request:1' }),
      'wrong_protocol',
      /speaks "choria:secure:request:1", which is no transport of Choria$/,
    );
    refused(decode({ protocol: 7 }), 'wrong_protocol', /speaks number/);
    refused(decode({ protocol: ['choria:transport:1'] }), 'wrong_protocol', /speaks object/);
    refused(decode({ data: '', headers: {} }), 'missing_field', /does not name its protocol/);
  });

  it('of protocol 2 can be read, but not opened', () => {
    const { content } = decode({ protocol: 'io.choria.protocol.v2.transport', data: '', headers: {} })();
    refused(
      () => requireProtocol1(content),
      'wrong_protocol',
      /^the transport message speaks "io.choria.protocol.v2.transport", not "choria:transport:1"; protocol 2 is not translated$/,
    );
    expect(() => requireProtocol1(decode({ protocol, data: '', headers: {} })().content)).not.toThrow();
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
    const { content } = decode({ protocol, data: 'no base64!', headers: {} })();
    refused(() => transportData(content), 'malformed_base64', /data of the transport/);
  });

  it('looks at the size before anything else', () => {
    const payload = Buffer.alloc(10_000_000, '[');
    refused(() => decodeTransport(payload, limits), 'too_large', /10000000 bytes.* 100000 /);
    refused(() => read('é'.repeat(60_000)), 'too_large', /120000 bytes/);
  });
});
