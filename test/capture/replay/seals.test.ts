import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { requestsOf } from './requests.ts';
import { makeWorld, type World } from './world.ts';

/** What of the bridge is broken just now. */
const broken = vi.hoisted(() => ({
  legacySignature: false,
  choriaSignature: undefined as string | undefined,
  certificate: false,
}));

vi.mock('../../../src/codec/base64.ts', async (importOriginal) => {
  const real = await importOriginal<typeof import('../../../src/codec/base64.ts')>();
  return {
    ...real,
    // Nothing but signatures is written by it here.
    encodeBase64: ((bytes, style) =>
      broken.legacySignature
        ? 'no base64!'
        : real.encodeBase64(bytes, style)) satisfies typeof real.encodeBase64,
  };
});

vi.mock('../../../src/adapters/choria/wire/secure.ts', async (importOriginal) => {
  const real = await importOriginal<typeof import('../../../src/adapters/choria/wire/secure.ts')>();
  return {
    ...real,
    secureRequestEncoder: ((pubcert) => {
      const encode = real.secureRequestEncoder(broken.certificate ? '' : pubcert);
      return (message, signature) => {
        const { choriaSignature: other } = broken;
        const text = encode(message, signature);
        return other === undefined ? text : text.replace(/"signature":"[^"]*"/, `"signature":"${other}"`);
      };
    }) satisfies typeof real.secureRequestEncoder,
  };
});

let world: World;
let config: string;
let federated: string;
let legacy: string;

beforeAll(async () => {
  world = makeWorld();
  config = world.config();
  const record = async (capture: string, ingress: string) =>
    world.record(config, (await requestsOf(capture, ingress, config)).slice(0, 6));
  federated = await record('choria-v1-federated.ndjson', 'federation');
  legacy = await record('legacy-marshal.ndjson', 'clients');
});

afterEach(() => {
  broken.legacySignature = false;
  broken.choriaSignature = undefined;
  broken.certificate = false;
});

afterAll(() => world.end());

const flaws = async (file: string, lane: string, options = {}): Promise<readonly string[]> => {
  const { differences } = await world.replay(file, config, options);
  const all = differences.filter((it) => it.lane === lane).flatMap(({ changes }) => changes);
  return [...new Set(all.map(({ path, recorded, replayed }) => `${path}: ${recorded} -> ${replayed}`))];
};

test.each([
  ['a request to legacy nodes', () => federated, 'egress legacy', { throwAwayKeys: false }],
  ['a request to legacy nodes, without its key', () => federated, 'egress legacy', { throwAwayKeys: true }],
  ['a reply to legacy clients', () => legacy, 'ingress clients', {}],
])('%s whose signature is none is a difference', async (_, file, lane, options) => {
  broken.legacySignature = true;
  expect(await flaws(file(), lane, options)).toEqual([
    'body (signature): valid -> unverified: the message is damaged',
  ]);
});

test.each([
  ['is none', 'no base64!', 'unverified: it is not base64'],
  ['is of something else', 'AAAA', 'invalid: it does not match the request and the certificate'],
])('a request to Choria nodes whose signature %s is a difference', async (_, signature, verdict) => {
  broken.choriaSignature = signature;
  expect(await flaws(legacy, 'egress choria')).toEqual([`body (signature): valid -> ${verdict}`]);
});

test('a request to Choria nodes without a certificate is a difference', async () => {
  broken.certificate = true;
  expect(await flaws(legacy, 'egress choria')).toEqual([
    'body (certificate): valid -> unverified: there is none that can be read',
  ]);
});

test('unbroken, all of it is the same with other keys of the bridge', async () => {
  for (const file of [federated, legacy])
    expect(await world.replay(file, world.config())).toMatchObject({ outcome: 'same', differences: [] });
});
