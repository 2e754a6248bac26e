import { afterEach, describe, expect, it } from 'vitest';
import { type CheckWorld, makeCheckWorld } from './check-world.ts';

let world: CheckWorld | undefined;
afterEach(() => {
  world?.end();
  world = undefined;
});

const egress = (server: string, signing = true): string => `
    type: choria-collective
    servers: [nats://127.0.0.1:4221, nats://${server}]
    tls: { ca: ca.pem, cert: cert.pem, key: key.pem }${signing ? '\n    signing: { cert: cert.pem, key: key.pem }' : ''}`;

/** What `check` says of two egresses to Choria nodes. */
const faults = async (one: string, other: string, cluster = 'mcollective'): Promise<readonly string[]> => {
  world = makeCheckWorld((config) =>
    config
      .replace(/ingresses:[\s\S]*/, () => '')
      .concat(`ingresses:
  clients:
    type: choria-federation
    cluster: ${cluster}
    servers: [nats://127.0.0.1:4223]
    tls: { ca: ca.pem, cert: cert.pem, key: key.pem }
    callers: { ca: ca.pem }
egresses:
  east:${one}
  west:${other}
routes:
  - from: clients
    to: east
    collectives: [east]
    identities: [{ exact: choria=rip.mcollective, to: choria=rip.mcollective }]
  - from: clients
    to: west
    collectives: [west]
`),
  );
  return (await world.faults()).filter((line) => line.includes('queue group'));
};

describe('mcbridge check, of two egresses to Choria nodes,', () => {
  it('says that they take each other’s replies where they meet at one server', async () => {
    const said = await faults(egress('127.0.0.1:4224'), egress('127.0.0.1:4225', false));
    expect(said).toHaveLength(1);
    expect(said[0]).toContain('egresses.west');
    expect(said[0]).toContain('the egress east are both in the queue group mcollective_collective');
    expect(said[0]).toContain('nats://127.0.0.1:4221');
  });

  it('says nothing where one passes for another cluster than the other signs for', async () => {
    expect(await faults(egress('127.0.0.1:4224'), egress('127.0.0.1:4225', false), 'other')).toEqual([]);
  });

  it('says nothing where they have no server in common', async () => {
    const elsewhere = egress('127.0.0.1:4224').replace('4221', '4299');
    expect(await faults(elsewhere, egress('127.0.0.1:4225'))).toEqual([]);
  });
});

const legacy = (user: string, network = ''): string => `
    type: mcollective-stomp
    servers: [stomp://127.0.0.1:61699]
    user: ${user}
    password: secret${network === '' ? '' : `\n    network: ${network}`}
    signing: { callerid: cert=rip, private_key: key.pem }
    server_public_key: cert.pem`;

/** What `check` says of two egresses to legacy nodes of one broker and one collective. */
const ofLegacy = async (one: string, other: string): Promise<readonly string[]> => {
  world = makeCheckWorld((config) =>
    config
      .replace(/ingresses:[\s\S]*/, () => '')
      .concat(`ingresses:
  one: &ingress
    type: choria-federation
    cluster: one
    servers: [nats://127.0.0.1:4223]
    tls: { ca: ca.pem, cert: cert.pem, key: key.pem }
    callers: { ca: ca.pem }
  two: { <<: *ingress, cluster: two }
egresses:
  east:${one}
  west:${other}
routes:
  - { from: one, to: east, collectives: [mcollective], identities: [{ exact: choria=rip.mcollective, to: cert=rip }] }
  - { from: two, to: west, collectives: [mcollective], identities: [{ exact: choria=rip.mcollective, to: cert=rip }] }
`),
  );
  return (await world.faults()).filter((line) => line.includes('group of consumers'));
};

describe('mcbridge check, of two egresses to legacy nodes of one broker,', () => {
  it('says that they take each other’s replies where they have different logins', async () => {
    const said = await ofLegacy(legacy('a'), legacy('b'));
    expect(said).toHaveLength(1);
    expect(said[0]).toContain('consumers of /queue/mcollective.reply.mcollective.>');
  });

  it.each([
    ['have the same login', legacy('a'), legacy('a')],
    ['are called one network', legacy('a', 'both'), legacy('b', 'both')],
    ['are called different networks', legacy('a', 'one'), legacy('b', 'other')],
  ])('says nothing where they %s', async (_, one, other) => {
    expect(await ofLegacy(one, other)).toEqual([]);
  });
});
