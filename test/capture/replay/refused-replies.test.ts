import { createSecretKey } from 'node:crypto';
import { copyFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { networkKey } from '../../../src/adapters/kit/token/network-key.ts';
import { decodeToken, encodeToken } from '../../../src/adapters/kit/token.ts';
import {
  type CassetteMessage,
  formatEntry,
  isMessage,
  isRejected,
  parseEntry,
} from '../../../src/capture/file/format.ts';
import { requestsOf } from './requests.ts';
import { CLUSTER_KEY, linesIn, makeWorld, type World } from './world.ts';

let world: World;
let config: string;
/** A cassette in which the first reply is one to a request of an instance with another ingress. */
let file: string;

const isReply = (line: string): boolean => /"side":"egress","dir":"in"/.test(line);

/** The same reply with a way home that leads to an ingress that there is not. */
const strayed = (line: string): string => {
  const entry = parseEntry(line);
  if (!isMessage(entry)) throw new Error('it is no message');
  const at = entry.destination.lastIndexOf('.') + 1;
  const context = {
    key: networkKey(createSecretKey(Buffer.from(CLUSTER_KEY)), 'legacy'),
    cluster: 'production',
    protocol: 'mcollective' as const,
    collective: 'mcollective',
  };
  const { home } = decodeToken(entry.destination.slice(at), context, entry.at);
  const token = encodeToken({ ...home, ingress: 'elsewhere' }, undefined, context);
  const stray: CassetteMessage = { ...entry, destination: entry.destination.slice(0, at) + token };
  return formatEntry(stray).trim();
};

beforeAll(async () => {
  world = makeWorld();
  config = world.config();
  file = await world.record(config, await requestsOf('choria-v1-federated.ndjson', 'federation', config));
  const [header = '', ...rest] = linesIn(file);
  const first = rest.findIndex(isReply);
  // What the bridge made of it goes with it.
  const lines = rest.flatMap((line, i) => (i === first ? [strayed(line)] : i === first + 1 ? [] : [line]));
  writeFileSync(file, `${[header, ...lines].join('\n')}\n`);
});

afterAll(() => world.end());

test('a reply that the bridge cannot send home is a rejection, which a replay compares', async () => {
  const before = await world.replay(file, config);
  expect(before.differences).toMatchObject([
    {
      kind: 'extra',
      lane: 'rejections',
      what: expect.stringMatching(/^reply not sent: .* ingress elsewhere/),
    },
  ]);
  const copy = `${world.folder}/accepted.cassette.ndjson`;
  copyFileSync(file, copy);
  expect(await world.replay(copy, config, { update: true })).toMatchObject({ updated: true });
  expect(await world.replay(copy, config, { bytes: true })).toMatchObject({ outcome: 'same' });
  const refusals = linesIn(copy).slice(1).map(parseEntry).filter(isRejected);
  expect(refusals).toMatchObject([
    { rejected: { code: 'invalid_reply_to', sender: 'node1.example.net', request_id: expect.any(String) } },
  ]);
  const without = linesIn(copy).map((line) => line.replace('invalid_reply_to', 'token_expired'));
  writeFileSync(copy, `${without.join('\n')}\n`);
  expect((await world.replay(copy, config)).outcome).toBe('different');
});
