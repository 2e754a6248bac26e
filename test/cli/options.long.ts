import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mcbridge } from '../support/bridge.ts';
import { type Fleet, startFleet } from '../support/choria-fleet.ts';
import { documentText } from '../telemetry/observe/documents.ts';
import { type ObserveWorld, startObserveWorld } from '../telemetry/observe/world.ts';

const RUBY = 'r.mixed.example.net';
const GO = 'g.mixed.example.net';
const BOTH = [GO, RUBY];

let world: ObserveWorld;
let fleet: Fleet;

beforeAll(async () => {
  world = await startObserveWorld();
  const read = (name: string): string => readFileSync(world.file(name), 'utf8');
  const common = { agents: ['discovery', 'rpcutil'], collectives: ['mcollective', 'mixed'] };
  fleet = await startFleet({
    url: world.nats.url,
    tls: { ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem') },
    callers: read('ca.pem'),
    dialect: 'ruby',
    collectives: ['mcollective', 'mixed'],
    nodes: [
      { ...common, identity: RUBY, facts: { country: 'uk' }, classes: ['apache'] },
      { ...common, identity: GO, dialect: 'go', facts: { country: 'mt' }, classes: ['mysql'] },
    ],
  });
  world.keepPublishing(documentText({ instance: '1' }), documentText({ instance: '2' }));
});

afterAll(async () => {
  world.quiet();
  await fleet.close();
  await world.stop();
});

interface Outcome {
  readonly status: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What an option does; or the test beside this one that shows it with the real network that it needs. */
type Entry = string | { readonly args: readonly string[]; readonly shows: (outcome: Outcome) => void };

/** The nodes that have answered, by the JSON of ping and rpc. */
const answered =
  (nodes: readonly string[]) =>
  ({ stdout, stderr, status }: Outcome): void => {
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    const { replies }: { readonly replies: readonly { readonly node: string }[] } = JSON.parse(stdout);
    expect(replies.map(({ node }) => node).toSorted()).toEqual(nodes);
  };

const refused =
  (status: number, said: RegExp) =>
  (outcome: Outcome): void => {
    expect(outcome.stderr + outcome.stdout).toMatch(said);
    expect(outcome.status).toBe(status);
  };

const GHOST = 'ghost.example.net';

/** Of those that connect. */
const CONNECTION: Readonly<Record<string, Entry>> = {
  '--server': 'client-options.test.ts',
  '--ca': 'client-options.test.ts',
  '--cert': 'client-options.test.ts',
  '--key': 'client-options.test.ts',
  '--federation': 'choria-nodes.test.ts',
  '--config': 'client-options.test.ts',
  '--insecure-plaintext': 'client-options.test.ts',
};

const tls = (command: readonly string[], shows: (outcome: Outcome) => void): Record<string, Entry> => ({
  '--tls-min-version': { args: [...command, '--tls-min-version', 'TLSv1.3'], shows },
  '--tls-ciphers': {
    args: [...command, '--tls-ciphers', 'NOSUCH'],
    shows: refused(3, /cipher/i),
  },
});

const filters = (command: readonly string[]): Record<string, Entry> => ({
  '--with-fact': { args: [...command, '-F', 'country=uk'], shows: answered([RUBY]) },
  '--with-class': { args: [...command, '-C', 'mysql'], shows: answered([GO]) },
  '--with-identity': { args: [...command, '-I', '/^g/'], shows: answered([GO]) },
  '--with': { args: [...command, '-W', 'apache country=uk'], shows: answered([RUBY]) },
});

const PING = ['ping', '--json', '-T', 'mixed'];
const RPC = ['rpc', 'rpcutil', 'ping', '--json', '-T', 'mixed'];
const TRACE = ['federation', 'trace', RUBY];
const OBSERVE = ['federation', 'observe', '--cluster', 'production', '--once', '--wait', '1', '--json'];

const traced = ({ stdout, status }: Outcome): void => {
  expect(status).toBe(0);
  expect(stdout).toContain(RUBY);
};

const instances =
  (names: readonly string[]) =>
  ({ stdout, status }: Outcome): void => {
    expect(status).toBe(0);
    const { instances: all }: { readonly instances: readonly { readonly name: string }[] } =
      JSON.parse(stdout);
    expect(all.map(({ name }) => name)).toEqual(names);
  };

const dialects = (command: readonly string[], shows: (outcome: Outcome) => void): Entry => ({
  args: [...command, '--dialect', 'ruby'],
  shows,
});

const TABLE: Readonly<Record<string, Readonly<Record<string, Entry>>>> = {
  ping: {
    ...CONNECTION,
    ...tls(PING, answered(BOTH)),
    ...filters(PING),
    '--collective': {
      args: ['ping', '--json', '-T', 'nobody', '--timeout', '1'],
      shows: refused(1, /"replies": \[\]/),
    },
    '--dialect': dialects(PING, answered(BOTH)),
    '--timeout': { args: [...PING, '--timeout', '1.5'], shows: answered(BOTH) },
    '--json': { args: PING, shows: answered(BOTH) },
  },
  rpc: {
    ...CONNECTION,
    ...tls(RPC, answered(BOTH)),
    ...filters(RPC),
    '--collective': { args: ['rpc', 'rpcutil', 'ping', '-T', 'nobody'], shows: refused(1, /found no node/) },
    '--dialect': dialects(RPC, answered(BOTH)),
    '--target': { args: [...RPC, '--target', GO], shows: answered([GO]) },
    '--broadcast': { args: [...RPC, '--broadcast', '--timeout', '1.5'], shows: answered(BOTH) },
    '--timeout': {
      args: [...RPC, '--target', GHOST, '--timeout', '0.5'],
      shows: refused(1, /"missing":\["ghost\.example\.net"\]/),
    },
    '--discovery-timeout': {
      args: [...RPC, '-F', 'country=nowhere', '--discovery-timeout', '0.5'],
      shows: refused(1, /is 0\.5 s too short \(--discovery-timeout\)/),
    },
    '--json': { args: RPC, shows: answered(BOTH) },
  },
  'federation trace': {
    ...CONNECTION,
    ...tls(TRACE, traced),
    '--collective': {
      args: [...TRACE, '-T', 'nobody', '--timeout', '1'],
      shows: refused(1, /nobody listens to nobody\.node\.r\.mixed/),
    },
    '--dialect': dialects(TRACE, traced),
    '--timeout': {
      args: ['federation', 'trace', GHOST, '--timeout', '0.5'],
      shows: refused(1, /ghost\.example\.net did not answer/),
    },
    '--stats-timeout': {
      args: ['federation', 'trace', GHOST, '--federation', 'nonesuch', '--stats-timeout', '0.5'],
      shows: refused(1, /nobody listens to choria\.federation\.nonesuch\.federation/),
    },
    '--json': {
      args: [...TRACE, '--json'],
      shows: ({ stdout }) => expect(JSON.parse(stdout)).toMatchObject({ node: RUBY, answered: true }),
    },
  },
  'federation observe': {
    ...CONNECTION,
    ...tls(OBSERVE, instances(['1', '2'])),
    '--federation': {
      args: ['federation', 'observe', '--federation', 'production', '--once', '--count', '2', '--json'],
      shows: instances(['1', '2']),
    },
    '--collective': 'client-options.test.ts',
    '--cluster': { args: OBSERVE, shows: instances(['1', '2']) },
    '--once': { args: OBSERVE, shows: instances(['1', '2']) },
    '--count': {
      args: ['federation', 'observe', '--cluster', 'production', '--once', '--count', '2', '--json'],
      shows: instances(['1', '2']),
    },
    '--wait': { args: OBSERVE, shows: instances(['1', '2']) },
    '--instance': { args: [...OBSERVE, '--instance', '2'], shows: instances(['2']) },
    '--json': { args: OBSERVE, shows: instances(['1', '2']) },
  },
  inventory: {
    '--config': 'inventory.test.ts',
    '--url': 'inventory.test.ts',
    '--collective': 'inventory.test.ts',
    '--egress': 'inventory.test.ts',
    '--node': 'inventory.test.ts',
    '--json': 'inventory.test.ts',
  },
};

/** The long and the short name, as tests write them. */
const SHORT: Readonly<Record<string, string>> = { '--collective': '-T', '--config': '-c' };

const rows = Object.entries(TABLE).flatMap(([command, options]) =>
  Object.entries(options).map(([option, entry]) => ({ command, option, entry })),
);

describe('each option of a command that --help shows', () => {
  test.each(Object.entries(TABLE))('of %s has its place here', async (command, options) => {
    const { stdout } = await mcbridge(...command.split(' '), '--help');
    const shown = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, name]) => name);
    expect(Object.keys(options).toSorted()).toEqual(shown.filter((name) => name !== '--help').toSorted());
  });

  test.each(rows)(
    '$command $option does what it says, of nodes of Ruby and Go',
    async ({ option, entry }) => {
      if (typeof entry === 'string') {
        const text = readFileSync(new URL(entry, import.meta.url), 'utf8');
        expect([option, SHORT[option]].some((name) => name !== undefined && text.includes(`'${name}'`))).toBe(
          true,
        );
        return;
      }
      entry.shows(await mcbridge(...entry.args, ...world.network()));
    },
  );
});
