import { describe, expect, it } from 'vitest';
import {
  decodeReplyBody,
  decodeRequestBody,
  encodeReplyBody,
  encodeRequestBody,
} from '../../../../src/adapters/choria/wire/body.ts';
import { detectDialect } from '../../../../src/adapters/choria/wire/dialect.ts';
import type { Value } from '../../../../src/envelope/value.ts';
import { refused } from './support.ts';

const discovery = { agent: 'discovery', callerId: 'choria=alice.mcollective' };
const context = { agent: 'rpcutil', callerId: 'choria=alice.mcollective' };
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const decode = (body: object | string) =>
  decodeRequestBody(typeof body === 'string' ? body : JSON.stringify(body), context);

describe('discovery bodies', () => {
  it.each([
    ['"ping"', 'ruby'],
    ['cGluZw==', 'go'],
    ['ping', 'go'],
    [base64('"ping"'), 'go'],
  ])('read %s as a ping in the dialect %s', (message, dialect) => {
    expect(decodeRequestBody(message, discovery)).toEqual({ payload: { kind: 'discovery' }, dialect });
  });

  it.each(['', 'pong', '{}', base64('pinging')])('refuse %j', (message) => {
    refused(() => decodeRequestBody(message, discovery), 'unsupported_body', /not a ping/);
  });

  it('are written as each dialect has them', () => {
    const ping = { kind: 'discovery' } as const;
    expect(encodeRequestBody(ping, discovery, 'ruby')).toBe('"ping"');
    expect(encodeRequestBody(ping, discovery, 'go')).toBe('cGluZw==');
    expect(encodeReplyBody(ping, 'ruby')).toBe('"pong"');
    expect(encodeReplyBody(ping, 'go')).toBe('pong');
    expect(decodeReplyBody('"pong"', 'discovery')).toEqual(ping);
    expect(decodeReplyBody('pong', 'discovery')).toEqual(ping);
    refused(() => decodeReplyBody('ping', 'discovery'), 'unsupported_body', /not a pong/);
  });
});

describe('RPC request bodies', () => {
  const data = new Map<string, Value>([
    ['fact', 'country'],
    ['big', 2n ** 70n],
  ]);
  const payload = { kind: 'rpc', action: 'get_fact', data } as const;

  it("have the caller in Ruby's dialect", () => {
    const text = encodeRequestBody(payload, context, 'ruby');
    expect(text).toBe(
      '{"agent":"rpcutil","action":"get_fact","caller":"choria=alice.mcollective",' +
        '"data":{"fact":"country","big":1180591620717411303424}}',
    );
    expect(decode(text)).toEqual({ payload, dialect: 'ruby' });
  });

  it("have none in Go's", () => {
    const text = encodeRequestBody(payload, context, 'go');
    expect(text).toBe(
      '{"agent":"rpcutil","action":"get_fact","data":{"fact":"country","big":1180591620717411303424}}',
    );
    expect(decode(text)).toEqual({ payload, dialect: undefined });
    expect(decode(base64(text))).toEqual({ payload, dialect: 'go' });
  });

  it('keep process_results where it was', () => {
    const beside = { ...payload, processResults: false };
    expect(decode(encodeRequestBody(beside, context, 'ruby')).payload).toEqual(beside);
    expect(decode({ action: 'a', data: { process_results: true } }).payload).toEqual({
      kind: 'rpc',
      action: 'a',
      data: new Map([['process_results', true]]),
    });
  });

  it.each([undefined, null, '{}'])('have empty data where it is %j', (nothing) => {
    expect(decode({ action: 'a', data: nothing }).payload).toEqual({
      kind: 'rpc',
      action: 'a',
      data: new Map(),
    });
  });

  it('may not contradict the signed request around them', () => {
    refused(() => decode({ agent: 'shell', action: 'run' }), 'agent_mismatch', /rpcutil/);
    refused(() => decode({ agent: 1, action: 'run' }), 'agent_mismatch');
    refused(() => decode({ action: 'run', caller: 'choria=root' }), 'caller_mismatch', /choria=alice/);
    refused(() => decode({ action: 'run', caller: null }), 'caller_mismatch');
  });

  it('are refused where a part is missing or not what it should be', () => {
    refused(() => decode({ data: {} }), 'missing_field', /action/);
    refused(() => decode({ action: 7 }), 'invalid_field', /action/);
    refused(() => decode({ action: '' }), 'invalid_field', /action/);
    refused(() => decode({ action: 'a', process_results: 'no' }), 'invalid_field', /process_results/);
    refused(() => decode({ action: 'a', data: [1] }), 'unsupported_body', /data/);
    refused(() => decode('hello, world'), 'unsupported_body', /neither/);
    refused(() => decode(''), 'unsupported_body', /neither/);
    refused(() => decode(base64('[1]')), 'unsupported_body', /not an RPC hash/);
    refused(() => decode(base64('ping')), 'malformed_json');
    refused(() => decode('{"action":'), 'malformed_json', /position 10/);
    refused(() => decode(`{"action":${'['.repeat(100)}`), 'limit_exceeded', /levels/);
  });
});

describe('RPC reply bodies', () => {
  it("have Ruby's order of keys", () => {
    const data: Value = new Map([['pong', 1795412245]]);
    const payload = { kind: 'rpc', statusCode: 0, statusMessage: 'OK', data } as const;
    for (const dialect of ['ruby', 'go'] as const) {
      const text = encodeReplyBody(payload, dialect);
      expect(text).toBe('{"statuscode":0,"statusmsg":"OK","data":{"pong":1795412245}}');
      expect(decodeReplyBody(text, 'rpcutil')).toEqual(payload);
    }
  });

  it('name the action in front, as those of Go do, where it is given', () => {
    const data: Value = new Map([['pong', 1]]);
    const payload = { kind: 'rpc', statusCode: 0, statusMessage: 'OK', data } as const;
    const text = encodeReplyBody(payload, 'go', 'pi"ng');
    expect(text).toBe('{"action":"pi\\"ng","statuscode":0,"statusmsg":"OK","data":{"pong":1}}');
    expect(decodeReplyBody(text, 'rpcutil')).toEqual(payload);
    expect(encodeReplyBody({ kind: 'discovery' }, 'go', 'ping')).toBe('pong');
  });

  it("may be Go's, with an action and its string for no data", () => {
    const text = '{"action":"ping","statuscode":1,"statusmsg":"no","data":"{}"}';
    expect(decodeReplyBody(text, 'rpcutil')).toEqual({
      kind: 'rpc',
      statusCode: 1,
      statusMessage: 'no',
      data: new Map(),
    });
  });

  it('are refused without a status', () => {
    refused(() => decodeReplyBody('{"statusmsg":"x"}', 'a'), 'missing_field', /statuscode/);
    refused(() => decodeReplyBody('{"statuscode":0}', 'a'), 'missing_field', /statusmsg/);
    refused(() => decodeReplyBody('{"statuscode":0.5,"statusmsg":""}', 'a'), 'invalid_field', /statuscode/);
    refused(() => decodeReplyBody('{"statuscode":0,"statusmsg":1}', 'a'), 'invalid_field', /statusmsg/);
    refused(() => decodeReplyBody('[]', 'a'), 'unsupported_body', /not an RPC hash/);
  });
});

describe('the dialect', () => {
  it("is the body's, and where that says nothing, the line feeds'", () => {
    expect(detectDialect({ wrapped: true, body: 'go' })).toBe('go');
    expect(detectDialect({ wrapped: false, body: 'ruby' })).toBe('ruby');
    expect(detectDialect({ wrapped: true, body: undefined })).toBe('ruby');
    expect(detectDialect({ wrapped: false, body: undefined })).toBe('go');
  });
});
