import { createPrivateKey, sign } from 'node:crypto';
import { parseCertificates } from '../../src/pki/certificate.ts';

/** A list of revoked certificates, as an authority makes it; or as none would. */
export interface ListOptions {
  readonly issuer: { readonly certificate: string; readonly privateKey: string };
  /** PEM of each certificate that it revokes, or its serial. */
  readonly revoked?: readonly RevokedEntry[];
  /** Default: an hour ago. */
  readonly thisUpdate?: Date;
  /** Default: in a day. Null: none. */
  readonly nextUpdate?: Date | null;
  /** DER of extensions. */
  readonly extensions?: readonly Buffer[];
  /** 2 unless given; 1 has no extensions. */
  readonly version?: 1 | 2 | 3;
  readonly digest?: 'sha1' | 'sha256';
  /** Another key than the issuer's. */
  readonly signWith?: string;
}

export interface RevokedEntry {
  /** PEM, or the bytes of a serial. */
  readonly certificate: string | Buffer;
  readonly date?: Date;
  /** CRLReason. */
  readonly reason?: number;
  /** DER of further extensions. */
  readonly extensions?: readonly Buffer[];
}

const HOUR = 3_600_000;

const lengthOf = (length: number): Buffer => {
  if (length < 0x80) return Buffer.from([length]);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  const start = bytes.findIndex((byte) => byte !== 0);
  return Buffer.concat([Buffer.from([0x80 | (4 - start)]), bytes.subarray(start)]);
};

/** One element of DER. */
export const der = (tag: number, ...content: readonly Buffer[]): Buffer => {
  const whole = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag]), lengthOf(whole.length), whole]);
};

/** An extension; its id in hexadecimal. */
export const extension = (id: string, value: Buffer, isCritical = false): Buffer =>
  der(
    0x30,
    der(0x06, Buffer.from(id, 'hex')),
    ...(isCritical ? [der(0x01, Buffer.from([0xff]))] : []),
    der(0x04, value),
  );

/** An issuing distribution point, critical as it has to be. */
export const issuingPoint = (...fields: readonly Buffer[]): Buffer =>
  extension('551d1c', der(0x30, ...fields), true);

const timeOf = (date: Date): Buffer => der(0x18, Buffer.from(date.toISOString().replace(/[-:T]|\.\d+/g, '')));

const ALGORITHMS = { sha256: '2a864886f70d01010b', sha1: '2a864886f70d010105' } as const;
const VERSIONS = { 1: [], 2: [der(0x02, Buffer.from([1]))], 3: [der(0x02, Buffer.from([2]))] } as const;

const serialOf = (certificate: string | Buffer): Buffer => {
  if (typeof certificate !== 'string') return certificate;
  const id = parseCertificates(certificate, 'it', 10)[0]?.serialId ?? '';
  return Buffer.from(id, 'hex');
};

const entryOf = ({ certificate, date, reason, extensions = [] }: RevokedEntry): Buffer => {
  const all = [
    ...(reason === undefined ? [] : [extension('551d15', der(0x0a, Buffer.from([reason])))]),
    ...extensions,
  ];
  return der(
    0x30,
    der(0x02, serialOf(certificate)),
    timeOf(date ?? new Date(Date.now() - HOUR)),
    ...(all.length === 0 ? [] : [der(0x30, ...all)]),
  );
};

export const revocationListDer = ({
  issuer,
  revoked = [],
  thisUpdate = new Date(Date.now() - HOUR),
  nextUpdate = new Date(Date.now() + 24 * HOUR),
  extensions = [],
  version = 2,
  digest = 'sha256',
  signWith = issuer.privateKey,
}: ListOptions): Buffer => {
  const name = parseCertificates(issuer.certificate, 'it', 10)[0]?.subject.der ?? Buffer.alloc(0);
  const algorithm = der(0x30, der(0x06, Buffer.from(ALGORITHMS[digest], 'hex')), der(0x05));
  const tbs = der(
    0x30,
    ...VERSIONS[version],
    algorithm,
    der(0x30, name),
    timeOf(thisUpdate),
    ...(nextUpdate === null ? [] : [timeOf(nextUpdate)]),
    ...(revoked.length === 0 ? [] : [der(0x30, Buffer.concat(revoked.map(entryOf)))]),
    ...(extensions.length === 0 ? [] : [der(0xa0, der(0x30, ...extensions))]),
  );
  const signature = sign(digest, tbs, createPrivateKey(signWith));
  return der(0x30, tbs, algorithm, der(0x03, Buffer.from([0]), signature));
};

/** PEM. OpenSSL takes no empty line in it. */
export const revocationList = (options: ListOptions): string => {
  const lines =
    revocationListDer(options)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN X509 CRL-----\n${lines.join('\n')}\n-----END X509 CRL-----\n`;
};
