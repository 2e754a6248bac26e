import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { json, startHttp } from '../../src/telemetry/http.ts';
import { freePort } from '../../src/testing/ports.ts';
import { type ActiveMq, type ActiveMqUser, startActiveMq } from '../support/activemq.ts';
import { ADMIN, DAEMON, DOCUMENTED, documentedAnd } from '../support/documented-acls.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';
import { connectStompClient } from '../support/stomp-client.ts';
import { makeCheckWorld } from './check-world.ts';

let activemq: ActiveMq;
let nats: NatsServer;

const PERMISSIONS = `authorization { users: [
  { user: nothing, password: "x", permissions: { publish: "other.>", subscribe: "other.>" } },
  { user: all, password: "x", permissions: {
    publish: { allow: ["mcollective.reply.>", "choria.federation.mcollective.stats"] },
    subscribe: { allow: ["choria.federation.mcollective.federation mcollective_federation", "choria.federation.mcollective.stats"] } } }
] }`;

beforeAll(async () => {
  [activemq, nats] = await Promise.all([
    startActiveMq({ users: [DAEMON, ADMIN], acls: DOCUMENTED }),
    startNatsServer({ extra: PERMISSIONS }),
  ]);
});

afterAll(() => Promise.all([activemq?.stop(), nats?.stop()]));

/** Problems of check with these accounts, each with how to mend it. */
const problems = async (legacy: string, choria: string, more = '') => {
  const world = makeCheckWorld((config) =>
    config
      .replace(
        '[nats://127.0.0.1:4222]',
        `[${nats.url}]\n    insecure_plaintext: true\n    user: ${choria}\n    password: x`,
      )
      .replace('tls: { ca: ca.pem, cert: cert.pem, key: key.pem }', 'callers: { ca: ca.pem }')
      .replace(':61613', `:${activemq.port}`)
      .replace('user: mcollective\n    password: marionette', legacy)
      .concat(more),
  );
  try {
    const findings = await world.findings({ online: true });
    return findings.filter(({ status }) => status === 'problem');
  } finally {
    world.end();
  }
};

/** As a configuration has them. */
const as = ({ name, password }: ActiveMqUser): string => `user: ${name}\n    password: ${password}`;

describe('mcbridge check, of the rights that run will use,', () => {
  it('names the subjects of the audit', async () => {
    const audit = '\naudit:\n  sinks: [{ nats: audit.records }]\n  heads: { nats: audit.heads }\n';
    const messages = (await problems(as(ADMIN), 'all', audit)).map(({ message }) => message);
    expect(messages).toEqual([
      expect.stringMatching(/no right to publish to "audit\.records"; .*publish the audit/),
      expect.stringMatching(/no right to publish to "audit\.heads"; .*publish the audit/),
    ]);
  });

  it('names what the daemons’ account may not do under the documented ACLs, and the lines to write', async () => {
    const found = await problems(as(DAEMON), 'all');
    expect(found.map(({ path, message, mend }) => ({ path, message, mend }))).toEqual([
      {
        path: 'egresses.legacy.servers[0]',
        message: expect.stringMatching(
          /no right to subscribe to \/queue\/mcollective\.reply\.mcollective\.>; .*hear replies/,
        ),
        mend: expect.stringContaining(
          '<authorizationEntry queue="mcollective.reply.mcollective.>" read="GROUP" admin="GROUP"/>',
        ),
      },
      {
        path: 'egresses.legacy.servers[0]',
        message: expect.stringMatching(
          /no right to publish to \/topic\/mcollective\.discovery\.agent; .*all nodes/,
        ),
        mend: expect.stringContaining(
          '<authorizationEntry topic="mcollective.*.agent" write="GROUP" admin="GROUP"/>',
        ),
      },
      {
        path: 'egresses.legacy.servers[0]',
        message: expect.stringMatching(/no right to publish to \/queue\/mcollective\.nodes; .*directed/),
        mend: expect.stringContaining(
          '<authorizationEntry queue="mcollective.nodes" write="GROUP" admin="GROUP"/>',
        ),
      },
    ]);
  });

  it('finds nothing with the clients’ account, and gives no message to anybody', async () => {
    const listener = await connectStompClient({ port: activemq.port, user: 'admin', password: 'secret' });
    const topic = await listener.subscribe('/topic/mcollective.discovery.agent');
    const queue = await listener.subscribe('/queue/mcollective.nodes');
    expect(await problems(as(ADMIN), 'all')).toEqual([]);
    // The first that comes is what is sent afterwards.
    await listener.send('/topic/mcollective.discovery.agent', Buffer.from('after'));
    await listener.send('/queue/mcollective.nodes', Buffer.from('after'));
    expect((await topic()).body.toString()).toBe('after');
    expect((await queue()).body.toString()).toBe('after');
    listener.close();
  });

  it('is content once the lines that it names are written', async () => {
    const granted = [
      { queue: 'mcollective.reply.mcollective.>', read: 'mcollective', admin: 'mcollective' },
      { topic: 'mcollective.*.agent', write: 'mcollective', admin: 'mcollective' },
      { queue: 'mcollective.nodes', write: 'mcollective', admin: 'mcollective' },
    ];
    await activemq.restart(undefined, documentedAnd(granted));
    expect(await problems(as(DAEMON), 'all')).toEqual([]);
    await activemq.restart(undefined, DOCUMENTED);
  });

  it('names what a NATS user may not do, and the permissions to write', async () => {
    const found = await problems(as(ADMIN), 'nothing');
    expect(found.map(({ message, mend }) => `${message} → ${mend}`)).toEqual([
      expect.stringMatching(
        /no right to subscribe to "choria\.federation\.mcollective\.federation" in queue group "mcollective_federation"; .* → .*subscribe: \{ allow: \["choria\.federation\.mcollective\.federation"\] \}/,
      ),
      expect.stringMatching(
        /no right to publish to .* → .*publish: \{ allow: \["mcollective\.reply\.>"\] \}/,
      ),
      expect.stringMatching(/no right to publish to "choria\.federation\.mcollective\.stats"/),
      expect.stringMatching(/no right to subscribe to "choria\.federation\.mcollective\.stats"/),
    ]);
  });
});

describe('mcbridge check, of the HTTP address,', () => {
  it('says when somebody else listens there', async () => {
    const port = await freePort();
    const taken = await startNatsServer({ port });
    const world = makeCheckWorld((config) => config.replace('listen: off', `listen: "127.0.0.1:${port}"`));
    try {
      expect(await world.faults()).toContainEqual(
        `problem http.listen: 127.0.0.1:${port} is in use already: give another port, or off`,
      );
    } finally {
      world.end();
      await taken.stop();
    }
  });
});

describe('mcbridge check, of the address of the live page,', () => {
  const withPage = (port: number) => (config: string) => `${config}\npage: { listen: "127.0.0.1:${port}" }\n`;

  it('says when somebody else listens there', async () => {
    const port = await freePort();
    const taken = await startNatsServer({ port });
    const world = makeCheckWorld(withPage(port));
    try {
      expect(await world.faults()).toContainEqual(
        `problem page.listen: 127.0.0.1:${port} is in use already: give another port, or off`,
      );
    } finally {
      world.end();
      await taken.stop();
    }
  });

  it('is content where the running bridge itself does', async () => {
    const port = await freePort();
    const who = { cluster: 'mcollective', instance: 'mcbridge.example.net' };
    const pages = new Map([['/who', () => json(200, who)]]);
    const ours = await startHttp({ host: '127.0.0.1', port, pages, onError: () => undefined });
    const world = makeCheckWorld(withPage(port));
    try {
      expect((await world.faults()).filter((fault) => fault.includes('page.listen'))).toEqual([]);
      who.instance = 'another';
      expect(await world.faults()).toContainEqual(expect.stringContaining('problem page.listen'));
    } finally {
      world.end();
      await ours.close();
    }
  });
});
