import { describe, expect, it } from 'vitest';
import { decodeReply, encodeReply, type WireReply } from '../../../../src/adapters/choria/wire/reply.ts';
import {
  choriaRequestId,
  decodeRequest,
  encodeRequest,
  type WireRequest,
} from '../../../../src/adapters/choria/wire/request.ts';
import { EMPTY_FILTER } from '../../../../src/envelope/filter.ts';
import { object, refused } from './support.ts';

const request: WireRequest = {
  requestId: 'daf983c215d9575b9bc4c9d5edf3c111',
  senderId: 'alice.mcollective',
  callerId: 'choria=alice.mcollective',
  collective: 'mcollective',
  agent: 'rpcutil',
  ttl: 60,
  time: 1795412238,
  filter: EMPTY_FILTER,
  message: '{"agent":"rpcutil","action":"ping","data":{}}',
};

const reply: WireReply = {
  requestId: request.requestId,
  senderId: 'c1.example.net',
  agent: 'rpcutil',
  time: 1795412239,
  message: '{"statuscode":0}',
};

/** The text with some fields of the envelope set, or without them where undefined. */
const changed = (text: string, fields: Readonly<Record<string, unknown>>): string => {
  const message = object(text);
  return JSON.stringify({ ...message, envelope: { ...Object(message['envelope']), ...fields } });
};

describe('the inner request', () => {
  it('comes back as it was written', () => {
    expect(decodeRequest(encodeRequest(request))).toEqual(request);
  });

  it.each([
    ['requestid', 'daf983c215d9575b9bc4c9d5edf3c1.1'],
    ['requestid', 'of 32 characters, as schemas ask'],
    ['requestid', 'é'.repeat(32)],
    ['senderid', '../alice'],
    ['senderid', 'alice@desk: "choria req"'],
  ])('may have the %s %j, which no node looks into', (name, value) => {
    const text = changed(encodeRequest(request), { [name]: value });
    expect(Object.values(decodeRequest(text))).toContain(value);
  });

  it.each(['requestid', 'senderid', 'callerid', 'collective', 'agent', 'ttl', 'time', 'filter'])(
    'is refused without %s',
    (name) => {
      const text = changed(encodeRequest(request), { [name]: undefined });
      refused(() => decodeRequest(text), 'missing_field', new RegExp(`the request has no ${name}`));
    },
  );

  it.each([
    ['requestid', 'daf983c215d9575b9bc4c9d5edf3c11'],
    ['requestid', 'daf983c215d9575b9bc4c9d5edf3c1111'],
    ['requestid', `${'x'.repeat(31)}\ud800`],
    ['senderid', ''],
    ['collective', 'a.b'],
    ['collective', '*'],
    ['agent', 'rpcutil.>'],
    ['agent', 7],
    ['ttl', '60'],
    ['ttl', 1.5],
    ['time', 1e300],
    ['filter', []],
  ])('is refused where %s is %j', (name, value) => {
    const text = changed(encodeRequest(request), { [name]: value });
    refused(() => decodeRequest(text), 'invalid_field', new RegExp(name));
  });

  it.each([
    'choria=../../etc/passwd',
    'choria=a/b',
    'choria=..',
    'alice',
    'choria=alice\n',
    'choria=alice;x=1',
    `choria=${'a'.repeat(300)}`,
  ])('is refused where callerid is %j', (callerid) => {
    const text = changed(encodeRequest(request), { callerid });
    refused(() => decodeRequest(text), 'invalid_callerid', /callerid/);
  });

  it.each(['REQUESTID', '\u017fenderid', 'CallerID', 'Filter', 'Collective', 'Agent', 'TTL', 'Time'])(
    'is refused with %s besides, which Go’s nodes would read in its place',
    (name) => {
      const text = changed(encodeRequest(request), { [name]: 'x' });
      refused(() => decodeRequest(text), 'invalid_field', /case alone/);
    },
  );

  it.each(['Protocol', 'me\u017fsage', 'ENVELOPE'])('is refused with %s besides, too', (name) => {
    const text = JSON.stringify({ ...object(encodeRequest(request)), [name]: {} });
    refused(() => decodeRequest(text), 'invalid_field', /case alone/);
  });

  it('is refused under another protocol name, and without message or envelope', () => {
    const message = object(encodeRequest(request));
    const refusal = (fields: object, code: 'wrong_protocol' | 'missing_field', sentence: RegExp) =>
      refused(() => decodeRequest(JSON.stringify({ ...message, ...fields })), code, sentence);
    refusal({ protocol: 'choria:reply:1' }, 'wrong_protocol', /choria:reply:1/);
    refusal({ protocol: 'io.choria.protocol.v2.request' }, 'wrong_protocol', /protocol 2/);
    refusal({ message: undefined }, 'missing_field', /message/);
    refusal({ envelope: undefined }, 'missing_field', /envelope/);
    refused(() => decodeRequest('{'), 'malformed_json');
  });

  it('says whose it was when it is refused, as far as that is well-formed', () => {
    const text = changed(encodeRequest(request), { ttl: 'x', senderid: 'two\nlines' });
    expect(refused(() => decodeRequest(text), 'invalid_field').context).toEqual({
      requestId: request.requestId,
      caller: request.callerId,
      agent: 'rpcutil',
      collective: 'mcollective',
    });
  });
});

describe('the inner reply', () => {
  it('comes back as it was written', () => {
    expect(decodeReply(encodeReply(reply))).toEqual(reply);
  });

  it.each(['requestid', 'senderid', 'agent', 'time'])('is refused without %s', (name) => {
    const text = changed(encodeReply(reply), { [name]: undefined });
    refused(() => decodeReply(text), 'missing_field', new RegExp(`the reply has no ${name}`));
  });

  it('is refused with fields that are not what they should be', () => {
    refused(
      () => decodeReply(changed(encodeReply(reply), { senderid: 'c1 c2' })),
      'invalid_field',
      /senderid/,
    );
    refused(() => decodeReply(changed(encodeReply(reply), { time: null })), 'invalid_field', /time/);
    refused(() => decodeReply(encodeRequest(request)), 'wrong_protocol', /choria:request:1/);
  });
});

describe('the id that nodes of Choria get', () => {
  it('is the client’s own where both kinds of client make such', () => {
    for (const id of ['daf983c215d9575b9bc4c9d5edf3c111', 'X'.repeat(32)])
      expect(choriaRequestId(id)).toBe(id);
  });

  it.each([
    '1',
    'a'.repeat(40),
    '550e8400-e29b-41d4-a716-446655440000',
    'é',
    'of 32 characters, as schemas ask',
  ])('is the same one of 32 characters each time for %j', (id) => {
    expect(choriaRequestId(id)).toMatch(/^[0-9a-f]{32}$/);
    expect(choriaRequestId(id)).toBe(choriaRequestId(id));
    expect(choriaRequestId(id)).not.toBe(choriaRequestId(`${id} `));
  });
});
