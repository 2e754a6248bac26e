import { describe, expect, it } from 'vitest';
import { LIST_LIMITS, parseRevocationLists } from '../../src/pki/revocation-list.ts';
import { makeAuthority } from '../support/pki.ts';
import {
  der,
  extension,
  issuingPoint,
  type ListOptions,
  revocationList,
  revocationListDer,
} from '../support/revocation-list.ts';

const ca = makeAuthority('a CA of lists');
const alice = ca.issue({ commonName: 'alice.mcollective' }).certificate;

const made = (options: Partial<ListOptions> = {}): Buffer => revocationListDer({ issuer: ca, ...options });
const parse = (bytes: Buffer | string) => parseRevocationLists(Buffer.from(bytes));
const sequence = (text: string) => der(0x30, Buffer.from(text, 'hex'));

describe('a revocation list', () => {
  it('says who is revoked, when and why', () => {
    const date = new Date('2026-02-03T04:05:06Z');
    const [list] = parse(made({ revoked: [{ certificate: Buffer.from([5]), date, reason: 1 }] }));
    expect(list?.find('05')).toEqual({
      date: date.getTime(),
      code: 1,
      reason: 'its key was compromised',
    });
    expect(list?.find('06')).toBeUndefined();
    expect(list?.size).toBe(1);
  });

  it('may be empty, or of version 1', () => {
    expect(parse(made()).map(({ size }) => size)).toEqual([0]);
    const [list] = parse(made({ version: 1, revoked: [{ certificate: alice }] }));
    expect(list?.size).toBe(1);
  });

  it('leaves out what was removed from it', () => {
    const [list] = parse(made({ revoked: [{ certificate: Buffer.from([5]), reason: 8 }] }));
    expect(list?.find('05')).toBeUndefined();
  });

  it('tells a positive serial from a negative one of the same last byte', () => {
    const [list] = parse(made({ revoked: [{ certificate: Buffer.from([0xff]) }] }));
    expect(list?.find('ff')).toBeDefined();
    expect(list?.find('00ff')).toBeUndefined();
  });

  it('stands in a file with others, and with text around them', () => {
    const other = makeAuthority('another CA of lists');
    const text = `Revoked by us:\n${revocationList({ issuer: ca })}# and\n${revocationList({ issuer: other })}`;
    expect(parse(text).map(({ issuer }) => issuer.text)).toEqual([
      'CN=a CA of lists',
      'CN=another CA of lists',
    ]);
  });

  it.each<[string, Partial<ListOptions>, RegExp]>([
    ['is signed with SHA-1', { digest: 'sha1' }, /not signed with SHA-256/],
    ['says nothing of the next one', { nextUpdate: null }, /does not say when the next one comes/],
    ['is of a version from the future', { version: 3 }, /unknown version/],
    [
      'is of version 1 with extensions',
      { version: 1, extensions: [extension('551d14', der(0x02, Buffer.from([1])))] },
      /not of version 2/,
    ],
    [
      'is of version 1 with extensions of an entry',
      { version: 1, revoked: [{ certificate: alice, reason: 1 }] },
      /not of version 2/,
    ],
    [
      'only tells what has changed',
      { extensions: [extension('551d1b', der(0x02, Buffer.from([1])), true)] },
      /delta list, which is not supported/,
    ],
    [
      'tells of some reasons',
      { extensions: [issuingPoint(der(0x83, Buffer.from([6, 64])))] },
      /some reasons/,
    ],
    ['tells of other issuers', { extensions: [issuingPoint(der(0x84, Buffer.from([255])))] }, /indirect/],
    ['tells of attributes', { extensions: [issuingPoint(der(0x85, Buffer.from([255])))] }, /attribute/],
    [
      'contradicts itself',
      { extensions: [issuingPoint(der(0x81, Buffer.from([255])), der(0x82, Buffer.from([255])))] },
      /contradiction/,
    ],
    [
      'has what is critical and not known',
      { extensions: [extension('551d7f', der(0x05), true)] },
      /critical extension that is not supported/,
    ],
    [
      'has an extension twice',
      { extensions: [extension('551d14', der(0x05)), extension('551d14', der(0x05))] },
      /twice/,
    ],
    [
      'has an entry of another issuer',
      { revoked: [{ certificate: alice, extensions: [extension('551d1d', der(0x05), true)] }] },
      /indirect/,
    ],
    [
      'has an entry with what is critical and not known',
      { revoked: [{ certificate: alice, extensions: [extension('551d7f', der(0x05), true)] }] },
      /an entry of it has a critical extension/,
    ],
  ])('that %s is refused', (_, options, sentence) => {
    expect(() => parse(made(options))).toThrow(sentence);
  });

  it.each([
    ['nothing', '', /no revocation list/],
    ['a certificate', ca.certificate, /no revocation list/],
    ['half of one', revocationList({ issuer: ca }).slice(0, 300), /no end/],
    ['one that is damaged', revocationList({ issuer: ca }).replace(/\n.{10}/, '\n*'), /damaged/],
  ])('is not found in %s', (_, text, sentence) => {
    expect(() => parse(text)).toThrow(sentence);
  });

  it.each([
    ['what follows it', Buffer.concat([made(), Buffer.from([0])])],
    ['no fields', der(0x30, sequence(''), sequence(''), der(0x03, Buffer.from([0])))],
    ['an end too early', made().subarray(0, 100)],
  ])('in DER with %s is refused', (_, bytes) => {
    expect(() => parse(bytes)).toThrow(/damaged/);
  });

  it('is refused where it is larger than any real one', () => {
    const revoked = [1, 2, 3].map((serial) => ({ certificate: Buffer.from([serial]) }));
    const limited = (limits: Partial<typeof LIST_LIMITS>, text = revocationList({ issuer: ca, revoked })) =>
      parseRevocationLists(Buffer.from(text), { ...LIST_LIMITS, ...limits });
    expect(limited({ maxEntries: 3 })[0]?.size).toBe(3);
    expect(() => limited({ maxEntries: 2 })).toThrow('more than 2 certificates');
    expect(() => limited({ maxBytes: 100 })).toThrow('more than 100 bytes');
    expect(() => limited({ maxLists: 1 }, revocationList({ issuer: ca }).repeat(2))).toThrow(
      'more than 1 revocation lists',
    );
  });

  it('is never read past its end, whatever byte of it is another', () => {
    const good = made({ revoked: [{ certificate: alice, reason: 1 }] });
    for (let at = 0; at < good.length; at++)
      for (const flip of [0x01, 0x80, 0xff]) {
        const bad = Buffer.from(good);
        bad[at] = (bad[at] ?? 0) ^ flip;
        try {
          parse(bad);
        } catch (error) {
          expect(error).toMatchObject({ name: expect.stringMatching(/^(CertificateError|DerError)$/) });
        }
      }
  });
});
