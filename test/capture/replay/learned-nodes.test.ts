import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bodyFields, type CassetteMessage, type CassetteNodes } from '../../../src/capture/file/format.ts';
import { requestLayer, rpcBody, secureLayer, toJson, transportLayer } from '../../support/choria-messages.ts';
import { makeAuthority } from '../../support/pki.ts';
import { linesIn, makeWorld, type World } from './world.ts';

const authority = makeAuthority('learned nodes');
const alice = authority.issue({ commonName: 'alice.mcollective' });
const AT = Math.floor(Date.now() / 1000) * 1000;
/** More than a quarter of `direct_limit`: unknown, they are asked by a broadcast that names them. */
const NODES = ['n1', 'n2', 'n3', 'n4'];

let world: World;
let config: string;
let requests = 0;

const request = (at: number): CassetteMessage => {
  const callerid = 'choria=alice.mcollective';
  const requestId = String(++requests).padStart(32, '0');
  const replyTo = `mcollective.reply.x.${requests}`;
  const inner = requestLayer({
    dialect: 'go',
    requestId,
    sender: 'alice.mcollective',
    callerid,
    collective: 'mcollective',
    agent: 'rpcutil',
    ttl: 60,
    filter: {},
    time: at / 1000,
    body: rpcBody('go', 'rpcutil', 'ping', callerid, {}),
  });
  const secure = secureLayer('go', toJson(inner, 'go'), alice.privateKey, alice.certificate);
  const transport = transportLayer(toJson(secure, 'go'), {
    dialect: 'go',
    sender: 'alice.mcollective',
    replyTo,
    requestId,
    targets: NODES.map((node) => `mcollective.node.${node}`),
  });
  return {
    at,
    link: 'federation',
    side: 'ingress',
    dir: 'in',
    destination: 'choria.federation.production.federation',
    reply_to: replyTo,
    ...bodyFields(Buffer.from(toJson(transport, 'go'))),
  };
};

const moved = (at: number, change: Pick<CassetteNodes['nodes'], 'came' | 'gone'>): CassetteNodes => ({
  at,
  nodes: { egress: 'legacy', collective: 'mcollective', ...change },
});

const outOf = (file: string): readonly string[] =>
  linesIn(file).filter((line) => /"link":"legacy","side":"egress","dir":"out"/.test(line));
const directedIn = (file: string): number => outOf(file).filter((line) => /"mc_identity"/.test(line)).length;

const without = (file: string, which: RegExp): string => {
  const copy = file.replace('.cassette', '-without.cassette');
  writeFileSync(
    copy,
    `${linesIn(file)
      .filter((line) => !which.test(line))
      .join('\n')}\n`,
  );
  return copy;
};

beforeAll(() => {
  world = makeWorld();
  config = world.config({ ca: authority.certificate });
});

afterAll(() => world.end());

test('nodes that the recorded bridge has found out by asking are known to its replay', async () => {
  const file = await world.record(config, [moved(AT, { came: NODES }), request(AT + 1000)], 'came');
  expect(directedIn(file)).toBe(NODES.length);
  expect(await world.replay(file, config)).toMatchObject({ outcome: 'same', different: 0 });
  // As a recording was that did not have such lines.
  const blind = without(file, /"nodes":{"egress"/);
  expect(await world.replay(blind, config)).toMatchObject({ outcome: 'different' });
});

test('nodes that it has forgotten are forgotten', async () => {
  const file = await world.record(
    config,
    [moved(AT, { came: NODES }), request(AT + 1000), moved(AT + 2000, { gone: NODES }), request(AT + 3000)],
    'gone',
  );
  // The first one's replies are home, so nothing but knowledge tells the two from each other.
  expect(directedIn(file)).toBe(NODES.length);
  expect(outOf(file).length).toBe(NODES.length + 1);
  expect(await world.replay(file, config)).toMatchObject({ outcome: 'same', different: 0 });
  const stubborn = without(file, /"gone"/);
  expect(await world.replay(stubborn, config)).toMatchObject({ outcome: 'different' });
});

test('an update keeps what was known', async () => {
  const file = await world.record(config, [moved(AT, { came: NODES }), request(AT + 1000)], 'updated');
  const blind = without(file, /"link":"legacy","side":"egress","dir":"out"/);
  expect(await world.replay(blind, config, { update: true })).toMatchObject({ updated: true });
  expect(directedIn(blind)).toBe(NODES.length);
  expect(await world.replay(blind, config)).toMatchObject({ outcome: 'same' });
});

test('an egress that the configuration does not have is named with its line', async () => {
  const file = await world.record(config, [moved(AT, { came: NODES }), request(AT + 1000)], 'foreign');
  writeFileSync(file, `${linesIn(file).join('\n').replace('"egress":"legacy"', '"egress":"old"')}\n`);
  await expect(world.replay(file, config)).rejects.toThrow(/:2: the configuration has no egress "old"/);
});
