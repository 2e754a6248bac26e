import { describe, expect, it } from 'vitest';
import { WIRE } from '../../../src/adapters/websocket/own-wire.ts';
import { parseJson } from '../../../src/codec/json.ts';
import { isMap, type ValueMap } from '../../../src/envelope/value.ts';
import { NO_SECRETS } from '../../support/no-secrets.ts';

const documentOf = (json: object): ValueMap => {
  const value = parseJson(JSON.stringify(json));
  if (!isMap(value)) throw new Error('it is no object');
  return value;
};

/** What is written in the place of a message, where all data is taken out. */
const redacted = (json: object, headers = {}) => {
  const message = { dir: 'in', headers, body: Buffer.from(JSON.stringify(json)) } as const;
  const clean = WIRE.redact(
    message,
    (fields) => new Map([...fields].filter(([name]) => name !== 'data')),
    NO_SECRETS,
  );
  return { ...clean, body: JSON.parse(clean.body.toString()) };
};

const CALL = {
  jsonrpc: '2.0',
  id: 1,
  method: 'rpc.call',
  params: { collective: 'a', agent: 'b', action: 'c', data: { password: 'secret' }, targets: ['n1'] },
};

describe('messages of a session, for redact and decode,', () => {
  it('are known by their methods', () => {
    expect(WIRE.holds(documentOf(CALL))).toBe(true);
    expect(WIRE.holds(documentOf({ jsonrpc: '2.0', method: 'rpc.done', params: {} }))).toBe(true);
    expect(WIRE.holds(documentOf({ jsonrpc: '2.0', id: 1, method: 'eth_call' }))).toBe(false);
    expect(WIRE.holds(documentOf({ method: 'rpc.call' }))).toBe(false);
  });

  it('keep whom they are for, and lose what they were asked with', () => {
    const { data: _, ...params } = CALL.params;
    expect(redacted(CALL, { caller: 'cert=alice' })).toEqual({
      requestId: '',
      callerId: 'cert=alice',
      body: { ...CALL, params },
    });
  });

  it('lose fields that nobody knows, and results', () => {
    const params = { id: 'x', seq: 1, sender: 'n1', statuscode: 0, statusmsg: 'OK', data: 'secret' };
    const { data: _, ...kept } = params;
    const reply = { jsonrpc: '2.0', method: 'rpc.reply', params: { ...params, further: 'secret' } };
    expect(redacted(reply)).toEqual({ requestId: 'x', body: { ...reply, params: kept } });
    expect(redacted({ jsonrpc: '2.0', id: 1, result: { nodes: ['secret'] } })).toEqual({
      requestId: '',
      body: { jsonrpc: '2.0', id: 1 },
    });
  });

  it('are refused where they are none', () => {
    const body = Buffer.from('no more');
    expect(() => WIRE.redact({ dir: 'in', headers: {}, body }, (fields) => fields, NO_SECRETS)).toThrow(
      'not JSON',
    );
  });
});
