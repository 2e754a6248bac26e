import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callerCredentials, readCredential } from '../../../../src/adapters/choria/collective/credentials.ts';
import type { Dialect } from '../../../support/choria-messages.ts';
import { createChoriaNode, Refused } from '../../../support/choria-node.ts';
import type { RubySecurity } from '../../../support/choria-ruby-security.ts';
import { makeAuthority } from '../../../support/pki.ts';
import { COLLECTIVE } from '../../brokers.ts';
import { alice, authority, until } from '../../world.ts';
import { makeNetwork } from './signed-network.ts';
import { ALICE, credentialsOf, privileged, requestOf } from './signed-world.ts';

const bob = authority.issue({ commonName: 'bob.mcollective', usages: ['client'] });
const BOB = 'choria=bob.mcollective';
let folder: string;

const write = (name: string, { certificate, privateKey }: { certificate: string; privateKey: string }) => {
  writeFileSync(join(folder, `${name}.pem`), certificate);
  writeFileSync(join(folder, `${name}.key`), privateKey);
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcbridge-certs-'));
  write('alice.mcollective', alice);
  write('bob.mcollective', bob);
});
afterAll(() => rmSync(folder, { recursive: true }));

const own = readCredential(privileged.certificate, Buffer.from(privileged.privateKey));
const clock = { now: Date.now() };
const MODES = {
  'the privileged certificate': () => credentialsOf(privileged),
  'callers’ own certificates': () => callerCredentials(folder, own, { clock: () => clock.now }),
} as const;
type Mode = keyof typeof MODES;

const node = (dialect: Dialect, ruby: RubySecurity = {}) =>
  createChoriaNode({
    identity: 'n1.example.net',
    dialect,
    ruby,
    ca: authority.certificate,
    agents: ['discovery', 'rpcutil'],
    collectives: [COLLECTIVE],
  });

/** What the bridge puts onto the network for a caller, or to ask who is there. */
const published = async (mode: Mode, caller?: string): Promise<string> => {
  const { egress, seen } = await makeNetwork({ credentials: MODES[mode]() });
  if (caller === undefined) await egress.discover?.(COLLECTIVE, () => undefined);
  else await egress.deliver(requestOf({ caller }));
  await until('it is there', () => seen.length > 0);
  return seen[0]?.body.toString() ?? '';
};

const verdict = (of: ReturnType<typeof node>, payload: string): string => {
  try {
    return of.handle(payload, 'nats://n', Date.now()).reply === undefined ? 'silent' : 'answered';
  } catch (error) {
    if (error instanceof Refused) return error.message;
    throw error;
  }
};

describe.each<[kind: string, make: () => ReturnType<typeof node>, byPrivileged: RegExp]>([
  ['Go', () => node('go'), /^answered$/],
  ['Ruby 0.19', () => node('ruby'), /Could not parse certificate .* or name alice.mcollective invalid/],
  ['Ruby 0.19 with a request signer', () => node('ruby', { requestSigner: true }), /^answered$/],
  ['Ruby 0.6.0', () => node('ruby', { version: '0.6.0' }), /^answered$/],
])('a node of %s', (_, make, byPrivileged) => {
  it('takes, or not, a caller for whom the privileged certificate speaks', async () => {
    expect(verdict(make(), await published('the privileged certificate', ALICE))).toMatch(byPrivileged);
  });

  it('takes a caller with a certificate of his own', async () => {
    expect(verdict(make(), await published('callers’ own certificates', ALICE))).toBe('answered');
  });

  it.each(['the privileged certificate', 'callers’ own certificates'] as const)(
    'answers who is there to the bridge’s own name, beside %s',
    async (mode) => {
      expect(verdict(make(), await published(mode))).toBe('answered');
    },
  );
});

describe('a node of Ruby 0.6.0', () => {
  it('locks a caller out once the privileged certificate has spoken for him', async () => {
    const one = node('ruby', { version: '0.6.0' });
    expect(verdict(one, await published('the privileged certificate', BOB))).toBe('answered');
    // As bob's own client would sign.
    expect(verdict(one, await published('callers’ own certificates', BOB))).toContain('invalid signature');
  });

  it('locks nobody out with certificates of their own, and discovery in the bridge’s own name', async () => {
    const one = node('ruby', { version: '0.6.0' });
    const asked = [undefined, BOB, ALICE, BOB];
    for (const caller of asked)
      expect(verdict(one, await published('callers’ own certificates', caller))).toBe('answered');
  });
});

describe('the folder of callers’ certificates', () => {
  const refusal = async (caller: string): Promise<unknown> => {
    const { egress, seen } = await makeNetwork({
      credentials: MODES['callers’ own certificates'](),
    });
    const error: unknown = await egress.deliver(requestOf({ caller })).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(seen).toEqual([]);
    expect(error).toMatchObject({ name: 'Rejection', code: 'no_signing_key' });
    return error instanceof Error ? error.message : error;
  };

  it.each<[name: string, prepare: () => void, why: RegExp]>([
    ['carol.mcollective', () => undefined, /there is no carol.mcollective.pem for choria=carol/],
    [
      'keyless.mcollective',
      () => writeFileSync(join(folder, 'keyless.mcollective.pem'), alice.certificate),
      /there is no keyless.mcollective.key/,
    ],
    [
      'other.mcollective',
      () => write('other.mcollective', alice),
      /it is the certificate of alice.mcollective/,
    ],
    [
      'swapped.mcollective',
      () => write('swapped.mcollective', { ...bob, privateKey: alice.privateKey }),
      /the key is not that of the certificate/,
    ],
    [
      'old.mcollective',
      () =>
        write(
          'old.mcollective',
          authority.issue({ commonName: 'old.mcollective', notAfter: new Date(Date.now() - 60_000) }),
        ),
      /expired on/,
    ],
    [
      'folder.mcollective',
      () => void mkdirSync(join(folder, 'folder.mcollective.pem')),
      /there is no folder.mcollective.key/,
    ],
    [
      'junk.mcollective',
      () => write('junk.mcollective', { certificate: 'junk', privateKey: 'junk' }),
      /cannot be used/,
    ],
  ])('refuses %s, and says why', async (name, prepare, why) => {
    prepare();
    expect(await refusal(`choria=${name}`)).toMatch(why);
  });

  it('is never left by a caller’s name', async () => {
    for (const caller of ['choria=..', 'choria=../alice.mcollective', 'cert_=alice'])
      expect(await refusal(caller)).toMatch(/is no caller of Choria/);
  });

  it('is read again when a certificate is renewed, and not before', () => {
    const credentials = MODES['callers’ own certificates']();
    const renewed = makeAuthority('renewed CA').issue({ commonName: 'alice.mcollective' });
    expect(credentials.forCaller(ALICE).certificate).toBe(alice.certificate);
    write('alice.mcollective', renewed);
    const later = new Date(Date.now() + 5_000);
    utimesSync(join(folder, 'alice.mcollective.pem'), later, later);
    expect(credentials.forCaller(ALICE).certificate).toBe(alice.certificate);
    clock.now += 5_001;
    expect(credentials.forCaller(ALICE).certificate).toBe(renewed.certificate);
    write('alice.mcollective', alice);
  });

  it('signs with the pair before while a new certificate has no key yet, for a minute at most', () => {
    const credentials = MODES['callers’ own certificates']();
    const renewed = makeAuthority('renewed CA').issue({ commonName: 'alice.mcollective' });
    const signing = () => credentials.forCaller(ALICE).certificate;
    const unfit = { certificate: renewed.certificate, privateKey: bob.privateKey };
    expect(signing()).toBe(alice.certificate);
    write('alice.mcollective', unfit);
    clock.now += 5_001;
    expect(signing()).toBe(alice.certificate);
    write('alice.mcollective', renewed);
    clock.now += 5_001;
    expect(signing()).toBe(renewed.certificate);
    write('alice.mcollective', unfit);
    clock.now += 5_001;
    expect(signing()).toBe(renewed.certificate);
    clock.now += 59_999;
    expect(signing()).toBe(renewed.certificate);
    clock.now += 5_001;
    expect(signing).toThrow('the key is not that of the certificate');
    write('alice.mcollective', alice);
    expect(signing()).toBe(alice.certificate);
  });

  it('refuses at once a caller of whose pair one file is gone', () => {
    const credentials = MODES['callers’ own certificates']();
    credentials.forCaller(ALICE);
    rmSync(join(folder, 'alice.mcollective.key'));
    clock.now += 5_001;
    expect(() => credentials.forCaller(ALICE)).toThrow(/there is no alice.mcollective.key/);
    write('alice.mcollective', alice);
  });

  it('holds who asks who is there, where the bridge has no certificate of its own', () => {
    const bare = (discoveryCaller?: string) =>
      callerCredentials(folder, undefined, {
        clock: () => clock.now,
        ...(discoveryCaller !== undefined && { discoveryCaller }),
      });
    expect(bare(BOB).forDiscovery()).toMatchObject({
      caller: BOB,
      credential: { names: ['bob.mcollective'] },
    });
    expect(() => bare().forDiscovery()).toThrow(/there is no mcbridge.mcollective.pem/);
  });
});
