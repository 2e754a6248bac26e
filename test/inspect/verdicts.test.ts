import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  encodeRequest,
  encodeSecureRequest,
  signSecureRequest,
} from '../../src/adapters/choria/wire/index.ts';
import {
  encodeRequestBody,
  encodeSignedRequest,
  type LegacyRequest,
} from '../../src/adapters/mcollective/wire/request.ts';
import { createSerializer } from '../../src/adapters/mcollective/wire/serializer.ts';
import { signDocument } from '../../src/adapters/mcollective/wire/signature.ts';
import { DEFAULT_RUBY_LIMITS } from '../../src/codec/ruby/index.ts';
import { EMPTY_FILTER } from '../../src/envelope/filter.ts';
import { type Keys, NO_KEYS } from '../../src/inspect/keys.ts';
import { isWhole, type Layer, type Verdict } from '../../src/inspect/tree.ts';
import { type Identity, keyPair, makeAuthority } from '../support/pki.ts';
import {
  CAPTURE_KEYS,
  captureLines,
  decode,
  decodeWithoutKeys,
  NOW,
  parseLine,
  trusting,
  verdictsOf,
} from './support.ts';

const only = (tree: Layer): Verdict => {
  const [verdict, ...others] = verdictsOf(tree);
  if (verdict === undefined || others.length > 0) throw new Error(`${others.length + 1} verdicts`);
  return verdict;
};

const DAY = 86_400_000;

const REQUEST = {
  requestId: '0123456789abcdef0123456789abcdef',
  senderId: 'client.example.net',
  callerId: 'choria=alice.mcollective',
  collective: 'mcollective',
  agent: 'discovery',
  ttl: 60,
  time: NOW / 1000,
  filter: EMPTY_FILTER,
  message: '"ping"',
};

const ca = makeAuthority('decode CA', {
  notBefore: new Date(NOW - 100 * DAY),
  notAfter: new Date(NOW + 100 * DAY),
});

const person = (commonName: string, days = 10): Identity =>
  ca.issue({ commonName, notBefore: new Date(NOW - days * DAY), notAfter: new Date(NOW + days * DAY) });

const signed = ({ certificate, privateKey }: Identity, request = REQUEST): string =>
  encodeSecureRequest(signSecureRequest(encodeRequest(request), createPrivateKey(privateKey), certificate));

const CHORIA: Keys = { ...NO_KEYS, callers: trusting(ca.certificate) };

describe('the signature of a Choria request', () => {
  it('is valid by its own certificate', () => {
    expect(only(decode(signed(person('alice.mcollective')), CHORIA))).toEqual({
      of: 'signature',
      state: 'valid',
      reason: 'made by alice.mcollective with its own certificate, which ca.pem vouches for',
    });
  });

  it('is valid by a privileged certificate', () => {
    const { state, reason } = only(decode(signed(person('web.privileged.mcollective')), CHORIA));
    expect(state).toBe('valid');
    expect(reason).toContain('made for alice.mcollective by the privileged certificate of web.privileged');
  });

  it('is judged at the time of its message, and says what has changed since', () => {
    const { state, reason } = only(decode(signed(person('alice.mcollective')), CHORIA, NOW + 20 * DAY));
    expect(state).toBe('valid');
    expect(reason).toMatch(
      /; valid when it was sent, but not any more: the certificate of alice\.mcollective expired at 20/,
    );
  });

  it('is invalid where the certificate had expired before', () => {
    const late = { ...REQUEST, time: (NOW + 20 * DAY) / 1000 };
    const { state, reason } = only(decode(signed(person('alice.mcollective'), late), CHORIA, NOW));
    expect({ state, reason }).toMatchObject({
      state: 'invalid',
      reason: expect.stringContaining('expired at'),
    });
  });

  it.each([
    [
      'somebody else’s certificate',
      () => signed(person('bob.mcollective')),
      'claims to be by alice.mcollective',
    ],
    [
      'a caller who is not on the list',
      () => signed(person('alice.example.net'), { ...REQUEST, callerId: 'choria=alice.example.net' }),
      'not on the list of allowed callers',
    ],
    [
      'a request that was changed',
      () => signed(person('alice.mcollective')).replace('\\"ttl\\":60', '\\"ttl\\":61'),
      'does not match the request',
    ],
    [
      'a CA that nobody trusts',
      () => signed(makeAuthority('other CA').issue({ commonName: 'alice.mcollective' })),
      'none of the configured CAs',
    ],
    [
      'an insecure build',
      () =>
        encodeSecureRequest({ message: encodeRequest(REQUEST), signature: 'insecure', pubcert: 'insecure' }),
      'is not signed',
    ],
  ])('is invalid for %s', (_what, message, reason) => {
    const tree = decode(message(), CHORIA);
    expect(only(tree)).toMatchObject({ state: 'invalid', reason: expect.stringContaining(reason) });
    expect(only(tree).reason).toContain('(ca.pem)');
    expect(isWhole(tree)).toBe(true);
  });

  it('is not verified without a CA, but is seen not to fit the message', () => {
    const good = signed(person('alice.mcollective'));
    expect(only(decodeWithoutKeys(good))).toMatchObject({
      state: 'unverified',
      reason: expect.stringContaining(
        'no CA: give --ca or --config; it matches the certificate in the message',
      ),
    });
    expect(only(decodeWithoutKeys(good.replace('\\"ttl\\":60', '\\"ttl\\":61')))).toMatchObject({
      state: 'invalid',
    });
  });

  it('is tried with every CA', () => {
    const other = trusting(makeAuthority('other CA').certificate, 'other.pem');
    const keys = { ...NO_KEYS, callers: [...other, ...CHORIA.callers] };
    expect(only(decode(signed(person('alice.mcollective')), keys)).state).toBe('valid');
  });
});

describe('the hash of a Choria reply', () => {
  it('is invalid where the reply was changed', () => {
    const line = captureLines('choria-v1.ndjson').find((it) => !it.includes('broadcast')) ?? '';
    const transport: { data: string; headers: object } = JSON.parse(parseLine(line).payload ?? '');
    const secure: { message: string } = JSON.parse(Buffer.from(transport.data, 'base64').toString());
    const changed = { ...secure, message: secure.message.replace('c', 'd') };
    expect(only(decode(JSON.stringify(secure))).state).toBe('valid');
    expect(only(decode(JSON.stringify(changed)))).toMatchObject({ of: 'hash', state: 'invalid' });
  });
});

const marshal = createSerializer('marshal', DEFAULT_RUBY_LIMITS);
const pair = keyPair('decode alice');
const privateKey = createPrivateKey(pair.privateKey);

const LEGACY: LegacyRequest = {
  requestId: REQUEST.requestId,
  senderId: 'client.example.net',
  callerId: 'cert=alice',
  collective: 'mcollective',
  agent: 'rpcutil',
  ttl: 60,
  time: REQUEST.time,
  filter: EMPTY_FILTER,
  payload: { kind: 'rpc', action: 'ping', data: new Map() },
};

const legacy = async (outer: Partial<LegacyRequest> = {}): Promise<Buffer> => {
  const body = encodeRequestBody(LEGACY, marshal);
  return encodeSignedRequest({ ...LEGACY, ...outer }, body, await signDocument(body, privateKey), marshal);
};

const knows = (key = createPublicKey(pair.publicKey)): Keys => ({
  ...NO_KEYS,
  clientKey: (callerId) =>
    callerId === 'cert=alice'
      ? { key, source: 'keys/alice.pem' }
      : { missing: `no key for ${callerId} in keys` },
});

describe('the signature of a legacy request', () => {
  it('is valid with the caller’s key', async () => {
    expect(only(decode(await legacy(), knows()))).toEqual({
      of: 'signature',
      state: 'valid',
      reason: 'made with the key of cert=alice (keys/alice.pem)',
    });
  });

  it('is not verified where the caller’s key is unknown', async () => {
    expect(only(decode(await legacy({ callerId: 'cert=bob' }), knows()))).toEqual({
      of: 'signature',
      state: 'unverified',
      reason: 'no key for cert=bob in keys',
    });
  });

  it('is invalid with another key, of whatever kind', async () => {
    for (const key of [
      createPublicKey(keyPair('decode bob').publicKey),
      generateKeyPairSync('ed25519').publicKey,
    ])
      expect(only(decode(await legacy(), knows(key)))).toMatchObject({
        state: 'invalid',
        reason: expect.stringContaining(
          'does not match the request and the key of cert=alice (keys/alice.pem)',
        ),
      });
  });

  it.each([
    [{ agent: 'shell' }, 'the message is for agent shell'],
    [{ ttl: 3600 }, 'the ttl differs from the signed one'],
    [{ time: REQUEST.time + 1 }, 'the message time differs'],
  ])('is invalid where the unsigned part says %j', async (outer, reason) => {
    const verdict = only(decode(await legacy(outer), knows()));
    expect(verdict).toMatchObject({ state: 'invalid', reason: expect.stringContaining(`, but ${reason}`) });
  });
});

describe('the signature of a legacy reply', () => {
  const reply = Buffer.from(
    parseLine(captureLines('legacy-marshal.ndjson').find((it) => it.includes('"MESSAGE"')) ?? '').body ?? '',
    'base64',
  );

  it('is valid with one of several server keys, which it names', () => {
    const other = { key: createPublicKey(keyPair('decode bob').publicKey), source: 'old.pem' };
    const keys = { ...CAPTURE_KEYS, serverKeys: [other, ...CAPTURE_KEYS.serverKeys] };
    expect(only(decode(reply, keys))).toMatchObject({
      state: 'valid',
      reason: 'made with the server key server-public.pem',
    });
    expect(only(decode(reply, { ...NO_KEYS, serverKeys: [other] }))).toMatchObject({
      state: 'invalid',
      reason: expect.stringContaining('old.pem'),
    });
  });

  it('is not verified without one', () => {
    expect(only(decodeWithoutKeys(reply))).toMatchObject({
      state: 'unverified',
      reason: 'no server key: give --server-key or --config',
    });
  });
});
