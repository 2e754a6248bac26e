import { CertificateError } from './certificate-error.ts';
import { type DerNode, elements, expect, oid, TAG } from './der.ts';

/** An extension of a certificate or of a revocation list (RFC 5280, 4.1). */
export interface Extension {
  /** Its object identifier, as the hexadecimal of its bytes. */
  readonly id: string;
  readonly isCritical: boolean;
  /** Where its value belongs. */
  readonly last: DerNode | undefined;
}

/**
 * The extensions in their field, in order.
 * @throws CertificateError where one is there twice, DerError
 */
export function* extensionsIn({ content }: DerNode): Generator<Extension> {
  const seen = new Set<string>();
  for (const extension of elements(expect(elements(content)[0], TAG.sequence))) {
    const parts = elements(expect(extension, TAG.sequence));
    const id = oid(parts[0]);
    const isCritical = parts[1]?.tag === TAG.boolean && parts[1].content[0] !== 0;
    if (seen.has(id)) throw new CertificateError('it has an extension twice');
    seen.add(id);
    yield { id, isCritical, last: parts.at(-1) };
  }
}
