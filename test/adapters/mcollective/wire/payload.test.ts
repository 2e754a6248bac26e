import { describe, expect, it } from 'vitest';
import {
  replyPayloadFromRuby,
  replyPayloadToRuby,
  requestPayloadFromRuby,
  requestPayloadToRuby,
} from '../../../../src/adapters/mcollective/wire/payload.ts';
import { RubyHash, RubyString, RubySymbol, type RubyValue } from '../../../../src/codec/ruby/value.ts';
import type { ReplyPayload } from '../../../../src/envelope/message.ts';

const symbols = (fields: Readonly<Record<string, RubyValue>>): RubyHash =>
  new RubyHash(Object.entries(fields).map(([name, value]) => [new RubySymbol(name), value]));
const binary = (text: string): RubyString => new RubyString(Buffer.from(text, 'latin1'), 'ASCII-8BIT');

describe('an RPC request’s payload', () => {
  const payload = { kind: 'rpc', action: 'get_fact', data: new Map([['fact', 'country']]) } as const;

  it('has symbol keys, and the caller that the outer message names', () => {
    expect(requestPayloadToRuby(payload, 'rpcutil', 'cert=alice')).toEqual(
      symbols({
        agent: 'rpcutil',
        action: 'get_fact',
        caller: 'cert=alice',
        data: symbols({ fact: 'country' }),
      }),
    );
  });

  it('has process_results in its data, where daemons look for it', () => {
    const silent = requestPayloadToRuby({ ...payload, processResults: false }, 'rpcutil', 'cert=alice');
    if (!(silent instanceof RubyHash)) throw new Error('not a hash');
    expect(silent.symbol('data')).toEqual(symbols({ fact: 'country', process_results: false }));
    expect(silent.symbol('process_results')).toBeUndefined();
  });

  it('lets process_results of the data itself prevail', () => {
    const data = new Map([['process_results', true]]);
    const both = requestPayloadToRuby({ ...payload, data, processResults: false }, 'rpcutil', 'cert=alice');
    if (!(both instanceof RubyHash)) throw new Error('not a hash');
    expect(both.symbol('data')).toEqual(symbols({ process_results: true }));
  });

  it('is read with string keys too, and without data', () => {
    const strings = new RubyHash([
      ['agent', 'rpcutil'],
      ['action', new RubySymbol('ping')],
    ]);
    expect(requestPayloadFromRuby(strings)).toEqual({
      payload: { kind: 'rpc', action: 'ping', data: new Map() },
      agent: 'rpcutil',
    });
  });

  it.each<[string, RubyValue, string]>([
    ['another text than ping', 'pang', 'unsupported_body'],
    ['a list', [], 'unsupported_body'],
    ['a hash without an action', symbols({ agent: 'rpcutil' }), 'missing_field'],
    ['a hash without an agent', symbols({ action: 'ping' }), 'missing_field'],
    ['a hash whose data is a list', symbols({ agent: 'a', action: 'b', data: [1] }), 'invalid_field'],
  ])('is refused where it is %s', (_, value, code) => {
    expect(() => requestPayloadFromRuby(value)).toThrow(expect.objectContaining({ code }));
  });
});

describe('an RPC reply’s payload', () => {
  it.each<[string, ReplyPayload]>([
    ['discovery', { kind: 'discovery' }],
    ['a hash', { kind: 'rpc', statusCode: 0, statusMessage: 'OK', data: new Map([['a', 1]]) }],
    ['a list', { kind: 'rpc', statusCode: 1, statusMessage: 'no', data: [1, 2] }],
    ['nothing', { kind: 'rpc', statusCode: 5, statusMessage: '', data: null }],
  ])('of %s comes back as it was', (_, payload) => {
    expect(replyPayloadFromRuby(replyPayloadToRuby(payload, 'echo'))).toEqual(payload);
  });

  it('keeps what can be read of a sentence in binary', () => {
    const reply = (statusmsg: RubyValue): unknown =>
      replyPayloadFromRuby(symbols({ statuscode: 5, statusmsg }));
    expect(reply(binary('exit 1'))).toMatchObject({ statusMessage: 'exit 1' });
    expect(reply(binary('\xc3\xa9 \xff'))).toMatchObject({ statusMessage: 'é \ufffd' });
    expect(reply(null)).toMatchObject({ statusMessage: '' });
  });

  it.each<[string, RubyValue, string]>([
    ['another text than pong', 'ping', 'unsupported_body'],
    ['nil', null, 'unsupported_body'],
    ['a hash without a status', symbols({ statusmsg: 'OK' }), 'missing_field'],
    ['a hash whose status is text', symbols({ statuscode: '0' }), 'missing_field'],
    ['a hash whose status is no status', symbols({ statuscode: 2n ** 70n }), 'missing_field'],
  ])('is refused where it is %s', (_, value, code) => {
    expect(() => replyPayloadFromRuby(value)).toThrow(expect.objectContaining({ code }));
  });
});
