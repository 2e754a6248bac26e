import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ActiveMq, startActiveMq } from './activemq.ts';
import {
  DISCOVERY,
  type McoClient,
  type Mcollectived,
  makeMcoClient,
  startMcollectived,
} from './mcollectived.ts';
import { keyPair } from './pki.ts';

let broker: ActiveMq;
let daemons: readonly Mcollectived[] = [];
let marshal: McoClient;
let yaml: McoClient;

const serverKeys = keyPair('mcollective server');
const alice = keyPair('alice');

beforeAll(async () => {
  broker = await startActiveMq();
  const common = {
    activemqPort: broker.port,
    user: broker.user,
    password: broker.password,
    serverKeys,
    clientPublicKeys: { alice: alice.publicKey },
  };
  const first = {
    ...common,
    serializer: 'marshal',
    mainCollective: 'mcollective',
    collectives: ['mcollective', 'uk_collective'],
  } as const;
  const second = {
    ...common,
    serializer: 'yaml',
    mainCollective: 'yaml_collective',
    collectives: ['yaml_collective'],
  } as const;
  daemons = await Promise.all([
    startMcollectived({
      ...first,
      identity: 'node1.example.net',
      facts: { country: 'uk', osfamily: 'Debian' },
      classes: ['apache', 'settings'],
    }),
    startMcollectived({
      ...first,
      identity: 'node2.example.net',
      facts: { country: 'mt', osfamily: 'RedHat' },
      classes: ['mysql'],
    }),
    startMcollectived({
      ...second,
      identity: 'node3.example.net',
      facts: { country: 'de' },
      classes: ['apache'],
    }),
  ]);
  const client = {
    identity: 'client.example.net',
    name: 'alice',
    keys: alice,
    serverPublicKey: serverKeys.publicKey,
  };
  marshal = await makeMcoClient({ ...first, ...client });
  yaml = await makeMcoClient({ ...second, ...client });
});

afterAll(async () => {
  await Promise.all(daemons.map((daemon) => daemon.stop()));
  await broker?.stop();
  await marshal?.remove();
  await yaml?.remove();
});

interface McoReply {
  readonly sender: string;
  readonly statuscode: number;
  readonly data: Record<string, unknown>;
}

const rpc = async (client: McoClient, ...args: readonly string[]): Promise<readonly McoReply[]> => {
  const { stdout, stderr } = await client.run('rpc', ...args, ...DISCOVERY, '-j');
  expect(stdout, stderr).toMatch(/^\[/);
  const replies: McoReply[] = JSON.parse(stdout);
  return replies.toSorted((a, b) => (a.sender < b.sender ? -1 : 1));
};

const nodes = async (client: McoClient, ...args: readonly string[]): Promise<readonly string[]> =>
  (await client.run('find', ...args, ...DISCOVERY)).stdout.trim().split('\n').toSorted();

test('mco ping finds the daemons of its collective, and of a sub-collective', async () => {
  const ping = await marshal.run('ping', ...DISCOVERY);
  expect(ping.stdout).toMatch(/node1\.example\.net\s+time=/);
  expect(ping.stdout).toMatch(/node2\.example\.net\s+time=/);
  expect(ping.stdout).not.toContain('node3');
  expect(await nodes(marshal, '-T', 'uk_collective')).toEqual(['node1.example.net', 'node2.example.net']);
});

test('the YAML daemon answers in its own collective', async () => {
  expect(await nodes(yaml)).toEqual(['node3.example.net']);
  const [reply] = await rpc(yaml, 'rpcutil', 'get_fact', 'fact=country');
  expect(reply).toMatchObject({ sender: 'node3.example.net', statuscode: 0, data: { value: 'de' } });
});

test('facts and classes select daemons', async () => {
  expect(await nodes(marshal, '-F', 'country=uk')).toEqual(['node1.example.net']);
  expect(await nodes(marshal, '-C', 'mysql')).toEqual(['node2.example.net']);
  expect(await nodes(yaml, '-C', '/apac/', '-F', 'country=de')).toEqual(['node3.example.net']);
});

test('the echo agent answers with every type', async () => {
  for (const client of [marshal, yaml]) {
    // Not as JSON: the reply holds an infinity, which mco's JSON writer refuses.
    const { stdout } = await client.run('rpc', 'echo', 'types', 'value=hello', ...DISCOVERY);
    expect(stdout).toContain('Echoed: hello');
    expect(stdout).toContain('"big"=>1180591620717411303424');
    expect(stdout).toContain('"symbol"=>:sym');
  }
});

test('the echo agent shows what Ruby was given', async () => {
  const [reply] = await rpc(marshal, 'echo', 'echo', 'value=7', '-I', 'node1.example.net');
  expect(reply?.data).toEqual({ value: '7', seen: '{Symbol(:value)=>String(UTF-8,"7")}' });
});

/** Not with `mco rpc`: it calls the action as a method of its client, and `fail` is one of Ruby's own. */
const FAILURES = `
  require 'mcollective'
  include MCollective::RPC
  client = rpcclient('echo', :options => MCollective::Util.default_options.merge(:config => ARGV[0]))
  node = 'node3.example.net'
  (1..5).each do |code|
    client.custom_request('fail', { :code => code }, node, { 'identity' => node }).each do |reply|
      puts "#{reply[:statuscode]} #{reply[:statusmsg]}"
    end
  end`;

test('the echo agent fails with each status code', async () => {
  const { stdout, stderr } = await yaml.ruby(FAILURES);
  expect(stdout.trim().split('\n'), stderr).toEqual(
    [1, 2, 3, 4, 5].map((code) => `${code} failed with ${code}`),
  );
});
