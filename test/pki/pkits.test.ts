import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkDates, findChains } from '../../src/pki/chain.ts';
import { refused } from '../adapters/choria/wire/support.ts';
import { loadPkits, PKITS_FOLDER } from './pkits-certificate.ts';
import { INVALID, NOT_SUPPORTED, VALID } from './pkits-paths.ts';
import { REVOKED, UNKNOWN, VALID_WITH_LISTS } from './pkits-revocation-paths.ts';

const ANCHOR = 'TrustAnchorRootCertificate';
/** All of the suite's certificates that are meant to be valid are so from 2010 to 2030. */
const NOW = Date.UTC(2026, 0);

interface Path {
  readonly test: string;
  readonly section: string;
  readonly leaf: string;
  readonly issuers: readonly string[];
}

const pathsOf = (text: string): readonly Path[] =>
  text
    .trim()
    .split('\n')
    .map((line) => {
      const [test = '', leaf = '', ...issuers] = line.split(' ');
      return { test, section: test.replace(/\.\d+$/, ''), leaf, issuers };
    });

const validate = ({ leaf, issuers }: Path): void => {
  checkDates(findChains(loadPkits(leaf), issuers.map(loadPkits), [loadPkits(ANCHOR)]), NOW);
};

/** Why paths of each section are refused. */
const REASONS: Readonly<Record<string, RegExp>> = {
  '4.1': /is none of the configured CAs|is not signed with SHA-256/,
  '4.2': /is not valid before|expired at/,
  '4.3': /is none of the configured CAs/,
  '4.5': /is not a CA/,
  '4.6': /is not a CA|may not have that many CAs below it/,
  '4.7': /is not a CA/,
};
const NOT_UNDERSTOOD = /it has an extension that is not supported/;

const valid = pathsOf(VALID);
const invalid = pathsOf(INVALID);
const notSupported = pathsOf(NOT_SUPPORTED);
const withLists = [VALID_WITH_LISTS, REVOKED, UNKNOWN].flatMap((text) =>
  pathsOf(text.replace(/ \|.*$/gm, '')),
);

describe("the paths of NIST's PKITS", () => {
  it.each(valid)('$test $leaf is trusted', (path) => {
    expect(() => validate(path)).not.toThrow();
  });

  it.each(invalid)('$test $leaf is refused', (path) => {
    const code = path.section === '4.2' ? 'certificate_expired' : 'untrusted_certificate';
    refused(() => validate(path), code, REASONS[path.section] ?? NOT_UNDERSTOOD);
  });

  it.each(notSupported)('$test $leaf is refused, because of what is not supported', (path) => {
    refused(() => validate(path), 'untrusted_certificate', REASONS[path.section] ?? NOT_UNDERSTOOD);
  });

  it('have no certificate that no path needs', () => {
    const used = [...valid, ...invalid, ...notSupported, ...withLists].flatMap(({ leaf, issuers }) => [
      leaf,
      ...issuers,
    ]);
    const files = readdirSync(PKITS_FOLDER).filter((file) => file.endsWith('.crt'));
    expect(files).toEqual([...new Set([ANCHOR, ...used])].map((name) => `${name}.crt`).sort());
  });
});
