import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rejection } from '../../src/envelope/rejection.ts';
import { parseCertificates } from '../../src/pki/certificate.ts';
import { findChains } from '../../src/pki/chain.ts';
import { byIssuer, checkRevocation, upToRoot } from '../../src/pki/revocation.ts';
import { parseRevocationLists } from '../../src/pki/revocation-list.ts';
import { type Authority, makeAuthority } from '../support/pki.ts';
import { run } from '../support/process.ts';
import { der, extension, issuingPoint, revocationList } from '../support/revocation-list.ts';
import { seed } from '../support/seed.ts';

const HOUR = 3_600_000;
/** In whole seconds, which is all that lists and OpenSSL know. */
const NOW = Math.floor(Date.now() / 1000) * 1000;
const RUNS = 400;

const root = makeAuthority('differential root');
const upper = root.intermediate('differential upper CA');
const lower = upper.intermediate('differential lower CA');
const CAS = [root, upper, lower] as const;
const stranger = makeAuthority('differential stranger');
const LEAVES = CAS.map((ca) => ca.issue({ commonName: 'alice.mcollective' }));

const SCOPES = {
  all: [],
  users: [issuingPoint(der(0x81, Buffer.from([0xff])))],
  authorities: [issuingPoint(der(0x82, Buffer.from([0xff])))],
  unknown: [extension('551d7f', der(0x05), true)],
  passed: [extension('551d7f', der(0x05))],
} as const;

/** One list of a CA. Two of them differ in their age, so that one is the newer. */
const list = fc.record({
  age: fc.integer({ min: 1, max: 400 }),
  left: fc.oneof({ weight: 4, arbitrary: fc.constant(24) }, { weight: 1, arbitrary: fc.constant(-1 / 60) }),
  /** Of the certificate below this CA that is looked at. */
  revokes: fc.oneof(
    { weight: 3, arbitrary: fc.constant(false) },
    { weight: 1, arbitrary: fc.constant(true) },
  ),
  reason: fc.option(fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 8, 9, 10), { nil: undefined }),
  others: fc.uniqueArray(fc.integer({ min: 1, max: 0x7f }), { maxLength: 20 }),
});

const ofOneCa = fc.record({
  lists: fc.uniqueArray(list, { minLength: 1, maxLength: 3, selector: ({ age }) => age }),
  isThere: fc.oneof(
    { weight: 9, arbitrary: fc.constant(true) },
    { weight: 1, arbitrary: fc.constant(false) },
  ),
  scope: fc.oneof(
    { weight: 8, arbitrary: fc.constant('all' as const) },
    { weight: 1, arbitrary: fc.constantFrom('users', 'authorities', 'unknown', 'passed') },
  ),
  signer: fc.oneof(
    { weight: 9, arbitrary: fc.constant('itself' as const) },
    { weight: 1, arbitrary: fc.constant('stranger' as const) },
  ),
});

const world = fc.record({
  /** How many CAs stand above the caller. */
  depth: fc.integer({ min: 1, max: CAS.length }),
  cas: fc.tuple(ofOneCa, ofOneCa, ofOneCa),
});

type World = typeof world extends fc.Arbitrary<infer T> ? T : never;

const listsOf = ({ depth, cas }: World): string =>
  CAS.slice(0, depth)
    .flatMap((issuer, at) => {
      const { lists, isThere, scope, signer } = cas[at] ?? cas[0];
      const below: Pick<Authority, 'certificate'> | undefined = at + 1 < depth ? CAS[at + 1] : LEAVES[at];
      return (isThere ? lists : []).map(({ age, left, revokes, reason, others }) =>
        revocationList({
          issuer,
          thisUpdate: new Date(NOW - age * HOUR),
          nextUpdate: new Date(NOW + left * HOUR),
          extensions: SCOPES[scope],
          signWith: signer === 'itself' ? issuer.privateKey : stranger.privateKey,
          revoked: [
            ...others.map((serial) => ({ certificate: Buffer.from([serial]) })),
            ...(revokes && below !== undefined
              ? [{ certificate: below.certificate, ...(reason !== undefined && { reason }) }]
              : []),
          ],
        }),
      );
    })
    .join('');

const sentWith = (depth: number): string =>
  CAS.slice(1, depth)
    .map(({ certificate }) => certificate)
    .join('');

/** Whether it is trusted here; else why not. */
const here = (lists: string, depth: number): string => {
  const [leaf] = parseCertificates(LEAVES[depth - 1]?.certificate ?? '', 'it', 1);
  if (leaf === undefined) throw new Error('no certificate');
  const sent = depth > 1 ? parseCertificates(sentWith(depth), 'it', 5) : [];
  const anchors = parseCertificates(root.certificate, 'it', 1);
  try {
    const chains = findChains(leaf, sent, anchors).map((chain) => upToRoot(chain, anchors));
    const rules = { called: 'it', takesExpired: false, isReplay: false };
    const found = lists === '' ? [] : parseRevocationLists(Buffer.from(lists));
    checkRevocation(chains, { ...rules, lists: byIssuer(found) }, { sent, anchors }, NOW);
    return 'trusted';
  } catch (error) {
    if (error instanceof Rejection) return error.code;
    if (error instanceof Error && error.name === 'CertificateError') return error.message;
    throw error;
  }
};

describe('what is revoked', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'mcbridge-differential-'));
    const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
    write('root.pem', root.certificate);
    for (const [at, { certificate }] of LEAVES.entries()) {
      write(`leaf${at + 1}.pem`, certificate);
      write(`sent${at + 1}.pem`, sentWith(at + 1));
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const openssl = async (lists: string, depth: number): Promise<string> => {
    const file = (name: string): string => join(folder, name);
    writeFileSync(file('lists.pem'), lists);
    const { status, stdout, stderr } = await run('openssl', [
      ...['verify', '-crl_check_all', '-attime', String(NOW / 1000), '-CAfile', file('root.pem')],
      ...(depth > 1 ? ['-untrusted', file(`sent${depth}.pem`)] : []),
      ...(lists === '' ? [] : ['-CRLfile', file('lists.pem')]),
      file(`leaf${depth}.pem`),
    ]);
    return status === 0 ? 'trusted' : `${stdout}${stderr}`;
  };

  it('is the same here and to openssl verify -crl_check_all', async () => {
    const verdicts = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(world, async (it) => {
        const lists = listsOf(it);
        const ours = here(lists, it.depth);
        const theirs = await openssl(lists, it.depth);
        verdicts.set(ours, (verdicts.get(ours) ?? 0) + 1);
        expect(ours === 'trusted', `${ours}; openssl: ${theirs}`).toBe(theirs === 'trusted');
        if (ours === 'certificate_revoked') expect(theirs).toMatch(/error \d+/);
      }),
      { numRuns: RUNS, seed: seed() },
    );
    for (const verdict of ['trusted', 'certificate_revoked', 'revocation_unknown'])
      expect(verdicts.get(verdict), verdict).toBeGreaterThan(RUNS / 40);
  });
});
