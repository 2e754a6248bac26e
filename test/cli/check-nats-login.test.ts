import { nkeys } from '@nats-io/transport-node';
import { afterEach, describe, expect, test } from 'vitest';
import { makeNatsOperator } from '../support/nats-jwt.ts';
import { type CheckWorld, makeCheckWorld } from './check-world.ts';

const worlds: CheckWorld[] = [];
afterEach(() => {
  for (const world of worlds.splice(0)) world.end();
});

const TLS = 'tls: { ca: ca.pem, cert: cert.pem, key: key.pem }';

const worldWith = (key: 'nkey' | 'credentials', content: string, mode = 0o600): CheckWorld => {
  const world = makeCheckWorld((config) =>
    config.replace(TLS, `tls: { ca: ca.pem }\n    callers: { ca: ca.pem }\n    ${key}: login`),
  );
  worlds.push(world);
  world.write('login', content, mode);
  return world;
};

const seedOf = (pair: ReturnType<typeof nkeys.createUser>): string => Buffer.from(pair.getSeed()).toString();
/** The test's certificates end soon; that is none of them. */
const faultsOf = async (world: CheckWorld): Promise<readonly string[]> =>
  (await world.faults()).filter((fault) => /\.(nkey|credentials):/.test(fault));
const operator = makeNatsOperator();
const HOUR = 3600;
const soon = (): number => Math.floor(Date.now() / 1000) + HOUR;

describe('mcbridge check of a login of NATS', () => {
  test.for([
    ['nkey', () => `${seedOf(nkeys.createUser())}\n`, "is the seed of a user's NKey"],
    ['credentials', () => operator.credentials('bridge'), 'holds the token of bridge and its seed'],
    ['credentials', () => operator.credentials('bridge', soon()), 'holds the token of bridge and its seed'],
  ] as const)('takes %s', async ([key, make, what]) => {
    const world = worldWith(key, make());
    expect(await faultsOf(world)).toEqual([]);
    const said = (await world.findings()).map(({ path, message }) => `${path}: ${message}`);
    expect(said).toContainEqual(expect.stringMatching(new RegExp(`ingresses.federation.${key}.*${what}`)));
  });

  const SEED = '-----BEGIN USER NKEY SEED-----';
  const [token = ''] = operator.credentials('bridge').split(SEED);
  const [, seed = ''] = operator.credentials('another').split(SEED);
  test.for([
    ['nkey', '', 'it is empty'],
    ['nkey', 'SUnonsense', 'it is no seed of an NKey (SU…)'],
    ['nkey', seedOf(nkeys.createAccount()), 'it is the seed of another kind of NKey than a user (SU…)'],
    ['nkey', nkeys.createUser().getPublicKey(), 'it is no seed of an NKey (SU…)'],
    ['credentials', '', 'it is empty'],
    ['credentials', seedOf(nkeys.createUser()), 'it is no .creds file with a token and a seed'],
    ['credentials', `${token}${SEED}${seed}`, 'its token is for another NKey than its seed'],
  ] as const)('refuses %s %#', async ([key, content, why]) => {
    const world = worldWith(key, content);
    expect(await faultsOf(world)).toEqual([
      `problem ingresses.federation.${key}: login cannot be used: ${why}`,
    ]);
  });

  test('names the day on which a token has expired', async () => {
    const world = worldWith('credentials', operator.credentials('bridge', Date.UTC(2026, 0, 2) / 1000));
    expect(await faultsOf(world)).toEqual([
      'problem ingresses.federation.credentials: login: the token of bridge expired on 2026-01-02',
    ]);
  });

  test('warns of a file that everybody may read, and tells one that is not there', async () => {
    const world = worldWith('nkey', seedOf(nkeys.createUser()), 0o644);
    expect(await faultsOf(world)).toEqual([
      'warning ingresses.federation.nkey: login is secret, and everybody on this machine can read it',
    ]);
    world.remove('login');
    expect(await faultsOf(world)).toEqual([
      'problem ingresses.federation.nkey: login cannot be read: there is no such file',
    ]);
  });
});
