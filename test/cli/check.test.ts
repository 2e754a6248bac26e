import { generateKeyPairSync } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { keyPair, makeAuthority } from '../support/pki.ts';
import { bridge, type CheckWorld, choriaCa, makeCheckWorld } from './check-world.ts';

const DAY = 24 * 3600 * 1000;
const ago = (days: number): Date => new Date(Date.now() - days * DAY);

let world: CheckWorld | undefined;
const given = (edit?: (config: string) => string): CheckWorld => {
  world = makeCheckWorld(edit);
  return world;
};

afterEach(() => {
  world?.end();
  world = undefined;
});

/** With client certificates that live longer than the month in which `check` warns. */
const lasting = (): CheckWorld => {
  const it = given();
  const authority = makeAuthority('Choria CA', { notAfter: ago(-100) });
  it.write('ca.pem', authority.certificate);
  it.write(
    'cert.pem',
    authority.issue({ commonName: 'mcbridge.example.net', notAfter: ago(-90), keys: bridge }).certificate,
  );
  return it;
};

describe('mcbridge check', () => {
  it('finds nothing where everything is in order', async () => {
    expect(await lasting().faults()).toEqual([]);
  });

  it('says of everything it looked at that it is in order', async () => {
    const findings = await lasting().findings();
    expect(findings.map(({ path }) => path)).toEqual([
      '',
      'cluster_key_file',
      'ingresses.federation.tls.ca',
      'ingresses.federation.tls.cert',
      'ingresses.federation.tls.key',
      'egresses.legacy.server_public_key[0]',
      'egresses.legacy.signing.keys_dir',
    ]);
  });

  it('points at the line that names a bad file, and says how to mend it', async () => {
    const it = lasting();
    it.remove('key.pem');
    const fault = (await it.findings()).find(({ status }) => status === 'problem');
    expect(fault).toMatchObject({ file: it.config, line: 7, column: 45 });
    expect(fault?.mend).toContain('relative names start at');
  });

  it('tells the problems of the configuration itself in the same form', async () => {
    const it = given((config) => config.replace('to: legacy', 'to: nowhere'));
    const [fault] = await it.findings();
    expect(fault).toMatchObject({
      status: 'problem',
      path: 'routes[0].to',
      line: 18,
      mend: 'allowed: legacy',
    });
  });

  it.each(['cluster.key', 'ca.pem', 'cert.pem', 'key.pem', 'server.pem'])('misses %s', async (name) => {
    const it = lasting();
    it.remove(name);
    expect(await it.faults()).toEqual([
      expect.stringMatching(`^problem .*: ${name} cannot be read: there is no such file$`),
    ]);
  });
});

describe('mcbridge check, of certificates,', () => {
  it('finds a key of another certificate', async () => {
    const it = lasting();
    it.write('key.pem', keyPair('another').privateKey);
    expect(await it.faults()).toEqual([
      'problem ingresses.federation.tls.key: key.pem is not the key of the certificate in cert.pem',
    ]);
  });

  it('finds a certificate of another CA, also one of the same name', async () => {
    const it = lasting();
    const other = makeAuthority('Choria CA', { keys: keyPair('other'), notAfter: ago(-100) });
    it.write(
      'cert.pem',
      other.issue({ commonName: 'mcbridge', notAfter: ago(-90), keys: bridge }).certificate,
    );
    expect(await it.faults()).toEqual([
      'problem ingresses.federation.tls.cert: cert.pem: the certificate mcbridge is not signed by the CA Choria CA of tls.ca',
    ]);
  });

  it('follows intermediate certificates in the same file', async () => {
    const it = lasting();
    const root = makeAuthority('Root', { notAfter: ago(-100) });
    const issued = root
      .intermediate('Intermediate', { notAfter: ago(-100) })
      .issue({ commonName: 'mcbridge', notAfter: ago(-90), keys: bridge });
    it.write('ca.pem', root.certificate);
    it.write('cert.pem', issued.chain);
    expect(await it.faults()).toEqual([]);
    it.write('cert.pem', issued.certificate);
    expect(await it.faults()).toHaveLength(1);
  });

  it.each([
    ['expired', ago(9), ago(2), /^problem .* expired on \d{4}-\d\d-\d\d$/],
    ['expires in a month', ago(9), ago(-29.9), /^warning .* expires within 30 days, on \d{4}-\d\d-\d\d$/],
    ['expires in eight days', ago(9), ago(-7.1), /^warning .* expires within 30 days, on \d{4}-\d\d-\d\d$/],
    ['expires in a week', ago(9), ago(-6.9), /^warning .* expires within 7 days, on \d{4}-\d\d-\d\d$/],
    ['expires in a day', ago(9), ago(-0.9), /^warning .* expires within a day, on \d{4}-\d\d-\d\d$/],
    ['is not valid yet', ago(-2), ago(-99), /^problem .* is valid from \d{4}-\d\d-\d\d only$/],
  ])('finds one that %s', async (_, notBefore, notAfter, fault) => {
    const it = lasting();
    const authority = makeAuthority('Choria CA', { notAfter: ago(-100) });
    it.write(
      'cert.pem',
      authority.issue({ commonName: 'mcbridge', notBefore, notAfter, keys: bridge }).certificate,
    );
    expect(await it.faults()).toEqual([expect.stringMatching(fault)]);
  });

  it('finds an expired CA', async () => {
    const it = lasting();
    it.write('ca.pem', makeAuthority('Choria CA', { notBefore: ago(9), notAfter: ago(2) }).certificate);
    expect(await it.faults()).toEqual([
      expect.stringMatching(
        /^problem ingresses.federation.tls.ca: ca.pem: the certificate Choria CA expired on/,
      ),
    ]);
  });

  it('finds a certificate in place of the CA that signed it', async () => {
    const it = lasting();
    it.write('ca.pem', choriaCa.issue({ commonName: 'nats1.example.net', notAfter: ago(-90) }).certificate);
    expect(await it.faults()).toEqual([
      "problem ingresses.federation.tls.ca: ca.pem: the certificate nats1.example.net is not a CA's",
    ]);
  });

  it.each([
    ['text', 'hello', 'it is no PEM'],
    ['a damaged certificate', choriaCa.certificate.replace(/M[A-Za-z]/, '!!'), ''],
  ])('finds %s in place of a certificate', async (_, content, reason) => {
    const it = lasting();
    it.write('cert.pem', content);
    expect(await it.faults()).toEqual([
      expect.stringContaining(
        `problem ingresses.federation.tls.cert: cert.pem is not a certificate: ${reason}`,
      ),
    ]);
  });

  it('looks at a CA for callers that is not that of the brokers', async () => {
    const it = given((config) => config.replace('egresses:', '    callers: { ca: callers.pem }\negresses:'));
    expect(await it.faults()).toContain(
      'problem ingresses.federation.callers.ca: callers.pem cannot be read: there is no such file',
    );
  });
});

describe('mcbridge check, of keys,', () => {
  it('finds a private key in place of a public one, and does not print it', async () => {
    const it = lasting();
    it.write('server.pem', keyPair('daemons').privateKey);
    expect(await it.faults()).toEqual([
      'problem egresses.legacy.server_public_key[0]: server.pem is a private key',
    ]);
  });

  it('takes a certificate for a public key', async () => {
    const it = lasting();
    it.write('server.pem', bridge.certificate);
    expect(await it.faults()).toEqual([]);
  });

  it('finds a key that is not RSA', async () => {
    const ec = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    const it = lasting();
    it.write('server.pem', ec.publicKey);
    it.write('keys/rip.pem', ec.privateKey);
    expect(await it.faults()).toEqual([
      'problem egresses.legacy.server_public_key[0]: server.pem is not an RSA key but ec',
      'problem egresses.legacy.signing.keys_dir: keys/rip.pem is not an RSA key but ec',
    ]);
  });

  it('finds an encrypted key', async () => {
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' },
    });
    const it = lasting();
    it.write('keys/rip.pem', privateKey);
    expect(await it.faults()).toEqual([
      'problem egresses.legacy.signing.keys_dir: keys/rip.pem is encrypted',
    ]);
  });

  it('finds a folder without keys, and callers without a key', async () => {
    const it = lasting();
    it.remove('keys/rip.pem');
    expect(await it.faults()).toEqual([
      'problem egresses.legacy.signing.keys_dir: keys holds no private key',
      "problem routes[0].identities[0].to: there is no key keys/rip.pem, so this caller's requests cannot be signed",
    ]);
  });

  it('finds a key that no caller can be named after', async () => {
    const it = lasting();
    it.write('keys/a b.pem', keyPair('rip').privateKey);
    expect(await it.faults()).toEqual([
      expect.stringMatching(
        /^warning egresses.legacy.signing.keys_dir: a b.pem in .* can sign for no caller$/,
      ),
    ]);
  });

  it('warns of private keys that everybody can read', async () => {
    const it = lasting();
    it.write('cluster.key', 'k'.repeat(48), 0o644);
    it.write('key.pem', bridge.privateKey, 0o644);
    it.write('keys/rip.pem', keyPair('rip').privateKey, 0o604);
    const secret = 'is secret, and everybody on this machine can read it';
    expect(await it.faults()).toEqual([
      `warning cluster_key_file: cluster.key ${secret}`,
      `warning ingresses.federation.tls.key: key.pem ${secret}`,
      `warning egresses.legacy.signing.keys_dir: keys/rip.pem ${secret}`,
    ]);
  });

  it('finds a short cluster key, not counting the line end', async () => {
    const it = lasting();
    it.write('cluster.key', `${'k'.repeat(31)}\n`);
    expect(await it.faults()).toEqual([
      'problem cluster_key_file: cluster.key holds 31 bytes, and it takes at least 32',
    ]);
  });

  it('finds an exact rule that yields a privileged name by mistake', async () => {
    const it = given((config) =>
      config.replace('    signing:', '    privileged: [^cert=rip$]\n    signing:'),
    );
    expect(await it.faults()).toContain(
      'problem routes[0].identities[0].to: cert=rip is privileged there, so this rule lets no caller through',
    );
  });

  it('warns of an egress that no route uses', async () => {
    const it = given((config) => {
      const legacy = config.slice(config.indexOf('  legacy:'), config.indexOf('routes:'));
      return config.replace('routes:', `${legacy.replace('legacy', 'unused')}routes:`);
    });
    expect(await it.faults()).toContain('warning egresses.unused: no route ends here');
  });
});
