import { CertificateError } from './certificate-error.ts';
import { type DerNode, elements, expect, oid, TAG } from './der.ts';

/** Whose a certificate is, or who has issued it. */
export interface DistinguishedName {
  /** The content of its RDNSequence. */
  readonly der: Buffer;
  /** Equal for names that are, whatever their types of text, case and spaces (RFC 5280, 7.1). */
  readonly id: string;
  /** `CN=Puppet CA: example, O=Example`, for a sentence. */
  readonly text: string;
  readonly commonNames: readonly string[];
}

const COMMON_NAME = '550403';

/** The attributes of RFC 4514, and those that CAs write besides; object identifiers as the hexadecimal of their bytes. */
const SHORT: Readonly<Record<string, string>> = {
  [COMMON_NAME]: 'CN',
  '550406': 'C',
  '550407': 'L',
  '550408': 'ST',
  '55040a': 'O',
  '55040b': 'OU',
  '0992268993f22c640119': 'DC',
  '2a864886f70d010901': 'emailAddress',
};

/** Bytes of a name; those of CAs have some dozens. */
const MAX_BYTES = 2048;

const valueText = ({ tag, content }: DerNode): string => {
  switch (tag) {
    case TAG.utf8String:
    case TAG.printableString:
    case TAG.ia5String:
      return content.toString('utf8');
    case TAG.teletexString:
      return content.toString('latin1');
    case TAG.bmpString:
      if (content.length % 2 === 0) return Buffer.from(content).swap16().toString('utf16le');
  }
  return `#${content.toString('hex')}`;
};

/** As names are compared. Letters other than ASCII's count as they are, as in OpenSSL. */
const folded = (value: string): string =>
  value
    .trim()
    .replace(/ +/g, ' ')
    .replace(/[A-Z]+/g, (letters) => letters.toLowerCase());

const READABLE: ReadonlySet<number> = new Set([TAG.utf8String, TAG.printableString, TAG.ia5String]);

/** @throws DerError */
export const distinguishedName = (content: Buffer): DistinguishedName => {
  if (content.length > MAX_BYTES) throw new CertificateError(`it has a name of more than ${MAX_BYTES} bytes`);
  const commonNames: string[] = [];
  const attributes = elements(content).map((rdn) =>
    elements(expect(rdn, TAG.set)).map((attribute): readonly [type: string, value: string] => {
      const [type, value] = elements(expect(attribute, TAG.sequence));
      if (value === undefined) throw new CertificateError('it has a name without a value');
      const id = oid(type);
      const text = valueText(value);
      if (id === COMMON_NAME && !READABLE.has(value.tag))
        throw new CertificateError('its common name is not of a known text type');
      if (id === COMMON_NAME) commonNames.push(text);
      return [id, text];
    }),
  );
  return {
    der: content,
    id: JSON.stringify(attributes.map((rdn) => rdn.map(([type, value]) => [type, folded(value)]))),
    text: attributes
      .flat()
      .map(([id, text]) => `${SHORT[id] ?? id}=${text}`)
      .join(', '),
    commonNames,
  };
};
