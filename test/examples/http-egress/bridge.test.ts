import { until } from 'mcbridge/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { HttpLink } from '../../../examples/http-egress/link.js';
import { freePort } from '../../../src/testing/ports.ts';
import { makeWorld, settled, type World } from '../../adapters/world.ts';
import { SETTINGS } from './echo.ts';
import { answerFor, beginLines, lineOf, type Posted, requestIn, startHttpServer } from './server.ts';
import { makeEgress } from './world.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A Choria client, the bridge, and a server that answers so. */
const world = async (onPost: (posted: Posted) => void, port?: number): Promise<World> => {
  const server = await startHttpServer({ onPost });
  const link = new HttpLink(
    { ...SETTINGS, timeout: 1500, servers: [port === undefined ? server.url : `http://127.0.0.1:${port}/`] },
    { onEvent: () => undefined },
  );
  const made = await makeWorld({ route: { to: makeEgress(link) } });
  ends.push(
    () => server.close(),
    () => made.bridge.stop(0),
  );
  return made;
};

describe('a Choria client before a bridge with an HTTP egress', () => {
  it('gets the replies of nodes, in the name that its rule maps', async () => {
    const callers: unknown[] = [];
    const { client } = await world((posted) => {
      callers.push(requestIn(posted)['callerid']);
      answerFor(['n1.example.net', 'n2.example.net'])(posted);
    });
    client.send();
    await until('both have answered', () => client.replies.length === 2);
    expect(client.replies.map(({ node, status }) => [node, status])).toEqual([
      ['n1.example.net', 0],
      ['n2.example.net', 0],
    ]);
    client.send({ nodes: ['n2.example.net'] });
    await until('the one that was named has answered', () => client.replies.length === 3);
    client.send({ agent: 'discovery' });
    await until('both are found', () => client.replies.length === 5);
    expect(callers).toEqual(Array(3).fill('cert=alice'));
  });

  const FAILING: readonly (readonly [string, (posted: Posted) => void, RegExp])[] = [
    ['fails', ({ response }) => response.writeHead(500).end(), /answers 500 .*\(far_side_failed\)$/],
    ['hangs', () => undefined, /says nothing within 1500 ms \(far_side_failed\)$/],
    ['writes nonsense', (it) => beginLines(it).end('nonsense\n'), /not JSON.*\(malformed_json\)$/],
    ['writes without end', (it) => beginLines(it).end('\n'.repeat(20_000)), /\(limit_exceeded\)$/],
  ];
  it.each(FAILING)('is told by a reply of status 5 where the server %s', async (_, onPost, sentence) => {
    const { client, refusals } = await world(onPost);
    client.send();
    await until('it is told', () => client.replies.length === 1);
    expect(client.replies[0]).toMatchObject({ status: 5, statusMessage: expect.stringMatching(sentence) });
    expect(refusals()).toHaveLength(1);
  });

  it('is told in the node’s name where that node’s line is none', async () => {
    const { client } = await world((it) =>
      beginLines(it).end(lineOf(it, 'n1.example.net', { statuscode: 'zero' }) + lineOf(it, 'n2.example.net')),
    );
    client.send({ nodes: ['n1.example.net', 'n2.example.net'] });
    await until('both are told of', () => client.replies.length === 2);
    expect(client.replies.map(({ node, status }) => [node, status]).toSorted()).toEqual([
      ['n1.example.net', 5],
      ['n2.example.net', 0],
    ]);
  });

  it('gets nothing of lines that are foreign, late or there twice, and all of them are counted', async () => {
    const { client, bridge, refusals } = await world((it) => {
      const answer = beginLines(it);
      answer.write(lineOf(it, 'n1.example.net').repeat(2));
      answer.write(lineOf({ body: Buffer.from('{"requestid":"other"}') }, 'n1.example.net'));
      answer.end();
    });
    client.send({ nodes: ['n1.example.net'] });
    await until('two are refused', () => refusals().length === 2);
    await settled();
    expect(client.replies.map(({ status }) => status)).toEqual([0]);
    expect(bridge.stats.snapshot().rejected).toMatchObject({ unexpected_sender: 1, requestid_mismatch: 1 });
  });

  it('waits where the server is away, and is answered when it comes', async () => {
    const port = await freePort();
    const starting = world(() => undefined, port);
    // The bridge takes requests once its way out is there.
    const late = await startHttpServer({ port, onPost: answerFor(['n1.example.net']) });
    ends.push(() => late.close());
    const { client } = await starting;
    client.send();
    await until('the node has answered', () => client.replies.length === 1);
  });
});
