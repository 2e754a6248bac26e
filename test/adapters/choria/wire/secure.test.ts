import { createPrivateKey, createPublicKey, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  decodeSecureReply,
  decodeSecureRequest,
  encodeSecureReply,
  encodeSecureRequest,
  signSecureRequest,
  verifyHash,
} from '../../../../src/adapters/choria/wire/secure.ts';
import { keyPair } from '../../../support/pki.ts';
import { object, refused } from './support.ts';

const keys = keyPair('secure');
const privateKey = createPrivateKey(keys.privateKey);

const bytes = (message: object): Buffer => Buffer.from(JSON.stringify(message));

describe('the secure request', () => {
  it('holds a signature over the bytes of its message', () => {
    const signed = signSecureRequest('{"ä":1}', privateKey, 'PEM');
    const signature = Buffer.from(signed.signature, 'base64');
    const key = createPublicKey(keys.publicKey);
    expect(verify('sha256', Buffer.from('{"ä":1}'), key, signature)).toBe(true);
    expect(decodeSecureRequest(Buffer.from(encodeSecureRequest(signed)))).toEqual(signed);
  });

  it("has the signature's lines broken for Ruby, without one at the end", () => {
    const plain = signSecureRequest('x', privateKey, 'PEM').signature;
    const wrapped = signSecureRequest('x', privateKey, 'PEM', 'wrapped').signature;
    expect(plain).not.toContain('\n');
    expect(wrapped).toBe(plain.replace(/.{60}/g, '$&\n'));
    expect(wrapped.length).toBe(349);
  });

  it('is refused without one of its fields, or with one that is no text', () => {
    const message = object(encodeSecureRequest({ message: 'm', signature: 's', pubcert: 'p' }));
    for (const name of ['message', 'signature', 'pubcert']) {
      const without = bytes({ ...message, [name]: undefined });
      refused(() => decodeSecureRequest(without), 'missing_field', new RegExp(`has no ${name}`));
      refused(() => decodeSecureRequest(bytes({ ...message, [name]: 1 })), 'invalid_field', new RegExp(name));
    }
  });

  it.each(['Message', 'me\u017fsage', 'PROTOCOL', 'Signature', 'pubCert'])(
    'is refused with %s besides, which Go’s nodes would read in place of what is verified',
    (name) => {
      const message = object(encodeSecureRequest({ message: 'm', signature: 's', pubcert: 'p' }));
      refused(() => decodeSecureRequest(bytes({ ...message, [name]: 'x' })), 'invalid_field', /case alone/);
    },
  );

  it('is refused under another name, as no JSON and as no UTF-8', () => {
    refused(() => decodeSecureRequest(bytes({ protocol: 'choria:secure:reply:1' })), 'wrong_protocol');
    refused(
      () => decodeSecureRequest(bytes({ protocol: 'io.choria.protocol.v2.secure_request' })),
      'wrong_protocol',
      /protocol 2 is not translated/,
    );
    refused(() => decodeSecureRequest(Buffer.from('x')), 'malformed_json');
    refused(() => decodeSecureRequest(Buffer.from([0xc3])), 'malformed_json', /UTF-8/);
  });

  it('is refused where the message has no UTF-8 form, as its signature would be that of another', () => {
    const data = Buffer.from(
      '{"protocol":"choria:secure:request:1","message":"\\ud800","signature":"","pubcert":""}',
    );
    refused(() => decodeSecureRequest(data), 'invalid_field', /not Unicode text/);
  });
});

describe('the secure reply', () => {
  it('has the checksum of its message', () => {
    const reply = decodeSecureReply(Buffer.from(encodeSecureReply('{"ä":"😀"}')));
    expect(reply.message).toBe('{"ä":"😀"}');
    verifyHash(reply);
  });

  it('is refused where the checksum is not that of the message', () => {
    const reply = decodeSecureReply(Buffer.from(encodeSecureReply('one')));
    refused(() => verifyHash({ ...reply, message: 'two' }), 'invalid_hash', /checksum/);
    refused(() => verifyHash({ ...reply, hash: '' }), 'invalid_hash');
    refused(() => verifyHash({ ...reply, hash: '???' }), 'malformed_base64', /hash/);
  });

  it('is refused under another name or without its fields', () => {
    refused(() => decodeSecureReply(bytes({ protocol: 'choria:secure:request:1' })), 'wrong_protocol');
    refused(
      () => decodeSecureReply(bytes({ protocol: 'choria:secure:reply:1', hash: '' })),
      'missing_field',
      /message/,
    );
    refused(
      () => decodeSecureReply(bytes({ protocol: 'choria:secure:reply:1', message: '' })),
      'missing_field',
      /hash/,
    );
  });
});
