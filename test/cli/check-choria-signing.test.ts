import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { keyPair, makeAuthority } from '../support/pki.ts';
import { type CheckWorld, choriaCa, makeCheckWorld } from './check-world.ts';

const worlds: CheckWorld[] = [];
afterEach(() => {
  for (const world of worlds.splice(0)) world.end();
});

const EGRESS = `egresses:
  choria:
    type: choria-collective
    servers: [nats://127.0.0.1:4222]
    tls: { ca: ca.pem, cert: cert.pem, key: key.pem }
    signing: { certs_dir: certs }
`;
const ROUTE = `  - from: federation
    to: choria
    collectives: [choria]
    identities:
      - exact: choria=rip.mcollective
        to: choria=rip.mcollective
`;

const YEAR = 365 * 24 * 3_600_000;
const issue = (commonName: string, notAfter = new Date(Date.now() + YEAR)) =>
  choriaCa.issue({ commonName, notAfter, usages: ['client'] });
const rip = issue('rip.mcollective');

/** A configuration that signs with callers' own certificates, and a good pair in its folder. */
const signed = (edit: (config: string) => string = (config) => config): CheckWorld => {
  const world = makeCheckWorld((config) =>
    edit(config.replace('egresses:\n', EGRESS).replace('http:', `${ROUTE}http:`)),
  );
  worlds.push(world);
  mkdirSync(join(world.folder, 'certs'));
  world.write('certs/rip.mcollective.pem', rip.certificate, 0o644);
  world.write('certs/rip.mcollective.key', rip.privateKey);
  return world;
};

/** What is said of this egress's signing and of its route. */
const faults = async (world: CheckWorld): Promise<readonly string[]> => {
  const all = await world.faults();
  return all.filter((fault) => /egresses\.choria\.(signing|discovery)|routes\[1\]/.test(fault));
};

const AT = 'egresses.choria.signing.certs_dir';

describe('mcbridge check, of callers’ certificates,', () => {
  it('finds nothing wrong with pairs that fit', async () => {
    expect(await faults(signed())).toEqual([]);
  });

  it.each<[what: string, spoil: (world: CheckWorld) => void, found: string]>([
    [
      'a key of another',
      (world) => world.write('certs/rip.mcollective.key', keyPair('another').privateKey),
      `problem ${AT}.key: certs/rip.mcollective.key is not the key of the certificate in certs/rip.mcollective.pem`,
    ],
    [
      'a certificate of another',
      (world) => world.write('certs/bob.mcollective.pem', rip.certificate),
      `problem ${AT}: certs/bob.mcollective.pem is the certificate of rip.mcollective, and nodes believe nobody else of it`,
    ],
    [
      'a key that everybody can read',
      (world) => world.write('certs/rip.mcollective.key', rip.privateKey, 0o644),
      `warning ${AT}.key: certs/rip.mcollective.key is secret, and everybody on this machine can read it`,
    ],
    [
      'a certificate that has ended',
      (world) => {
        const old = issue('rip.mcollective', new Date(Date.UTC(2020, 0)));
        world.write('certs/rip.mcollective.pem', old.certificate);
        world.write('certs/rip.mcollective.key', old.privateKey);
      },
      `problem ${AT}.cert: certs/rip.mcollective.pem: the certificate rip.mcollective expired on 2020-01-01`,
    ],
    [
      'a certificate of another CA',
      (world) => {
        const other = makeAuthority('Other CA').issue({
          commonName: 'rip.mcollective',
          notAfter: new Date(Date.now() + YEAR),
        });
        world.write('certs/rip.mcollective.pem', other.certificate);
        world.write('certs/rip.mcollective.key', other.privateKey);
      },
      `problem ${AT}.cert: certs/rip.mcollective.pem: the certificate rip.mcollective is not signed by the CA Choria CA of tls.ca`,
    ],
    [
      'a key that is not there',
      (world) => world.remove('certs/rip.mcollective.key'),
      `problem ${AT}.key: certs/rip.mcollective.key cannot be read: there is no such file`,
    ],
    [
      'a rule for a caller who has none',
      (world) => {
        world.remove('certs/rip.mcollective.pem');
        world.remove('certs/rip.mcollective.key');
      },
      "problem routes[1].identities[0].to: there is no certs/rip.mcollective.pem, so this caller's requests cannot be signed",
    ],
  ])('finds %s', async (_, spoil, found) => {
    const world = signed();
    spoil(world);
    expect(await faults(world)).toContain(found);
  });

  it('finds that nobody can ask who is there, where the bridge has to know', async () => {
    const clients = `ingresses:
  clients:
    type: mcollective-stomp
    servers: [stomp://127.0.0.1:61613]
    user: u
    password: p
    callers: { keys_dir: keys }
    server_private_key: key.pem
`;
    const route = `  - from: clients
    to: choria
    collectives: [choria]
    identities: [{ exact: cert=rip, to: choria=rip.mcollective }]
`;
    const edit = (config: string) =>
      config.replace('ingresses:\n', clients).replace('http:', `${route}http:`);
    expect(await faults(signed(edit))).toEqual([
      'warning egresses.choria.discovery: there is no certs/mcbridge.mcollective.pem, so nodes cannot be asked who is there in the name of choria=mcbridge.mcollective',
    ]);
    const named = (config: string) =>
      edit(config).replace(
        'certs_dir: certs }',
        'certs_dir: certs }\n    discovery: { caller: choria=rip.mcollective }',
      );
    expect(await faults(signed(named))).toEqual([]);
  });
});
