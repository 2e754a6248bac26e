import type { Certificate } from './certificate.ts';
import { type DerNode, elements, expect, TAG } from './der.ts';
import { type DistinguishedName, distinguishedName } from './distinguished-name.ts';

/** Where a revocation list is to be had (RFC 5280, 4.2.1.13). Nothing is ever fetched from there: it tells lists apart. */
export interface DistributionPoint {
  /** The list's names, each as a text that is equal for equal names; none where the issuer's own is meant. */
  readonly names: readonly string[];
  /** Whether its lists tell of some reasons only, or are another's than the issuer's: no such list is used. */
  readonly isOther: boolean;
}

const NAME = 0xa0;
const REASONS = 0x81;
const OTHER_ISSUER = 0xa2;
const FULL_NAME = 0xa0;
const RELATIVE_NAME = 0xa1;
const DIRECTORY_NAME = 0xa4;

const generalName = ({ tag, content }: DerNode): string =>
  tag === DIRECTORY_NAME
    ? distinguishedName(expect(elements(content)[0], TAG.sequence)).id
    : `${tag}:${content.toString('hex')}`;

/**
 * The names of a DistributionPointName.
 * @param issuer whose name a relative one goes on from
 * @throws DerError, CertificateError
 */
export const distributionNames = (
  field: DerNode | undefined,
  issuer: DistinguishedName,
): readonly string[] => {
  const [choice] = field === undefined ? [] : elements(field.content);
  if (choice === undefined) return [];
  if (choice.tag === FULL_NAME) return elements(choice.content).map(generalName);
  const rdn = Buffer.from(choice.content);
  const relative = Buffer.concat([Buffer.from([TAG.set]), derLength(rdn.length), rdn]);
  return choice.tag === RELATIVE_NAME ? [distinguishedName(Buffer.concat([issuer.der, relative])).id] : [];
};

const SHORT_LENGTH = 0x80;

const derLength = (length: number): Buffer =>
  length < SHORT_LENGTH ? Buffer.from([length]) : Buffer.from([0x82, length >> 8, length & 0xff]);

/** Where a certificate says that its issuer's lists are. @throws DerError, CertificateError */
export const distributionPointsOf = ({
  distributionPoints: extension,
  issuer,
}: Pick<Certificate, 'distributionPoints' | 'issuer'>): readonly DistributionPoint[] =>
  (extension === undefined ? [] : elements(expect(elements(extension)[0], TAG.sequence))).map((point) => {
    const fields = elements(expect(point, TAG.sequence));
    return {
      names: distributionNames(
        fields.find(({ tag }) => tag === NAME),
        issuer,
      ),
      isOther: fields.some(({ tag }) => tag === REASONS || tag === OTHER_ISSUER),
    };
  });
