import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { check } from '../../src/cli/check.ts';
import type { Finding } from '../../src/config/checklist.ts';
import { type Fleet, type FleetNode, type FleetOptions, startFleet } from '../support/choria-fleet.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';
import { makeAuthority } from '../support/pki.ts';
import { program } from '../support/program.ts';
import { bridge, type CheckWorld, choriaCa, makeCheckWorld } from './check-world.ts';

const privileged = choriaCa.issue({ commonName: 'mcbridge.privileged.mcollective', usages: ['client'] });
const tls = { ca: choriaCa.certificate, cert: bridge.certificate, key: bridge.privateKey };
/** The client checks a server given by its address for the name "localhost", unless told its host. */
const byAddress = { ...tls, host: '127.0.0.1' };

let nats: NatsServer;
let world: CheckWorld;
const fleets: Fleet[] = [];
const connections: NatsConnection[] = [];

beforeAll(async () => {
  const server = choriaCa.issue({ commonName: '127.0.0.1' });
  nats = await startNatsServer({
    tls: { ca: choriaCa.certificate, cert: server.certificate, key: server.privateKey },
  });
  world = makeCheckWorld(
    () => `identity: mcbridge.example.net
cluster_key_file: cluster.key
ingresses:
  federation:
    type: choria-federation
    servers: [${nats.url}]
    tls: { ca: ca.pem, cert: cert.pem, key: key.pem }
  partners:
    type: choria-federation
    cluster: partners
    servers: [${nats.url}]
    tls: { ca: ca.pem, cert: cert.pem, key: key.pem }
egresses:
  nodes:
    type: choria-collective
    servers: [${nats.url}]
    tls: { ca: ca.pem, cert: cert.pem, key: key.pem }
    signing: { cert: signing.pem, key: signing.key }
  as_they_are:
    type: choria-collective
    servers: [${nats.url}]
    tls: { ca: ca.pem, cert: cert.pem, key: key.pem }
routes:
  - from: federation
    to: nodes
    collectives: [mcollective, uk_collective]
    identities:
      - { regex: '^choria=(.+)$', to: choria=$1, privileged: true }
  - { from: partners, to: as_they_are, collectives: [de_collective] }
http: { listen: off }
`,
  );
  world.write('signing.pem', privileged.certificate);
  world.write('signing.key', privileged.privateKey);
});

afterEach(async () => {
  await Promise.all(fleets.splice(0).map((fleet) => fleet.close()));
  await Promise.all(connections.splice(0).map((connection) => connection.close()));
});

afterAll(async () => {
  world?.end();
  await nats?.stop();
});

const nodes = async (
  all: readonly (string | FleetNode)[],
  options: Partial<Pick<FleetOptions, 'collectives' | 'ahead'>> & { readonly callers?: string } = {},
): Promise<void> => {
  const { collectives = ['mcollective', 'uk_collective'], callers = choriaCa.certificate, ...more } = options;
  fleets.push(
    await startFleet({ url: nats.url, tls, dialect: 'go', callers, collectives, nodes: all, ...more }),
  );
};

const probed = (finding: Finding): unknown => finding.detail?.['probe'];

/** What was found about nodes. */
const probe = async (as?: string, timeout = 1_500): Promise<readonly Finding[]> => {
  const findings = await check({
    config: world.config,
    probe: true,
    timeout,
    ...(as !== undefined && { as }),
  });
  return findings.filter(({ message }) => /in the collective|nobody (is|can be) asked/.test(message));
};

const said = (findings: readonly Finding[]): readonly string[] =>
  findings.map(({ status, path, message }) => `${status} ${path}: ${message}`);

const NOBODY_ASKED =
  'skipped egresses.as_they_are: nobody is asked who is there: without signing nodes answer no question of its own';

describe('mcbridge check --probe', () => {
  it('says who answers in each exported collective, the first few by name', async () => {
    await nodes(['n3', 'n1', { identity: 'n2', dialect: 'ruby', collectives: ['mcollective'] }]);
    await nodes(['n4', 'n5', 'n6'], { collectives: ['mcollective'] });
    const found = await probe();
    expect(said(found)).toEqual([
      NOBODY_ASKED,
      'ok egresses.nodes: 6 nodes answered in the collective mcollective: n1, n2, n3, n4, n5 and 1 more',
      'ok egresses.nodes: 2 nodes answered in the collective uk_collective: n1, n3',
    ]);
    expect(found.slice(1).map(probed)).toMatchObject([
      { egress: 'nodes', collective: 'mcollective', nodes: ['n1', 'n2', 'n3', 'n4', 'n5', 'n6'], unread: [] },
      { collective: 'uk_collective', seconds: 1.5, nodes: ['n1', 'n3'] },
    ]);
  });

  it('names what may be wrong where nobody answers, in order', async () => {
    await nodes(['n1'], { callers: makeAuthority('other callers').certificate });
    const found = await probe();
    expect(said(found)).toEqual([
      NOBODY_ASKED,
      'problem egresses.nodes: nobody answered in the collective mcollective within 1.5 s',
      'problem egresses.nodes: nobody answered in the collective uk_collective within 1.5 s',
    ]);
    expect(found[1]?.mend).toMatch(
      /^it may be, in this order: \(1\) the nodes do not trust the certificate of signing, .*; \(2\) they are not in that sub-collective .*; \(3\) their clocks .*; \(4\) none of them runs/,
    );
    expect(found[1]).toMatchObject({
      detail: { probe: { nodes: [], causes: ['certificate', 'collective', 'clock', 'nodes'] } },
    });
  });

  it('begins with the collective where nodes of another one have answered', async () => {
    await nodes(['n1'], { collectives: ['mcollective'] });
    const [, ok, silent] = await probe();
    expect(ok?.status).toBe('ok');
    expect(silent).toMatchObject({
      status: 'problem',
      detail: {
        probe: { collective: 'uk_collective', causes: ['collective', 'certificate', 'clock', 'nodes'] },
      },
    });
  });

  it('says whose clock is off, where they answer all the same', async () => {
    await nodes(['n1'], { ahead: 40_000 });
    await nodes(['n2']);
    const found = await probe();
    expect(said(found)[2]).toMatch(
      /^warning egresses\.nodes: a clock is off in the collective mcollective: n1 is (39|40|41) s ahead$/,
    );
    expect(found[1]).toMatchObject({ detail: { probe: { clocks: [{ node: 'n1' }] } } });
  });

  it('says what it could not read, and why', async () => {
    const connection = await connect({ servers: nats.url, tls: byAddress });
    connections.push(connection);
    connection.subscribe('mcollective.broadcast.agent.discovery', {
      callback: (_, message) => {
        const { headers } = message.json<{ readonly headers: { readonly 'reply-to': string } }>();
        connection.publish(headers['reply-to'], 'hello');
      },
    });
    await connection.flush();
    const alone = await probe();
    expect(said(alone)[1]).toMatch(
      /^problem egresses\.nodes: no answer in the collective mcollective can be read: 1: .* \(malformed_json\)$/,
    );
    expect(alone[1]).toMatchObject({
      detail: { probe: { nodes: [], unread: [{ reason: 'malformed_json', count: 1 }] } },
    });
    await nodes(['n1']);
    expect(said(await probe()).slice(1, 3)).toEqual([
      'ok egresses.nodes: 1 node answered in the collective mcollective: n1',
      expect.stringMatching(/^warning egresses\.nodes: some answers .* cannot be read: 1: .*malformed_json/),
    ]);
  });

  it('takes no replies that come to a bridge, and sends it none', async () => {
    await nodes(['n1']);
    const connection = await connect({ servers: nats.url, tls: byAddress });
    connections.push(connection);
    const taken: string[] = [];
    const own = 'choria.federation.mcollective.collective';
    // As the running bridge does.
    connection.subscribe(own, {
      queue: 'mcollective_collective',
      callback: (_, { subject }) => void taken.push(subject),
    });
    await connection.flush();
    // While it is asked, what comes to the bridge goes to the bridge, each time.
    const probing = probe();
    let sent = 0;
    const timer = setInterval(() => connection.publish(own, `${++sent}`), 20);
    expect(said(await probing)[1]).toContain('1 node answered');
    clearInterval(timer);
    await connection.flush();
    expect(sent).toBeGreaterThan(0);
    expect(taken).toHaveLength(sent);
  });

  it('exits with 1 where nobody answers, and with 0 where somebody does in each; as JSON too', async () => {
    const args = ['check', '--config', world.config, '--probe', '--timeout', '1.5', '--json'];
    const silent = await program(...args);
    expect([silent.status, JSON.parse(silent.stdout)]).toMatchObject([1, { ok: false }]);
    await nodes(['n1']);
    const { status, stdout } = await program(...args);
    expect([status, JSON.parse(stdout)]).toMatchObject([0, { ok: true }]);
    expect(JSON.parse(stdout).findings).toContainEqual(
      expect.objectContaining({
        detail: { probe: expect.objectContaining({ collective: 'mcollective', nodes: ['n1'] }) },
      }),
    );
  });

  it('asks in the name of a caller, as the routes map it', async () => {
    await nodes(['n1']);
    const found = await probe('choria=alice.mcollective');
    expect(said(found)).toEqual([
      NOBODY_ASKED,
      'ok egresses.nodes: 1 node answered in the collective mcollective as choria=alice.mcollective: n1',
      'ok egresses.nodes: 1 node answered in the collective uk_collective as choria=alice.mcollective: n1',
    ]);
    expect(found.slice(1).map(probed)).toMatchObject([
      { as: 'choria=alice.mcollective', nodes: ['n1'] },
      { as: 'choria=alice.mcollective', nodes: ['n1'] },
    ]);
  });

  it('asks nobody in the name of a caller whom no route lets in', async () => {
    const why = 'no identity rule maps cert=bob, so its requests do not pass';
    expect(said(await probe('cert=bob'))).toEqual([
      `skipped egresses.nodes: nobody is asked in the collective mcollective in the name of "cert=bob": ${why}`,
      `skipped egresses.nodes: nobody is asked in the collective uk_collective in the name of "cert=bob": ${why}`,
      NOBODY_ASKED,
      'problem routes: nobody can be asked in the name of "cert=bob": its requests pass by no route',
    ]);
  });

  it('asks in the name of a caller only where it asks at all', async () => {
    const { status, stderr } = await program('check', '--config', world.config, '--as', 'cert=bob');
    expect(status).toBe(2);
    expect(stderr).toContain('--as says in whose name --probe asks: give both');
  });

  it('is not for those who leave the brokers alone', async () => {
    const { status, stderr } = await program('check', '--config', world.config, '--probe', '--offline');
    expect(status).toBe(2);
    expect(stderr).toMatch(/--probe .*--offline/);
  });
});
