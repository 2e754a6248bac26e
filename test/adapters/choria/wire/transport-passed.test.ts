import { describe, expect, it } from 'vitest';
import {
  decodeTransport,
  encodeTransport,
  type Transport,
  transportData,
} from '../../../../src/adapters/choria/wire/index.ts';
import { makeV2Key, makeV2Request, makeV2Token } from '../../../support/choria-v2.ts';
import { capture, object, refused } from './support.ts';

const LIMITS = { maxBytes: 1_000_000 };
const decode = (payload: string): Transport => decodeTransport(Buffer.from(payload), LIMITS);
const messages = ['choria-v1.ndjson', 'choria-v1-federated.ndjson']
  .flatMap(capture)
  .filter(({ subject }) => !subject.endsWith('.stats'));

const V1 = { protocol: 'choria:transport:1', data: 'eA==', headers: {} };
const V2 = { ...V1, protocol: 'io.choria.protocol.v2.transport' };

const withHeaders = (base: typeof V1, headers: object): string => JSON.stringify({ ...base, headers });

describe('a transport message that passes', () => {
  it.each(messages)('comes out as it went in, $at to $subject', ({ payload }) => {
    const transport = decode(payload);
    const written = encodeTransport(transport);
    expect(JSON.parse(written)).toEqual(JSON.parse(payload));
    // With its line feeds: not decoded and encoded again.
    expect(payload).toContain(`"data":${transport.content.data},`);
    expect(transportData(transport.content).data.toString('base64')).toBe(
      String(object(payload)['data']).replaceAll('\n', ''),
    );
  });

  it('is read as the recorded broker read it', () => {
    const { payload } = messages.find(({ subject }) => subject.endsWith('.federation')) ?? { payload: '' };
    expect(decode(payload)).toMatchObject({
      sender: 'alice.mcollective',
      replyTo: 'mcollective.reply.74ce5a833e16d4afa24ecbc90fff8506.5514.1',
      federation: {
        request: 'b65764f873805dafbdaeef254f7c065f',
        targets: ['mcollective.broadcast.agent.discovery'],
      },
    });
  });

  it('has other names for the same headers in protocol 2', () => {
    const key = makeV2Key();
    const caller = { callerid: 'choria=alice', key, token: makeV2Token(key, key, 'choria=alice', 0) };
    const { payload, data, requestId, replyTo } = makeV2Request(caller, {
      collective: 'fleet',
      agent: 'discovery',
      body: 'cGluZw==',
      targets: ['fleet.node.n1', 'fleet.node.n2'],
      now: 0,
      trace: 'nats://a:4222',
    });
    const transport = decode(payload);
    expect(transport).toEqual({
      content: { protocol: 'io.choria.protocol.v2.transport', data: JSON.stringify(data), headers: {} },
      replyTo,
      sender: 'client.example.net',
      hops: [['nats://a:4222', 'client.example.net', 'nats://a:4222']],
      federation: { request: requestId, targets: ['fleet.node.n1', 'fleet.node.n2'] },
    });
    expect(JSON.parse(encodeTransport(transport))).toEqual(JSON.parse(payload));
    const passed = { ...transport, replyTo: 'b', federation: { request: requestId, home: replyTo } };
    expect(JSON.parse(encodeTransport(passed))).toMatchObject({
      headers: { reply: 'b', federation: { request: requestId, reply: replyTo } },
    });
    expect(encodeTransport(passed)).not.toContain('targets');
  });

  it.each([
    ['protocol 1', V1],
    ['protocol 2', V2],
  ])('keeps headers that no broker knows, in %s', (_, base) => {
    const others = { 'x-new': { deep: [1, null, '✓'] }, reply_by: 5, __proto__x: true };
    const transport = decode(withHeaders(base, others));
    expect(transport.content.headers).toEqual(others);
    expect(JSON.parse(encodeTransport(transport))).toEqual({ ...base, headers: others });
  });

  it.each([
    ['Reply-To', V1],
    ['MC_\u017fENDER', V1],
    ['\u017feen-by', V1],
    ['FEDERATION', V1],
    ['Reply', V2],
    ['\u017fender', V2],
    ['tRace', V2],
    ['Federation', V2],
  ])('loses the header %s, which Go reads in place of the bridge’s', (name, base) => {
    const transport = decode(withHeaders(base, { [name]: 'evil', other: 1 }));
    expect(transport).toEqual({
      content: { protocol: base.protocol, data: '"eA=="', headers: { other: 1 } },
    });
    expect(encodeTransport({ ...transport, replyTo: 'a', sender: 'b', hops: [] })).not.toContain('evil');
  });

  it('keeps a header that is called __proto__, and is not changed by it', () => {
    const transport = decode(
      '{"protocol":"choria:transport:1","data":"eA==","headers":{"__proto__":{"mc_sender":"x"}}}',
    );
    expect(transport.sender).toBeUndefined();
    expect(encodeTransport(transport)).toContain('{"__proto__":{"mc_sender":"x"}}');
  });

  it('has the headers of the other protocol as unknown ones', () => {
    const transport = decode(withHeaders(V1, { reply: 'a', sender: 'b', trace: 'c' }));
    expect(transport).toEqual({
      content: { ...V1, data: '"eA=="', headers: { reply: 'a', sender: 'b', trace: 'c' } },
    });
  });

  it('asks for a trail with an empty one', () => {
    expect(decode(withHeaders(V1, { 'seen-by': [] })).hops).toEqual([]);
    expect(decode(withHeaders(V1, {})).hops).toBeUndefined();
  });
});

describe('the data of a transport message', () => {
  const around = (data: string, rest = '"headers":{"mc_sender":"a"}}'): Transport =>
    decode(`{"protocol":"choria:transport:1","data":${data},${rest}`);

  it.each([
    ['as it came', '"ZXhhbXBsZQ=="', '"ZXhhbXBsZQ=="'],
    ['with its line feeds', '"ZXhh\\nbXBsZQ==\\n"', '"ZXhh\\nbXBsZQ==\\n"'],
    ['with an escaped quote in it', '"ZXhh\\"bXBsZQ=="', '"ZXhh\\"bXBsZQ=="'],
    ['that ends in an escaped backslash', '"ZXhhbXBsZQ==\\\\"', '"ZXhhbXBsZQ==\\\\"'],
    ['after spaces', ' "ZXhhbXBsZQ=="', '"ZXhhbXBsZQ=="'],
  ])('passes %s', (_, given, passed) => {
    const transport = around(given);
    expect(transport).toEqual({
      content: { protocol: 'choria:transport:1', data: passed, headers: {} },
      sender: 'a',
    });
    expect(JSON.parse(encodeTransport(transport)).data).toBe(JSON.parse(passed));
  });

  it('is what the last of several fields of that name says, as JSON has it', () => {
    const transport = around(
      '"eA=="',
      '"headers":{},"data":"eQ==","protocol":"io.choria.protocol.v2.transport"}',
    );
    expect(transport.content).toEqual({ ...V2, data: '"eQ=="' });
    expect(around('"eA=="', '"data":"eQ==","headers":{"data":"eg=="}}').content.data).toBe('"eQ=="');
  });

  it('cannot end the message and begin another', () => {
    refused(() => around('"eA==","headers":{}}{"', '"headers":{}}'), 'malformed_json');
    refused(() => around('"eA==', '"headers":{}}'), 'malformed_json');
    refused(() => around('"eA==\\"', '"headers":{}}'), 'malformed_json');
  });

  it('is refused by who looks into it and finds no base64', () => {
    refused(() => transportData(around('"e*=="').content), 'malformed_base64');
    refused(() => transportData(around('"e\\qA="').content), 'malformed_json');
  });
});

describe('a transport message that does not pass', () => {
  it('is too long', () => {
    const payload = Buffer.from(JSON.stringify(V1));
    decodeTransport(payload, { maxBytes: payload.length });
    refused(() => decodeTransport(payload, { maxBytes: payload.length - 1 }), 'too_large');
  });

  it.each([
    ['no JSON', 'hello', 'malformed_json'],
    ['no object', '[]', 'malformed_json'],
    ['another protocol', JSON.stringify({ ...V1, protocol: 'choria:transport:9' }), 'wrong_protocol'],
    ['another layer', JSON.stringify({ ...V1, protocol: 'choria:secure:request:1' }), 'wrong_protocol'],
    ['no protocol', JSON.stringify({ ...V1, protocol: undefined }), 'missing_field'],
    ['no headers', JSON.stringify({ ...V1, headers: undefined }), 'missing_field'],
    ['no data', JSON.stringify({ ...V1, data: undefined }), 'missing_field'],
    ['data that is no text', JSON.stringify({ ...V1, data: { a: 1 } }), 'invalid_field'],
    ['a reply subject that is no text', withHeaders(V1, { 'reply-to': 1 }), 'invalid_field'],
    ['a sender that is no text', withHeaders(V2, { sender: ['a'] }), 'invalid_field'],
    ['a trail that is no list', withHeaders(V2, { trace: 'a' }), 'invalid_field'],
    ['a hop that is no list', withHeaders(V1, { 'seen-by': ['a'] }), 'invalid_field'],
    ['a hop of something else', withHeaders(V1, { 'seen-by': [[1]] }), 'invalid_field'],
    ['a federation that is none', withHeaders(V1, { federation: 'a' }), 'invalid_field'],
    ['targets that are no list', withHeaders(V1, { federation: { target: 'a' } }), 'invalid_field'],
    ['a target that is no text', withHeaders(V2, { federation: { targets: [1] } }), 'invalid_field'],
  ] as const)('has %s', (_, payload, code) => {
    refused(() => decode(payload), code);
  });

  it('is not UTF-8', () => {
    refused(() => decodeTransport(Buffer.from([0x7b, 0xff, 0x7d]), LIMITS), 'malformed_json', /UTF-8/);
  });
});

describe('a message that passes as it is', () => {
  const message = (data: string): string => `{"protocol":"choria:transport:1","data":"${data}","headers":{}}`;

  it.each([
    'a\nb',
    'a\u0000b',
    'a\u001fb',
    'a\tb',
    String.raw`a\xb`,
    String.raw`a\u12`,
    String.raw`a\u12zzb`,
    String.raw`\ b`,
    String.raw`a\'b`,
  ])('holds no data that is not JSON: %j', (data) => {
    refused(() => decode(message(data)), 'malformed_json');
  });

  it.each(['eA==', String.raw`eA\nAA`, String.raw`\u0065A==`, String.raw`eA=\u003d`, ''])(
    'may write its data in any way that is JSON: %j',
    (data) => {
      expect(JSON.parse(encodeTransport(decode(message(data)))).data).toBe(JSON.parse(`"${data}"`));
    },
  );

  it.each([V1, V2])(
    'is refused with a header nested deeper than it could be written again, $protocol',
    (base) => {
      for (const [open, close] of [
        ['[', ']'],
        ['{"a":', '}'],
      ] as const) {
        const nested = (levels: number): string =>
          `{"protocol":"${base.protocol}","data":"eA==","headers":{"x":${open.repeat(levels)}1${close.repeat(levels)}}}`;
        expect(JSON.parse(encodeTransport(decode(nested(30))))).toEqual(JSON.parse(nested(30)));
        refused(() => decode(nested(100)), 'limit_exceeded', /levels/);
        refused(() => decode(nested(100_000)), 'limit_exceeded', /levels/);
      }
    },
  );
});
