import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Child } from '../support/process.ts';
import { blocksOf, commandsOf } from './commands.ts';
import { ELSEWHERE, LONGER } from './elsewhere.ts';
import { READY, READY_MS, type Session, startSession } from './session.ts';
import { MOVED, WEB1 } from './world.ts';

const CAPTURE = fileURLToPath(new URL('../../fixtures/captures/legacy-marshal.ndjson', import.meta.url));
const [readmeConfig = ''] = blocksOf('README.md', 'yaml');

let session: Session;

beforeAll(async () => {
  session = await startSession();
  session.world.write(
    'bridge.yaml',
    session.world.here(readmeConfig.replace('[mcollective]', '[mcollective, uk]')),
  );
});

afterAll(() => session?.stop());

describe('with a bridge that runs,', () => {
  let bridge: Child;

  beforeAll(async () => {
    bridge = session.begin('README.md', 'mcbridge run --config bridge.yaml');
    await bridge.waitFor(READY, READY_MS);
  });

  it('docs/client.md asks', async () => {
    const doc = 'docs/client.md';
    const { done } = session;
    const options = '--config bridge.yaml --cert alice.pem --key alice.key';
    const pinged = await done(doc, `mcbridge ping ${options} -F country=uk`);
    expect(pinged).toContain(WEB1);
    expect(pinged).not.toContain(MOVED);
    expect(await done(doc, `mcbridge rpc rpcutil get_fact fact=country ${options}`)).toMatch(/value: uk/);
    expect(await done(doc, `mcbridge federation trace ${WEB1} ${options}`)).toContain('(node)');
  });

  it('docs/inventory.md shows who lives where', async () => {
    const doc = 'docs/inventory.md';
    const { done } = session;
    expect(await done(doc, 'mcbridge inventory --config bridge.yaml')).toContain('Inventory of production:');
    const web = "mcbridge inventory --config bridge.yaml --egress legacy --node 'web*'";
    expect(await done(doc, web)).toContain(WEB1);
    const url = 'mcbridge inventory --url http://mcbridge2.example.net:8222 --collective uk --json';
    expect(JSON.parse(await done(doc, url))).toMatchObject({ cluster: 'production' });
  });

  it('docs/observe.md watches', async () => {
    const doc = 'docs/observe.md';
    for (const { line } of commandsOf(doc)) {
      const child = session.begin(doc, line);
      await child.waitFor(/Federation Broker: production/, READY_MS);
      expect(await session.end(child, 'SIGINT')).toBe(0);
    }
  });

  it('it ends', async () => {
    expect(await session.end(bridge)).toBe(0);
  });
});

it('docs/cassettes.md plays a recording', async () => {
  const doc = 'docs/cassettes.md';
  await session.recordPing('README.md', 'mcbridge run --config bridge.yaml --record web.cassette.ndjson');
  for (const { line } of commandsOf(doc))
    if (!(`${doc}: ${line}` in ELSEWHERE)) await session.done(doc, line);
});

it('docs/decode.md looks into messages', async () => {
  const doc = 'docs/decode.md';
  const { world } = session;
  world.write('capture.ndjson', readFileSync(CAPTURE));
  world.write('request.bin', requestIn(CAPTURE));
  world.write('cut.json', '{"protocol":"choria:transport:1","data":"eyJwcm90b2NvbCI6');
  world.copy('legacy/clients/alice.pem', 'etc/mcollective/ssl/clients/alice.pem');
  for (const { line } of commandsOf(doc)) {
    const { stdout, stderr } = await session.as(doc, line);
    expect(stderr).toBe('');
    if (!line.includes('jq')) expect(stdout).not.toBe('');
  }
});

it('every command of these documents has run, or is on the list of those that run elsewhere', () => {
  const all = LONGER.flatMap(commandsOf).map(({ doc, line }) => `${doc}: ${line}`);
  expect(all.filter((command) => !session.ran.has(command) && !(command in ELSEWHERE))).toEqual([]);
});

const entry = z.object({ command: z.string(), headers: z.record(z.string(), z.string()), body: z.string() });

/** The body of the first request in a capture, as the wire has it. */
const requestIn = (file: string): Uint8Array => {
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line === '') continue;
    const { command, headers, body } = entry.parse(JSON.parse(line));
    if (command === 'SEND' && headers['destination']?.startsWith('/topic/') === true)
      return Buffer.from(body, 'base64');
  }
  throw new Error(`${file} holds no request`);
};
