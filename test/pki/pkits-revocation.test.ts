import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkDates, findChains } from '../../src/pki/chain.ts';
import { byIssuer, checkRevocation, upToRoot } from '../../src/pki/revocation.ts';
import { parseRevocationLists, type RevocationList } from '../../src/pki/revocation-list.ts';
import { refused } from '../adapters/choria/wire/support.ts';
import { loadPkits, PKITS_FOLDER } from './pkits-certificate.ts';
import { REVOKED, UNKNOWN, UNUSABLE, VALID_WITH_LISTS } from './pkits-revocation-paths.ts';

const ANCHOR = loadPkits('TrustAnchorRootCertificate');
const ANCHORS_LIST = 'TrustAnchorRootCRL';
const NOW = Date.UTC(2026, 0);

interface Path {
  readonly test: string;
  readonly leaf: string;
  readonly sent: readonly string[];
  readonly lists: readonly string[];
}

const words = (text: string): readonly string[] => text.split(' ').filter((word) => word !== '');

const pathsOf = (text: string): readonly Path[] =>
  text
    .trim()
    .split('\n')
    .map((line) => {
      const [certificates = '', lists = ''] = line.split('|');
      const [test = '', leaf = '', ...sent] = words(certificates);
      return { test, leaf, sent, lists: words(lists) };
    });

const load = (list: string): readonly RevocationList[] =>
  parseRevocationLists(readFileSync(new URL(`${list}.crl`, PKITS_FOLDER)));

const validate = ({ leaf, sent: names, lists }: Path): void => {
  const sent = names.map(loadPkits);
  const chains = checkDates(findChains(loadPkits(leaf), sent, [ANCHOR]), NOW);
  checkRevocation(
    chains.map((chain) => upToRoot(chain, [ANCHOR])),
    {
      lists: byIssuer([ANCHORS_LIST, ...lists].flatMap(load)),
      called: 'the lists',
      takesExpired: false,
      isReplay: false,
    },
    { sent, anchors: [ANCHOR] },
    NOW,
  );
};

const valid = pathsOf(VALID_WITH_LISTS);
const revoked = pathsOf(REVOKED);
const unknown = pathsOf(UNKNOWN);
const unusable = UNUSABLE.trim()
  .split('\n')
  .map((line) => {
    const [test = '', list = ''] = line.split(' ');
    return { test, list };
  });

describe("the paths of NIST's PKITS that need revocation lists", () => {
  it.each(valid)('$test $leaf is trusted', (path) => {
    expect(() => validate(path)).not.toThrow();
  });

  it.each(revoked)('$test $leaf is refused', (path) => {
    refused(() => validate(path), 'certificate_revoked', /was revoked at \d{4}-/);
  });

  it.each(unknown)('$test $leaf is refused, as nothing is known of it', (path) => {
    refused(
      () => validate(path),
      'revocation_unknown',
      /no revocation list of|not signed by it|may not sign|expired at/,
    );
  });

  it.each(unusable)('$test $list cannot be used', ({ list }) => {
    expect(() => load(list)).toThrow(/not supported/);
  });

  it('have no list that no path needs', () => {
    const used = [...valid, ...revoked, ...unknown].flatMap(({ lists }) => lists);
    const files = readdirSync(PKITS_FOLDER).filter((file) => file.endsWith('.crl'));
    const wanted = [ANCHORS_LIST, ...used, ...unusable.map(({ list }) => list)].map((name) => `${name}.crl`);
    expect(files).toEqual([...new Set(wanted)].sort());
  });
});
