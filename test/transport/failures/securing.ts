import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsOptions } from 'node:tls';
import forge from 'node-forge';
import { PeerLists } from '../../../src/adapters/kit/peer-lists.ts';
import type { TlsSettings } from '../../../src/transport/tls/settings.ts';
import { keyPair } from '../../support/pki.ts';
import { type ListOptions, revocationList } from '../../support/revocation-list.ts';
import {
  atEnd,
  ca,
  client,
  refusalOf,
  scripted,
  securely,
  serverPair,
  startOpenSsl,
  stranger,
} from './bench.ts';
import { both, type Maker, type Makers } from './makers.ts';

const HOUR = 3_600_000;
export const TRUSTING: TlsSettings = { ca: ca.certificate, verify: true };
export const WEAK = { ciphers: 'DEFAULT@SECLEVEL=0' } as const;
export const TLS_1_0: TlsOptions = { minVersion: 'TLSv1', maxVersion: 'TLSv1', ...WEAK };
const TLS_1_1: TlsOptions = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ...WEAK };

/** A certificate signed by the CA with SHA-1, as brokers of 2012 have it. */
export const sha1 = (): { readonly key: string; readonly cert: string } => {
  const certificate = forge.pki.certificateFromPem(serverPair.cert);
  certificate.sign(forge.pki.privateKeyFromPem(ca.privateKey), forge.md.sha1.create());
  return { key: serverPair.key, cert: forge.pki.certificateToPem(certificate) };
};

const issued = (options: Parameters<typeof ca.issue>[0], authority = ca): TlsOptions => {
  const { privateKey: key, certificate: cert } = authority.issue({ usages: ['server'], ...options });
  return { key, cert };
};

/** A server with TLS as `there`, and a client as `here`. */
const meeting =
  (there: TlsOptions, here: Partial<TlsSettings> = {}): Maker =>
  async (side) =>
    refusalOf(side.to(await securely(side, there), { tls: { ...TRUSTING, ...here } }));

/** What the other side does when it has heard the client's first words of TLS. */
const instead =
  (act: (socket: Socket) => void, timeout = 20_000): Maker =>
  async (side) => {
    const port = await scripted((socket) => {
      side.greet(socket, true);
      socket.once('data', () => act(socket));
    });
    return refusalOf(side.to(port, { tls: TRUSTING, timeout }));
  };

/** Between the client and a real TLS server: hands on the client's bytes, and of the server's the first alone. */
const cutOff: Maker = async (side) => {
  const behind = await securely({ ...side, greet: () => undefined }, {});
  const port = await scripted((socket) => {
    side.greet(socket, true);
    const server = connect({ port: behind, host: '127.0.0.1' }).on('error', () => undefined);
    atEnd(() => {
      server.destroy();
    });
    socket.pipe(server);
    server.once('data', (chunk: Buffer) => socket.end(chunk.subarray(0, 20)));
  });
  return refusalOf(side.to(port, { tls: TRUSTING }));
};

/** OpenSSL's server says what it has against a client's certificate. */
const shown =
  (certificate: Partial<TlsSettings>): Maker =>
  async (side) => {
    const folder = mkdtempSync(join(tmpdir(), 'mcbridge-openssl-'));
    atEnd(() => rmSync(folder, { recursive: true, force: true }));
    const files = { ca: ca.certificate, ...serverPair };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, `${name}.pem`), text);
    const openssl = await startOpenSsl(folder);
    const port = await scripted((socket) => {
      side.greet(socket, true);
      const server = connect({ port: openssl, host: '127.0.0.1' }).on('error', () => socket.destroy());
      atEnd(() => {
        server.destroy();
      });
      socket.pipe(server).pipe(socket);
    });
    return refusalOf(side.to(port, { tls: { ...TRUSTING, ...certificate } }));
  };

const own = (options: Parameters<typeof ca.issue>[0], authority = ca): Partial<TlsSettings> => {
  const { privateKey: key, certificate: cert } = authority.issue({ usages: ['client'], ...options });
  return { key, cert };
};

const EXPIRED = { notBefore: new Date(Date.now() - 2 * HOUR), notAfter: new Date(Date.now() - HOUR) };

const encrypted = forge.pki.encryptRsaPrivateKey(forge.pki.privateKeyFromPem(client.privateKey), 'secret');
const encryptedPkcs8 = forge.pki.encryptedPrivateKeyToPem(
  forge.pki.encryptPrivateKeyInfo(
    forge.pki.wrapRsaPrivateKey(forge.pki.privateKeyToAsn1(forge.pki.privateKeyFromPem(client.privateKey))),
    'secret',
  ),
);

const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString();

/** A client whose own files are so. */
const having = (here: Partial<TlsSettings>): Maker => meeting({}, here);
const cert = client.certificate;

/** A client with lists in a file, of the CA unless told. */
const listed =
  (options: Partial<ListOptions>): Maker =>
  (side) => {
    const folder = mkdtempSync(join(tmpdir(), 'mcbridge-lists-'));
    atEnd(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'crl.pem');
    writeFileSync(file, revocationList({ issuer: ca, ...options }));
    return meeting({}, { revocation: new PeerLists({ files: [file], takesExpired: false }) })(side);
  };

const EXPIRED_LIST = { thisUpdate: EXPIRED.notBefore, nextUpdate: EXPIRED.notAfter };

export const SECURING = {
  'closed-before-handshake': both(
    instead((socket) => socket.end()),
    instead((socket) => socket.resetAndDestroy()),
  ),
  'closed-in-handshake': both(cutOff),
  'tls-silent': both(instead(() => undefined, 300)),
  'not-tls': both(
    instead((socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')),
    instead((socket) => socket.write('ERROR\nmessage:Unknown STOMP action\n\n\0')),
    instead((socket) => socket.write("-ERR 'Parser Error'\r\n")),
  ),
  // Of the two protocols, only a NATS server speaks before TLS.
  'no-tls': {
    NATS: async (side) =>
      refusalOf(side.to(await scripted((socket) => side.greet(socket)), { tls: TRUSTING })),
  },
  'tls-demanded': { NATS: async (side) => refusalOf(side.to(await securely(side, {}))) },
  'handshake-refused': both(
    meeting({ maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA256' }, { ciphers: 'ECDHE-RSA-AES256-GCM-SHA384' }),
  ),
  'tls-too-old': both(
    meeting(TLS_1_0),
    meeting(TLS_1_1),
    meeting({ maxVersion: 'TLSv1.2' }, { minVersion: 'TLSv1.3' }),
  ),
  'tls-too-weak': both(
    meeting(TLS_1_0, { minVersion: 'TLSv1' }),
    meeting({ ...sha1(), ...WEAK }),
    meeting(
      { ...issued({ commonName: 'small', keys: keyPair('small', 1024) }), ...WEAK },
      { ciphers: 'DEFAULT@SECLEVEL=2' },
    ),
  ),
  'unknown-ca': both(
    having({ ca: stranger.certificate }),
    meeting(issued({ commonName: 'foreign' }, stranger)),
  ),
  'no-public-ca': both(async (side) =>
    refusalOf(side.to(await securely(side, {}), { tls: { verify: true } })),
  ),
  'server-expired': both(meeting(issued({ commonName: 'old', ...EXPIRED }))),
  'server-too-early': both(meeting(issued({ commonName: 'new', notBefore: new Date(Date.now() + HOUR) }))),
  'server-revoked': both(listed({ revoked: [{ certificate: serverPair.cert, reason: 1 }] })),
  'revocation-unknown': both(
    listed({ issuer: stranger }),
    listed(EXPIRED_LIST),
    listed({ signWith: stranger.privateKey }),
  ),
  'other-name': both(
    meeting(issued({ commonName: 'b', ipAddresses: ['127.0.0.9'] })),
    meeting(issued({ commonName: 'd', dnsNames: ['elsewhere.example.net'], ipAddresses: [] })),
  ),
  'not-a-server': both(meeting(issued({ commonName: 'c', usages: ['client'], ipAddresses: ['127.0.0.1'] }))),
  'client-certificate-missing': both(shown({}), meeting({ requestCert: true, rejectUnauthorized: true })),
  'client-certificate-expired': both(shown(own({ commonName: 'late', ...EXPIRED }))),
  'client-certificate-refused': both(
    shown(own({ commonName: 'foreign' }, stranger)),
    shown(own({ commonName: 'early', notBefore: new Date(Date.now() + HOUR) })),
    shown(own({ commonName: 'mail', usages: ['email'] })),
  ),
  // Node's own server says nothing where it does not like a certificate.
  'closed-after-handshake': both(
    meeting({ requestCert: true, rejectUnauthorized: true }, own({ commonName: 'foreign' }, stranger)),
  ),
  'key-mismatch': both(having({ cert, key: stranger.privateKey }), having({ cert, key: elliptic })),
  'ca-unreadable': both(
    having({ ca: 'no PEM' }),
    having({ ca: '' }),
    having({ ca: client.privateKey }),
    having({ ca: client.publicKey }),
  ),
  'certificate-unreadable': both(
    having({ cert: client.privateKey, key: client.privateKey }),
    having({ cert: client.publicKey, key: client.privateKey }),
    having({ cert: '', key: client.privateKey }),
    having({ cert: cert.replace(/\n.{20}/, '\n'), key: client.privateKey }),
  ),
  'key-unreadable': both(
    having({ cert, key: cert }),
    having({ cert, key: client.publicKey }),
    having({ cert, key: 'no PEM' }),
    having({ cert, key: '' }),
  ),
  'key-encrypted': both(having({ cert, key: encrypted }), having({ cert, key: encryptedPkcs8 })),
  'own-too-weak': both(having(sha1()), having(own({ commonName: 'tiny', keys: keyPair('tiny', 512) }))),
  'bad-ciphers': both(having({ ciphers: 'NONSENSE' })),
  // An alert that no row has: internal_error.
  'tls-failed': both(instead((socket) => socket.write(Buffer.from([0x15, 3, 3, 0, 2, 2, 80])))),
} as const satisfies Readonly<Record<string, Makers>>;
