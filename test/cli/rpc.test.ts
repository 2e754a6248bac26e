import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BridgeProcess } from '../support/bridge.ts';
import { program } from '../support/program.ts';
import { CLUSTER, NODE1, NODE2, NODE3, YAML_COLLECTIVE, YAML_NODE } from '../support/world.ts';
import { type ClientWorld, startClientWorld } from './client-world.ts';

let world: ClientWorld;
let bridge: BridgeProcess;

beforeAll(async () => {
  world = await startClientWorld();
  bridge = await world.bridge();
});

afterAll(() => world.stop());

const rpc = (...args: readonly string[]) => world.asAlice('rpc', ...args);
/** All but what is different each time. */
const steady = (text: string): string => text.replace(/\d+ ms(; request [\da-f]{32})?/, 'N ms');

describe('mcbridge rpc', () => {
  test('discovers, asks each node by name, and groups equal answers', async () => {
    const { status, stdout, stderr } = await rpc('rpcutil', 'get_fact', 'fact=country');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(steady(stdout)).toBe(
      [
        `✓ 2 nodes: ${NODE1}, ${NODE3}`,
        '     fact: country',
        '    value: uk',
        '',
        `✓ ${NODE2}`,
        '     fact: country',
        '    value: mt',
        '',
        '3 of 3 nodes answered, 3 ok; N ms\n',
      ].join('\n'),
    );
    const id = /; request ([\da-f]{32})\n$/.exec(stdout)?.[1];
    const line = await bridge.line(
      (it) => it.event === 'request' && it['action'] === 'get_fact',
      'the request',
    );
    expect(line).toMatchObject({ request_id: id });
    expect(line).toMatchObject({ targets: 3, replies: 3 });
  });

  test('asks those that the filters fit', async () => {
    const { status, stdout } = await rpc('rpcutil', 'ping', '-F', 'country=uk', '-C', 'apache', '--json');
    const { replies, summary } = JSON.parse(stdout);
    expect(status).toBe(0);
    expect(replies).toMatchObject([
      { node: NODE1, status: 0, message: 'OK', data: { pong: expect.any(Number) } },
    ]);
    expect(summary).toMatchObject({ asked: 1, answered: 1, ok: 1, failed: 0, missing: 0 });
  });

  test('asks all with one message', async () => {
    const args = ['rpcutil', 'get_fact', 'fact=osfamily', '--broadcast', '-C', 'settings', '--timeout', '1'];
    const { status, stdout } = await rpc(...args);
    expect(status).toBe(0);
    expect(stdout).toContain(`✓ ${NODE1}\n`);
    expect(stdout).toContain(`✓ ${NODE2}\n`);
    expect(steady(stdout)).toMatch(/\n2 nodes answered, 2 ok; N ms\n$/);
  });

  test('shows who failed, with status and message, and who said nothing', async () => {
    const targets = [NODE1, NODE2, 'ghost.example.net'].flatMap((node) => ['--target', node]);
    const args = ['echo', 'fail', 'code=4', ...targets, '--timeout', '1.5'];
    const { status, stdout } = await rpc(...args);
    expect(status).toBe(1);
    expect(steady(stdout)).toBe(
      [
        `✗ ${NODE1}: status 4, invalid data: failed with 4`,
        `✗ ${NODE2}: status 4, invalid data: failed with 4`,
        '',
        '2 of 3 nodes answered, 0 ok, 2 failed, no reply from ghost.example.net; N ms\n',
      ].join('\n'),
    );
  });

  test('asks 410 nodes in groups of 200 with one signature, and counts those that are missing', async () => {
    const ghosts = Array.from({ length: 407 }, (_, n) => `ghost${n}.example.net`);
    const targets = [...ghosts, NODE1, NODE2, NODE3].flatMap((node) => ['--target', node]);
    const client = await world.client();
    const bodies: string[] = [];
    await client.subscribe(`choria.federation.${CLUSTER}.federation`, (payload) => {
      bodies.push(payload);
    });
    const { status, stdout } = await rpc('rpcutil', 'ping', '--json', '--timeout', '8', ...targets);
    expect(status).toBe(1);
    const { replies, missing, request } = JSON.parse(stdout);
    expect(replies.map((reply: { readonly node: string }) => reply.node)).toEqual([NODE1, NODE2, NODE3]);
    expect(missing).toEqual(ghosts.toSorted());
    const sent = bodies.map((body) => JSON.parse(body));
    expect(sent.map(({ headers }) => headers.federation.target.length)).toEqual([200, 200, 10]);
    expect(sent.map(({ headers }) => headers.federation.req)).toEqual(Array(3).fill(request.id));
    expect(new Set(sent.map(({ data }) => data)).size).toBe(1);
  });

  test('sends each kind of value as it is written', async () => {
    const inputs = [
      'value={"int":7,"big":1180591620717411303424,"float":3.0,"none":null,"list":[true,"x"]}',
      'text:=3.0',
    ];
    const { stdout } = await rpc('echo', 'echo', ...inputs, '--target', NODE1, '--json');
    const { replies, request } = JSON.parse(stdout);
    expect(request.data.text).toBe('3.0');
    expect(stdout).toContain('"big":1180591620717411303424');
    expect(replies[0].data.seen).toBe(
      '{Symbol(:value)=>{String(UTF-8,"int")=>Integer(7),String(UTF-8,"big")=>Integer(1180591620717411303424),' +
        'String(UTF-8,"float")=>Float(3.0),String(UTF-8,"none")=>NilClass(nil),' +
        'String(UTF-8,"list")=>[TrueClass(true),String(UTF-8,"x")]},Symbol(:text)=>String(UTF-8,"3.0")}',
    );
  });

  test('reaches another collective', async () => {
    const { status, stdout } = await rpc('rpcutil', 'ping', '-T', YAML_COLLECTIVE);
    expect(status).toBe(0);
    expect(stdout).toContain(`✓ ${YAML_NODE}\n`);
  });

  test("shows a broker's refusal at once, and does not take the broker for the node", async () => {
    const args = ['rpcutil', 'ping', '--target', NODE1, '--timeout', '600', '--federation', CLUSTER];
    const { status, stdout } = await program('rpc', ...args, ...world.connect('guest.choria'));
    expect(status).toBe(1);
    expect(stdout).toMatch(/✗ bridge1\.example\.net: status 5, unknown error: .*\(no_mapping\)/);
    expect(steady(stdout)).toContain(`0 of 1 node answered, 0 ok, 1 failed, no reply from ${NODE1}; N ms`);
  });

  test('says that discovery found nobody', async () => {
    const { status, stdout, stderr } = await rpc('rpcutil', 'ping', '-F', 'country=nowhere');
    expect(status).toBe(1);
    expect(stderr).toContain('discovery found no node with the agent rpcutil');
    expect(steady(stdout)).toBe('0 of 0 nodes answered, 0 ok; N ms\n');
  });
});
