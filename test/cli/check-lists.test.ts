import { afterEach, expect, test } from 'vitest';
import { makeAuthority } from '../support/pki.ts';
import { type ListOptions, revocationList } from '../support/revocation-list.ts';
import { type CheckWorld, choriaCa, makeCheckWorld } from './check-world.ts';

const DAY = 24 * 3_600_000;
const inDays = (days: number): Date => new Date(Date.now() + days * DAY);
const dayOf = (date: Date): string => date.toISOString().slice(0, 10);

let world: CheckWorld | undefined;
afterEach(() => {
  world?.end();
  world = undefined;
});

/** Lists of callers, which is what `tls.crl` of such an ingress says, too. */
const given = (settings = ''): CheckWorld => {
  world = makeCheckWorld((config) =>
    config.replace('key: key.pem }', `key: key.pem, crl: crl.pem${settings} }`),
  );
  return world;
};

const SETTING = 'ingresses.federation.tls.crl';
const ofCa = (options: Partial<ListOptions> = {}): string =>
  revocationList({ issuer: choriaCa, nextUpdate: inDays(30), ...options });

/** What is said of lists. */
const said = async (it: CheckWorld): Promise<readonly string[]> =>
  (await it.findings())
    .filter(({ path }) => path.startsWith(SETTING))
    .map(({ status, path, message }) => `${status} ${path}: ${message}`.replaceAll(`${it.folder}/`, ''));

test('a list that is in order: how many it revokes, and when the next one is due', async () => {
  const it = given();
  const alice = choriaCa.issue({ commonName: 'alice.mcollective' });
  it.write('crl.pem', ofCa({ revoked: [{ certificate: alice.certificate }] }));
  expect(await said(it)).toEqual([
    `ok ${SETTING}[0]: crl.pem: the revocation list of "Choria CA" revokes 1 certificates, and the next one is due on ${dayOf(inDays(30))}`,
  ]);
});

test('a list that is missing', async () => {
  expect(await said(given())).toEqual([
    `problem ${SETTING}[0]: crl.pem cannot be read: there is no such file`,
  ]);
});

test.for([
  ['empty', ''],
  ['text', 'hello\n'],
  ['a certificate', choriaCa.certificate],
  ['cut off', ofCa().slice(0, 200)],
] as const)('a file that holds no list: %s', async ([, content]) => {
  const it = given();
  it.write('crl.pem', content);
  const [first, ...others] = await said(it);
  expect(first).toMatch(/^problem ingresses\.federation\.tls\.crl\[0\]: crl\.pem cannot be used: ./);
  expect(others).toEqual([]);
});

const LAST_WEEK = { thisUpdate: inDays(-37), nextUpdate: inDays(-7) };

test('a list that has expired is a problem', async () => {
  const it = given();
  it.write('crl.pem', ofCa(LAST_WEEK));
  expect(await said(it)).toEqual([
    `problem ${SETTING}[0]: crl.pem: the revocation list of "Choria CA" expired on ${dayOf(inDays(-7))}, so whom that CA has signed for is refused`,
  ]);
});

test('a list that has expired is a warning where the configuration takes it', async () => {
  const it = given(', crl_expired: warn');
  it.write('crl.pem', ofCa(LAST_WEEK));
  expect(await said(it)).toEqual([
    `warning ${SETTING}[0]: crl.pem: the revocation list of "Choria CA" expired on ${dayOf(inDays(-7))}, and is used still (crl_expired: warn)`,
  ]);
});

test('a list of which little time is left, and one that begins later', async () => {
  const it = given();
  it.write('crl.pem', ofCa({ thisUpdate: inDays(-28), nextUpdate: inDays(2) }));
  expect(await said(it)).toEqual([
    `warning ${SETTING}[0]: crl.pem: the revocation list of "Choria CA" expires on ${dayOf(inDays(2))}`,
  ]);
  it.write('crl.pem', ofCa({ thisUpdate: inDays(2) }));
  expect(await said(it)).toEqual([
    `problem ${SETTING}[0]: crl.pem: the revocation list of "Choria CA" is valid from ${dayOf(inDays(2))} only`,
  ]);
});

test('a list of another CA, which leaves this one without', async () => {
  const it = given();
  it.write('crl.pem', revocationList({ issuer: makeAuthority('Another CA'), nextUpdate: inDays(30) }));
  expect(await said(it)).toEqual([
    expect.stringMatching(/^ok .* the revocation list of "Another CA" revokes 0 certificates/),
    `problem ${SETTING}: crl.pem: there is no revocation list of Choria CA, so whom that CA has signed for is refused`,
  ]);
});

test("a list in the CA's name that another key has signed", async () => {
  const it = given();
  it.write('crl.pem', ofCa({ signWith: makeAuthority('Choria CA two').privateKey }));
  expect(await said(it)).toEqual([
    expect.stringMatching(/^ok /),
    expect.stringMatching(
      /^warning .* the revocation list of Choria CA is not signed by the CA of that name in ca\.pem$/,
    ),
  ]);
});
