import { CertificateError } from './certificate-error.ts';
import { type DerNode, elements, expect, TAG } from './der.ts';
import type { DistinguishedName } from './distinguished-name.ts';
import { distributionNames } from './distribution-point.ts';
import { extensionsIn } from './extensions.ts';

/** Which certificates of its issuer a list tells of. */
export interface ListScope {
  readonly certificates: 'all' | 'users' | 'authorities';
  /** Only those that name one of these as the place of their list; undefined where that does not matter. */
  readonly points: readonly string[] | undefined;
}

const EVERYTHING: ListScope = { certificates: 'all', points: undefined };

const DELTA = '551d1b';
const ISSUING_POINT = '551d1c';
/** The key of the issuer, and the list's number: the signature and the date say more. */
const UNDERSTOOD: ReadonlySet<string> = new Set([ISSUING_POINT, '551d23', '551d14']);

/** The tags of an issuing distribution point (RFC 5280, 5.2.5). */
const POINT = 0xa0;
const ONLY_USERS = 0x81;
const ONLY_AUTHORITIES = 0x82;
const ONLY_SOME_REASONS = 0x83;
const INDIRECT = 0x84;
const ONLY_ATTRIBUTES = 0x85;

const NOT_SUPPORTED: ReadonlyMap<number, string> = new Map([
  [ONLY_SOME_REASONS, 'it is a list of some reasons only'],
  [INDIRECT, 'it is an indirect list, which tells of other issuers'],
  [ONLY_ATTRIBUTES, 'it is a list of attribute certificates'],
]);

const readPoint = (bytes: Buffer, issuer: DistinguishedName): ListScope => {
  const fields = elements(expect(elements(bytes)[0], TAG.sequence));
  const has = (tag: number): boolean =>
    fields.some((field) => field.tag === tag && (tag === ONLY_SOME_REASONS || field.content[0] !== 0));
  for (const [tag, what] of NOT_SUPPORTED)
    if (has(tag)) throw new CertificateError(`${what}: that is not supported`);
  if (has(ONLY_USERS) && has(ONLY_AUTHORITIES))
    throw new CertificateError('it is a list of CAs only and of others only, which is a contradiction');
  const point = fields.find(({ tag }) => tag === POINT);
  return {
    certificates: has(ONLY_USERS) ? 'users' : has(ONLY_AUTHORITIES) ? 'authorities' : 'all',
    points: point === undefined ? undefined : distributionNames(point, issuer),
  };
};

/**
 * What a list's extensions say of it.
 * @throws CertificateError for a list that cannot be used, DerError
 */
export const readListExtensions = (field: DerNode | undefined, issuer: DistinguishedName): ListScope => {
  if (field === undefined) return EVERYTHING;
  let scope = EVERYTHING;
  for (const { id, isCritical, last } of extensionsIn(field)) {
    if (id === DELTA)
      throw new CertificateError('it is a delta list, which is not supported: give the complete one');
    if (isCritical && !UNDERSTOOD.has(id))
      throw new CertificateError('it has a critical extension that is not supported');
    if (id === ISSUING_POINT) scope = readPoint(expect(last, TAG.octetString), issuer);
  }
  return scope;
};
