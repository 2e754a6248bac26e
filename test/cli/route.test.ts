import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Route, routeOf, type Station } from '../../src/cli/trace/route.ts';

const shown = (stations: readonly Station[]): readonly string[] =>
  stations.map((station) => (station.kind === 'server' ? station.url : `${station.kind} ${station.name}`));
const ways = ({ out, back, legacy }: Route) => ({ out: shown(out), back: shown(back), legacy });

const CLIENT = 'alice.mcollective';
const NODE = 'c1.example.net';
const about = { client: CLIENT, node: NODE, collective: 'mcollective' };
const FED = 'nats://127.0.0.1:4223';
const COLLECTIVE = 'nats://127.0.0.1:4222';

/** The trails of replies that Choria's own client got, recorded. */
const recorded = (file: string): readonly (readonly string[])[][] =>
  readFileSync(new URL(`../../fixtures/captures/${file}`, import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter(({ subject }) => /^mcollective\.reply\./.test(subject))
    .flatMap(({ payload }) => JSON.parse(payload).headers['seen-by'] ?? [])
    .reduce((all, hop) => {
      // A trail begins with its client.
      if (hop[0] === CLIENT) all.push([]);
      all.at(-1)?.push(hop);
      return all;
    }, []);

describe('the route that a trail tells', () => {
  test('of a node behind a broker, as recorded', () => {
    const [trail = []] = recorded('choria-v1-federated.ndjson');
    expect(ways(routeOf({ ...about, trail }))).toEqual({
      out: [`client ${CLIENT}`, FED, 'broker production:2', COLLECTIVE, `node ${NODE}`],
      back: [`node ${NODE}`, COLLECTIVE, 'broker production:2', FED, `client ${CLIENT}`],
      legacy: false,
    });
  });

  test('of a node on the same network, as recorded', () => {
    const [trail = []] = recorded('choria-v1.ndjson');
    expect(ways(routeOf({ ...about, trail }))).toEqual({
      out: [`client ${CLIENT}`, COLLECTIVE, `node ${NODE}`],
      back: [`node ${NODE}`, COLLECTIVE, `client ${CLIENT}`],
      legacy: false,
    });
  });

  test('through brokers of Go, that name their workers, and different ones out and back', () => {
    const trail = [
      [FED, CLIENT, FED],
      [FED, 'b1 (choria_nats_ingest:0, choria_request_transformer:1, choria_nats_egest:2)', COLLECTIVE],
      ['nats://other:4222', NODE, 'nats://other:4222'],
      [COLLECTIVE, 'b2 (choria_nats_ingest:3, choria_reply_transformer:1, choria_nats_egest:2)', FED],
    ];
    expect(ways(routeOf({ ...about, trail }))).toEqual({
      out: [`client ${CLIENT}`, FED, 'broker b1', COLLECTIVE, 'nats://other:4222', `node ${NODE}`],
      back: [`node ${NODE}`, 'nats://other:4222', COLLECTIVE, 'broker b2', FED, `client ${CLIENT}`],
      legacy: false,
    });
  });

  test('of a legacy node ends at the STOMP broker, and goes on by the protocol', () => {
    const stomp = 'stomp://127.0.0.1:61613';
    const trail = [
      [FED, CLIENT, FED],
      [FED, 'production:1', stomp],
      [stomp, NODE, stomp],
      [stomp, 'production:2', FED],
    ];
    const route = routeOf({ ...about, trail });
    expect(ways(route)).toEqual({
      out: [
        `client ${CLIENT}`,
        FED,
        'broker production:1',
        stomp,
        'destination /queue/mcollective.nodes',
        `node ${NODE}`,
      ],
      back: [
        `node ${NODE}`,
        'destination /queue/mcollective.reply.production.<reply token>',
        stomp,
        'broker production:2',
        FED,
        `client ${CLIENT}`,
      ],
      legacy: true,
    });
    expect(route.out).toContainEqual({
      kind: 'destination',
      name: '/queue/mcollective.nodes',
      header: `mc_identity: ${NODE}`,
    });
  });

  test('is as long as what was recorded: a peer that keeps no trail leaves the ends', () => {
    expect(ways(routeOf({ ...about, trail: [] }))).toEqual({
      out: [`client ${CLIENT}`, `node ${NODE}`],
      back: [`node ${NODE}`, `client ${CLIENT}`],
      legacy: false,
    });
  });
});
