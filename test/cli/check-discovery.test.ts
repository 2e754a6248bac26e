import { afterEach, describe, expect, it } from 'vitest';
import { BUILT_IN } from '../../src/adapters/registry.ts';
import { checkBeforeStart } from '../../src/cli/check/starting.ts';
import { loadConfig } from '../../src/setup/load.ts';
import { keyPair } from '../support/pki.ts';
import { type CheckWorld, makeCheckWorld } from './check-world.ts';

const worlds: CheckWorld[] = [];

afterEach(() => {
  for (const world of worlds.splice(0)) world.end();
});

/** What check finds about the asking for nodes. */
const faults = async (
  edit: (config: string) => string,
  keys: Readonly<Record<string, string>> = {},
): Promise<readonly string[]> => {
  const world = makeCheckWorld(edit);
  worlds.push(world);
  for (const [name, key] of Object.entries(keys)) world.write(`keys/${name}`, key);
  return (await world.faults()).filter((fault) => /discovery|local_egress/.test(fault));
};

const asking = (discovery: string) => (config: string) =>
  config.replace('    signing:', `    discovery: ${discovery}\n    signing:`);

/** Clients that are not federated: an ingress has to know who lives beyond its routes. */
const unfederated = (config: string): string => config.replace('choria-federation', 'choria-collective');

/** Legacy clients on the egress's own side, whose nodes answer them by themselves. */
const besideLegacy = (config: string): string =>
  config
    .replace(
      'egresses:\n',
      `  mco:
    type: mcollective-stomp
    servers: [stomp://127.0.0.1:61613]
    callers: { keys_dir: keys }
    server_private_key: keys/rip.pem
    local_egress: legacy
egresses:
  choria:
    type: choria-collective
    servers: [nats://127.0.0.1:4222]
    tls: { ca: ca.pem, cert: cert.pem, key: key.pem }
    signing: { cert: cert.pem, key: key.pem }
`,
    )
    .replace(
      'routes:\n',
      `routes:
  - from: mco
    to: choria
    collectives: [mcollective]
    identities:
      - { exact: cert=rip, to: choria=rip.mcollective }
`,
    );

const NO_KEY =
  'there is no key keys/mcbridge.pem, so nodes cannot be asked who is there in the name of cert=mcbridge';

describe('mcbridge check, of who asks for nodes,', () => {
  it('misses the key of the bridge itself where it asks', async () => {
    expect(await faults(asking('{ every: 1m }'))).toEqual([`warning egresses.legacy.discovery: ${NO_KEY}`]);
  });

  it('misses it where an ingress needs to know who is there, and where nodes are on its own side', async () => {
    expect(await faults(unfederated)).toEqual([`warning egresses.legacy.discovery: ${NO_KEY}`]);
    expect(await faults(besideLegacy)).toEqual([`warning egresses.legacy.discovery: ${NO_KEY}`]);
  });

  it('misses the key of the caller that is configured, and points at him', async () => {
    const edit = asking('{ every: 1m, caller: cert=bob }');
    expect(await faults(edit)).toEqual([
      'warning egresses.legacy.discovery.caller: there is no key keys/bob.pem, so nodes cannot be asked who is there in the name of cert=bob',
    ]);
    const warned = (await worlds[0]?.findings())?.find(
      ({ path }) => path === 'egresses.legacy.discovery.caller',
    );
    expect(warned).toMatchObject({ line: 14, mend: expect.stringContaining('plugin.ssl_client_cert_dir') });
  });

  it('refuses a caller that can have no key there', async () => {
    expect(await faults(asking('{ every: 1m, caller: choria=rip.mcollective }'))).toEqual([
      'warning egresses.legacy.discovery.caller: choria=rip.mcollective is not of the form cert=<name>, so nodes cannot be asked in that name',
    ]);
  });

  it('is content with a key of that name', async () => {
    expect(await faults(asking('{ every: 1m, caller: cert=rip }'))).toEqual([]);
    expect(await faults(unfederated, { 'mcbridge.pem': keyPair('mcbridge').privateKey })).toEqual([]);
  });

  it('says nothing where nobody is asked, and where one identity signs for all', async () => {
    expect(await faults((config) => config)).toEqual([]);
    expect(await faults((config) => asking('{ every: 0 }')(unfederated(config)))).toEqual([]);
    expect(
      await faults((config) =>
        unfederated(config).replace('{ keys_dir: keys }', '{ callerid: cert=b, private_key: keys/rip.pem }'),
      ),
    ).toEqual([]);
  });

  it('warns of the old name of local_egress, and so does the log of a bridge that starts', async () => {
    const world = makeCheckWorld((config) => besideLegacy(config).replace('local_egress:', 'beside:'));
    worlds.push(world);
    const message = 'is the old name of local_egress, and the next version does not know it';
    expect(await world.faults()).toContain(`warning ingresses.mco.beside: ${message}`);
    const told: unknown[] = [];
    const log = { warn: (fields: object, sentence: string) => void told.push([fields, sentence]) };
    checkBeforeStart(loadConfig(world.config, {}, BUILT_IN), log, Date.now());
    expect(told).toContainEqual([
      {
        event: 'config_warning',
        setting: 'ingresses.mco.beside',
        line: expect.any(Number),
        hint: 'write local_egress instead',
      },
      `ingresses.mco.beside ${message}`,
    ]);
  });

  it('says that local_egress has no effect where the egress cannot ask', async () => {
    const edit = (config: string): string =>
      unfederated(config)
        .replace('egresses:', '    local_egress: member\negresses:')
        .replace(
          'routes:',
          `  member:
    type: choria-collective
    servers: [nats://127.0.0.1:4222]
    tls: { ca: ca.pem, cert: cert.pem, key: key.pem }
routes:`,
        );
    const expected =
      'warning ingresses.federation.local_egress: without signing member cannot ask who is there, so no node counts as native to the side of federation';
    expect(await faults(edit)).toContain(expected);
    const signing = (config: string): string =>
      edit(config).replace('routes:', '    signing: { cert: cert.pem, key: key.pem }\nroutes:');
    expect(await faults(signing)).not.toContain(expected);
  });
});
