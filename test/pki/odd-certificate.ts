import { randomBytes } from 'node:crypto';
import forge from 'node-forge';
import { type Authority, type KeyPair, keyPair } from '../support/pki.ts';

/** A certificate such as no decent CA would issue. */
export interface OddCertificate {
  readonly commonNames?: readonly string[];
  readonly issuer: Pick<Authority, 'certificate' | 'privateKey'> & {
    /** Where forge cannot read its certificate. */
    readonly commonNames?: readonly string[];
  };
  readonly keys?: KeyPair;
  readonly extensions?: readonly object[];
  readonly digest?: 'sha1' | 'sha256' | 'md5';
  /** A public key in DER in place of that of `keys`, of a kind that forge does not know. */
  readonly spki?: Buffer;
  /** How it is signed in place of the issuer's RSA key: the AlgorithmIdentifier in DER, and what signs. */
  readonly signature?: { readonly algorithm: Buffer; readonly sign: (tbs: Buffer) => Buffer };
  readonly serial?: string;
}

const HOUR = 3_600_000;

/** Positions in a version 3 certificate's fields. */
const ALGORITHM = 2;
const SPKI = 6;

const parse = (der: Buffer): forge.asn1.Asn1 => forge.asn1.fromDer(der.toString('latin1'));

const rewritten = (
  certificate: forge.pki.Certificate,
  { spki, signature }: OddCertificate,
  issuerKey: forge.pki.rsa.PrivateKey,
): string => {
  const { asn1, pki } = forge;
  const whole = pki.certificateToAsn1(certificate);
  const parts = Array.isArray(whole.value) ? whole.value : [];
  const [tbs, , bits] = parts;
  if (typeof tbs !== 'object' || !Array.isArray(tbs.value) || typeof bits !== 'object')
    throw new Error('forge made no certificate');
  if (spki !== undefined) tbs.value[SPKI] = parse(spki);
  if (signature !== undefined) {
    tbs.value[ALGORITHM] = parse(signature.algorithm);
    parts[1] = parse(signature.algorithm);
  }
  const signed = asn1.toDer(tbs).getBytes();
  const made =
    signature?.sign(Buffer.from(signed, 'latin1')).toString('latin1') ??
    issuerKey.sign(forge.md.sha256.create().update(signed));
  bits.value = `\u0000${made}`;
  const der = Buffer.from(asn1.toDer(whole).getBytes(), 'latin1');
  return `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`;
};

export const oddCertificate = (
  options: OddCertificate,
): KeyPair & { readonly certificate: string; readonly commonNames: readonly string[] } => {
  const keys = options.keys ?? keyPair('odd');
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(keys.publicKey);
  certificate.serialNumber = options.serial ?? '0102';
  certificate.validity.notBefore = new Date(Date.now() - HOUR);
  certificate.validity.notAfter = new Date(Date.now() + HOUR);
  const names = options.commonNames ?? ['odd.mcollective'];
  const attributes = (texts: readonly string[]) => texts.map((value) => ({ name: 'commonName', value }));
  certificate.setSubject(attributes(names));
  certificate.setIssuer(
    options.issuer.commonNames === undefined
      ? forge.pki.certificateFromPem(options.issuer.certificate).subject.attributes
      : attributes(options.issuer.commonNames),
  );
  certificate.setExtensions([...(options.extensions ?? [])]);
  const digest = forge.md[options.digest ?? 'sha256'].create();
  const issuerKey = forge.pki.privateKeyFromPem(options.issuer.privateKey);
  certificate.sign(issuerKey, digest);
  const pem =
    options.spki === undefined && options.signature === undefined
      ? forge.pki.certificateToPem(certificate)
      : rewritten(certificate, options, issuerKey);
  return { ...keys, certificate: pem, commonNames: names };
};

/** Extensions of a CA, with no more than so many CAs below it. */
export const caExtensions = (pathLenConstraint?: number): readonly object[] => [
  {
    name: 'basicConstraints',
    cA: true,
    critical: true,
    ...(pathLenConstraint !== undefined && { pathLenConstraint }),
  },
  { name: 'keyUsage', keyCertSign: true, critical: true },
];

/** DER of an element. */
export const der = (tag: number, ...contents: Buffer[]): Buffer => {
  const content = Buffer.concat(contents);
  const size = content.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
};
export const sequence = (...contents: Buffer[]): Buffer => der(0x30, ...contents);
export const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
export const nothing = Buffer.from('0500', 'hex');

/** An odd number of so many bits. */
export const oddNumber = (bits: number): Buffer => {
  const bytes = randomBytes(Math.ceil(bits / 8));
  bytes[0] = 1 << ((bits - 1) % 8);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 1;
  return der(0x02, Buffer.from([0]), bytes);
};

/** A public key of that size, for which nobody has the private one. */
export const rsaSpki = (modulusBits: number, exponentBits: number): Buffer =>
  sequence(
    sequence(oid('2a864886f70d010101'), nothing),
    der(0x03, Buffer.from([0]), sequence(oddNumber(modulusBits), oddNumber(exponentBits))),
  );
