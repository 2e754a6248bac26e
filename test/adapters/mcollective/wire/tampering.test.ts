import { generateKeyPairSync } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeReply, encodeReply, verifyReply } from '../../../../src/adapters/mcollective/wire/reply.ts';
import {
  decodeRequest,
  encodeRequest,
  encodeRequestBody,
  encodeSignedRequest,
  type LegacyRequest,
  verifyRequest,
} from '../../../../src/adapters/mcollective/wire/request.ts';
import { signDocument } from '../../../../src/adapters/mcollective/wire/signature.ts';
import { fieldBytes, fieldText } from '../../../../src/adapters/mcollective/wire/text.ts';
import { encodeBase64 } from '../../../../src/codec/base64.ts';
import { RubyHash, RubyString, RubySymbol, type RubyValue } from '../../../../src/codec/ruby/value.ts';
import { EMPTY_FILTER } from '../../../../src/envelope/filter.ts';
import { Rejection } from '../../../../src/envelope/rejection.ts';
import { serializers } from './captures.ts';

const alice = generateKeyPairSync('rsa', { modulusLength: 2048 });
const server = generateKeyPairSync('rsa', { modulusLength: 2048 });

const request: LegacyRequest = {
  requestId: '0123456789abcdef0123456789abcdef',
  senderId: 'bridge.example.net',
  callerId: 'cert=alice',
  collective: 'mcollective',
  agent: 'rpcutil',
  ttl: 60,
  time: 1_800_000_000,
  filter: { ...EMPTY_FILTER, agent: ['rpcutil'], language: 'mcollective' },
  payload: { kind: 'rpc', action: 'get_fact', data: new Map([['fact', 'country']]) },
};
const reply = {
  senderId: 'node1.example.net',
  requestId: request.requestId,
  agent: 'rpcutil',
  time: 1_800_000_001,
  payload: { kind: 'rpc', statusCode: 0, statusMessage: 'OK', data: new Map([['value', 'uk']]) },
} as const;

const codeOf = (attempt: () => unknown): string => {
  try {
    attempt();
  } catch (error) {
    if (error instanceof Rejection) return error.code;
    throw error;
  }
  return 'accepted';
};

describe.each(['marshal', 'yaml'] as const)('a %s message', (name) => {
  const serializer = serializers[name];
  let signedRequest: RubyHash;
  let signedReply: RubyHash;

  const hashOf = (bytes: Uint8Array): RubyHash => {
    const value = serializer.decode(bytes);
    if (!(value instanceof RubyHash)) throw new Error('not a hash');
    return value;
  };
  /** The message with one field changed, or without it. */
  const changed = (message: RubyHash, field: string, value: RubyValue | undefined): Buffer =>
    serializer.encode(
      new RubyHash(
        message.entries.flatMap(([key, old]) => {
          if (!(key instanceof RubySymbol) || key.name !== field) return [[key, old] as const];
          return value === undefined ? [] : [[key, value] as const];
        }),
      ),
    );
  const ofRequest = (bytes: Uint8Array): string =>
    codeOf(() => verifyRequest(decodeRequest(bytes, serializer), alice.publicKey, serializer));
  const ofReply = (bytes: Uint8Array): string =>
    codeOf(() => verifyReply(decodeReply(bytes, serializer), [server.publicKey], serializer));

  /** One bit of the signed document flipped, in the name of the action or of the status message. */
  const flipped = (message: RubyHash, within: string): RubyValue => {
    const body = fieldBytes(message.symbol('body'));
    if (body === undefined) throw new Error('no body');
    const copy = Buffer.from(body);
    const at = copy.indexOf(within);
    copy.writeUInt8(copy.readUInt8(at) ^ 1, at);
    return name === 'yaml' ? copy.toString() : new RubyString(copy, 'ASCII-8BIT');
  };
  const signatureOf = (message: RubyHash): string => fieldText(message.symbol('hash')) ?? '';

  beforeAll(async () => {
    signedRequest = hashOf(await encodeRequest(request, alice.privateKey, serializer));
    signedReply = hashOf(await encodeReply(reply, server.privateKey, serializer));
  });

  it('is accepted as it was sent', () => {
    expect(ofRequest(serializer.encode(signedRequest))).toBe('accepted');
    expect(ofReply(serializer.encode(signedReply))).toBe('accepted');
  });

  it('request with another body, key or signature is not the caller’s', () => {
    expect(ofRequest(changed(signedRequest, 'body', flipped(signedRequest, 'get_fact')))).toBe(
      'invalid_signature',
    );
    expect(ofRequest(changed(signedRequest, 'hash', signatureOf(signedReply)))).toBe('invalid_signature');
    expect(ofRequest(changed(signedRequest, 'hash', encodeBase64(Buffer.alloc(256), 'wrapped')))).toBe(
      'invalid_signature',
    );
    expect(ofRequest(changed(signedRequest, 'hash', ''))).toBe('invalid_signature');
    expect(
      codeOf(() =>
        verifyRequest(
          decodeRequest(serializer.encode(signedRequest), serializer),
          server.publicKey,
          serializer,
        ),
      ),
    ).toBe('invalid_signature');
  });

  it.each<[string, RubyValue, string]>([
    ['ttl', 61, 'invalid_field'],
    ['msgtime', 1_800_000_001, 'invalid_field'],
    ['agent', 'puppet', 'agent_mismatch'],
    ['callerid', 'cert=mallory', 'caller_mismatch'],
    ['callerid', 'cert=../../alice', 'invalid_callerid'],
    ['callerid', 'cert=..', 'invalid_callerid'],
    ['callerid', 'alice', 'invalid_callerid'],
    ['callerid', 'cert=alice\nx', 'invalid_callerid'],
    ['senderid', '', 'invalid_field'],
    ['requestid', '', 'invalid_field'],
    ['collective', 'mcollective.reply', 'invalid_field'],
    ['hash', 'not base64!', 'malformed_base64'],
    ['filter', 'all', 'missing_field'],
  ])('request whose :%s becomes %s is %s', (field, value, code) => {
    expect(ofRequest(changed(signedRequest, field, value))).toBe(code);
  });

  it.each([
    'body',
    'senderid',
    'requestid',
    'filter',
    'collective',
    'agent',
    'callerid',
    'ttl',
    'msgtime',
    'hash',
  ])('request without :%s says what is missing', (field) => {
    expect(() => decodeRequest(changed(signedRequest, field, undefined), serializer)).toThrow(
      expect.objectContaining({ code: 'missing_field', message: expect.stringContaining(`:${field}`) }),
    );
  });

  it('request of which legacy signs nothing is accepted with another filter, request id and collective', () => {
    // The security model says so plainly; the adapter ties them to what it can.
    for (const [field, value] of [
      ['requestid', 'f'.repeat(32)],
      ['collective', 'uk_collective'],
      ['senderid', 'elsewhere'],
    ] as const)
      expect(ofRequest(changed(signedRequest, field, value))).toBe('accepted');
  });

  it('reply with another body or signature is not the daemons’', () => {
    expect(ofReply(changed(signedReply, 'body', flipped(signedReply, 'OK')))).toBe('invalid_signature');
    expect(ofReply(changed(signedReply, 'hash', signatureOf(signedRequest)))).toBe('invalid_signature');
    expect(ofReply(changed(signedReply, 'hash', 'AAAA'))).toBe('invalid_signature');
  });

  it.each<[string, RubyValue | undefined, string]>([
    ['senderid', undefined, 'missing_field'],
    ['senderid', '../node1', 'invalid_field'],
    ['senderid', 'node1\nfoo: bar', 'invalid_field'],
    ['senderid', '', 'invalid_field'],
    ['requestid', undefined, 'missing_field'],
    ['msgtime', undefined, 'missing_field'],
    ['msgtime', 'now', 'missing_field'],
    ['body', undefined, 'missing_field'],
    ['body', 7, 'missing_field'],
    ['hash', undefined, 'missing_field'],
    ['hash', '*', 'malformed_base64'],
  ])('reply whose :%s becomes %s is %s', (field, value, code) => {
    expect(ofReply(changed(signedReply, field, value))).toBe(code);
  });

  it('reply that is refused says who sent it, where it says so itself', () => {
    expect(() => decodeReply(changed(signedReply, 'hash', undefined), serializer)).toThrow(
      expect.objectContaining({ context: { sender: 'node1.example.net' } }),
    );
  });

  it.each<[string, RubyValue]>([
    ['a list', []],
    ['a text', 'ping'],
    ['nothing', null],
  ])('that is %s is no message', (_, value) => {
    expect(ofRequest(serializer.encode(value))).toBe('wrong_protocol');
    expect(ofReply(serializer.encode(value))).toBe('wrong_protocol');
  });

  it.each<[string, RubyValue, string]>([
    ['no :ssl_msg', new RubyHash([]), 'missing_field'],
    ['a text', 'ping', 'missing_field'],
  ])('request whose signed document is %s is refused', async (_, document, code) => {
    const body = serializer.encode(document);
    const signature = await signDocument(body, alice.privateKey);
    expect(ofRequest(encodeSignedRequest(request, body, signature, serializer))).toBe(code);
  });

  it('request for discovery has a ping as payload, and no other words', async () => {
    const discovery: LegacyRequest = { ...request, agent: 'discovery', payload: { kind: 'discovery' } };
    const body = encodeRequestBody(discovery, serializer);
    const signature = await signDocument(body, alice.privateKey);
    const bytes = encodeSignedRequest(discovery, body, signature, serializer);
    expect(hashOf(body).symbol('ssl_msg')).toBe('ping');
    expect(verifyRequest(decodeRequest(bytes, serializer), alice.publicKey, serializer)).toEqual(discovery);
  });
});
