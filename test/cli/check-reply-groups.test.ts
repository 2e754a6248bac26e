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
