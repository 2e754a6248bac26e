import { createHash, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isWhole } from '../../src/inspect/tree.ts';
import { createV2Node, makeV2Key, makeV2Request, makeV2Token, type V2Caller } from '../support/choria-v2.ts';
import {
  decodeWithoutKeys as decode,
  field,
  kindsOf,
  layer,
  NOW,
  problemsOf,
  value,
  verdictsOf,
} from './support.ts';

const issuer = makeV2Key();
const key = makeV2Key();
const callerid = 'choria=alice.mcollective';
const alice: V2Caller = { callerid, key, token: makeV2Token(issuer, key, callerid, NOW) };

const request = (agent: string, body: string, caller: V2Caller = alice) =>
  makeV2Request(caller, {
    collective: 'mcollective',
    agent,
    body,
    targets: ['mcollective.node.n1.example.net'],
    now: NOW,
    trace: 'nats://nats.example.net:4222',
  });

const RPC = JSON.stringify({ agent: 'rpcutil', action: 'ping', data: { big: 1 } });
const PING = Buffer.from('ping').toString('base64');

const node = createV2Node({ identity: 'n1.example.net', issuer, agents: ['rpcutil', 'discovery'] });
const reply = (agent: string, body: string): string => {
  const answer = node.handle(request(agent, body).payload, 'nats://nats.example.net:4222', NOW).reply;
  if (answer === undefined) throw new Error('no reply');
  return answer.payload;
};

const inner = (payload: string, name: 'request' | 'reply'): readonly string[] => {
  const text = (base64: string): string => Buffer.from(base64, 'base64').toString();
  const secure = text(JSON.parse(payload).data);
  const document = text(JSON.parse(secure)[name]);
  return [payload, secure, document, text(JSON.parse(document).message)];
};

describe('protocol 2', () => {
  it('is read to the innermost layer of a request', () => {
    const tree = decode(request('rpcutil', RPC).payload);
    expect(kindsOf(tree)).toEqual([
      'transport-v2',
      'secure-request-v2',
      'token',
      'request-v2',
      'rpc-request',
    ]);
    expect(isWhole(tree)).toBe(true);
    expect(value(tree, 'transport-v2', 'sender')).toBe('client.example.net');
    expect(value(tree, 'request-v2', 'caller')).toBe(callerid);
    expect(value(tree, 'rpc-request', 'action')).toBe('ping');
  });

  it('counts time in nanoseconds', () => {
    const tree = decode(request('rpcutil', RPC).payload);
    expect(field(tree, 'request-v2', 'time')).toMatchObject({ value: BigInt(NOW) * 1_000_000n, time: NOW });
    expect(field(tree, 'request-v2', 'ttl').ends).toBe(NOW + 60_000);
  });

  it('shows the claims of the token, and that nobody has verified it', () => {
    const token = layer(decode(request('rpcutil', RPC).payload), 'token');
    expect(token.fields.map(({ name }) => name)).toEqual([
      'of',
      'header',
      'purpose',
      'callerid',
      'public_key',
      'permissions',
      'iat',
      'exp',
    ]);
    expect(token.fields.find(({ name }) => name === 'exp')?.time).toBe(NOW + 3_600_000);
    expect(token.verdicts).toEqual([
      { of: 'token', state: 'unverified', reason: 'mcbridge does not know its issuer' },
    ]);
    expect(kindsOf(decode(alice.token))).toEqual(['token']);
  });

  it('verifies the signature with the key in the token', () => {
    expect(layer(decode(request('rpcutil', RPC).payload), 'secure-request-v2').verdicts).toEqual([
      {
        of: 'signature',
        state: 'valid',
        reason: "made with the key in the caller's token, which is not verified itself",
      },
    ]);
  });

  it.each([
    ['another key', { ...alice, key: makeV2Key() }, 'does not match the request'],
    [
      'another caller',
      { ...alice, callerid: 'choria=bob.mcollective' },
      'the token for choria=alice.mcollective',
    ],
  ])('calls the signature of %s invalid', (_what, caller, reason) => {
    const secure = layer(decode(request('rpcutil', RPC, caller).payload), 'secure-request-v2');
    expect(secure.verdicts[0]).toMatchObject({ state: 'invalid', reason: expect.stringContaining(reason) });
  });

  it('takes the signer’s key where there is one, who may sign in another’s name', () => {
    const signer = makeV2Key();
    const [, secure = ''] = inner(request('rpcutil', RPC).payload, 'request');
    const fields: { request: string } = JSON.parse(secure);
    const document = Buffer.from(fields.request, 'base64');
    const delegated = JSON.stringify({
      ...fields,
      signature: sign(null, document, signer.key).toString('base64'),
      signer: makeV2Token(issuer, signer, 'choria=aaa.mcollective', NOW),
    });
    const tree = decode(delegated);
    expect(kindsOf(tree)).toEqual(['secure-request-v2', 'token', 'token', 'request-v2', 'rpc-request']);
    expect(layer(tree, 'secure-request-v2').verdicts[0]).toMatchObject({
      state: 'valid',
      reason: expect.stringContaining("the signer's token"),
    });
  });

  it('does not verify with a token that holds no key', () => {
    const [, secure = ''] = inner(request('rpcutil', RPC).payload, 'request');
    const tree = decode(JSON.stringify({ ...JSON.parse(secure), caller: 'none' }));
    expect(layer(tree, 'secure-request-v2').verdicts[0]).toMatchObject({ state: 'unverified' });
    expect(isWhole(tree)).toBe(false);
  });

  it('reads replies and their checksum', () => {
    const tree = decode(reply('rpcutil', RPC));
    expect(kindsOf(tree)).toEqual(['transport-v2', 'secure-reply-v2', 'reply-v2', 'rpc-reply']);
    expect(verdictsOf(tree)).toEqual([{ of: 'hash', state: 'valid', reason: 'the reply is intact' }]);
    const [, secure = ''] = inner(reply('rpcutil', RPC), 'reply');
    const hash = createHash('sha256').update('other').digest('base64');
    expect(verdictsOf(decode(JSON.stringify({ ...JSON.parse(secure), hash })))[0]).toMatchObject({
      of: 'hash',
      state: 'invalid',
    });
  });

  it('verifies replies that are signed', () => {
    const server = makeV2Key();
    const [, secure = '', document = ''] = inner(reply('rpcutil', RPC), 'reply');
    const signed = (by: typeof server) =>
      decode(
        JSON.stringify({
          ...JSON.parse(secure),
          signature: sign(null, Buffer.from(document), by.key).toString('base64'),
          sender: makeV2Token(issuer, server, 'n1.example.net', NOW),
        }),
      );
    expect(kindsOf(signed(server))).toEqual(['secure-reply-v2', 'token', 'reply-v2', 'rpc-reply']);
    const states = (by: typeof server) =>
      layer(signed(by), 'secure-reply-v2').verdicts.map(({ state }) => state);
    expect(states(server)).toEqual(['valid', 'valid']);
    expect(states(makeV2Key())).toEqual(['valid', 'invalid']);
  });

  it('knows the discovery bodies, which are encoded twice', () => {
    const asked = decode(request('discovery', PING).payload);
    expect(kindsOf(asked).slice(-3)).toEqual(['request-v2', 'base64', 'ping']);
    expect(kindsOf(decode(reply('discovery', PING))).slice(-2)).toEqual(['reply-v2', 'pong']);
  });

  it.each([
    ...inner(request('rpcutil', RPC).payload, 'request').map((text, i) => [`request ${i}`, text] as const),
    ...inner(reply('rpcutil', RPC), 'reply').map((text, i) => [`reply ${i}`, text] as const),
  ])('recognises layer %s alone', (name, text) => {
    const all = name.startsWith('request') ? request('rpcutil', RPC).payload : reply('rpcutil', RPC);
    const last = (it: string) => kindsOf(decode(it)).at(-1);
    expect(last(text)).toBe(last(all));
    expect(isWhole(decode(text))).toBe(true);
    expect(last(Buffer.from(text).toString('base64'))).toBe(last(all));
  });

  it('says what a layer lacks', () => {
    const problems = (object: object) => problemsOf(decode(JSON.stringify(object)));
    const whole = {
      protocol: 'io.choria.protocol.v2.secure_request',
      caller: alice.token,
      signature: 'AAAA',
    };
    expect(problems(whole)).toMatchObject([
      { message: 'there is no request, or it is no text', offset: JSON.stringify(whole).length },
    ]);
    expect(problems({ ...whole, request: '!' })).toMatchObject([
      { message: 'the request is not base64 from its character 0 on' },
    ]);
    expect(problems({ protocol: 'io.choria.protocol.v2.reply', message: 'cG9uZw==' }).length).toBe(4);
    expect(problems({ protocol: 'io.choria.protocol.v2.transport', data: 'x' }).length).toBe(1);
  });

  it('says at which byte a token is damaged', () => {
    const cut = alice.token.slice(0, 60);
    const [problem] = problemsOf(decode(cut));
    expect(problem?.message).toContain('the claims of the token');
    expect(problem?.offset).toBe(60);
  });
});
