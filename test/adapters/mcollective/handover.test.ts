import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ReadableRequest } from '../../../src/envelope/message.ts';
import { namedNodes } from '../../../src/envelope/message.ts';
import type { Link } from '../../../src/transport/link.ts';
import { type ActiveMq, startActiveMq } from '../../support/activemq.ts';
import { stompLinkTo } from '../../support/stomp-link.ts';
import { until } from '../world.ts';
import {
  COLLECTIVE,
  clientFrame,
  makeResidents,
  makeStompIngress,
  nextRequestId,
  recordingSink,
} from './ingress-world.ts';

/** A node each, so many in a burst. */
const NODES = Array.from({ length: 60 }, (_, index) => `n${index}.example.net`);
const BURSTS = 8;

let broker: ActiveMq;
const links: Link[] = [];

beforeAll(async () => {
  broker = await startActiveMq();
});

afterAll(async () => {
  await Promise.all(links.map((link) => link.close()));
  await broker?.stop();
});

const newLink = (): Link => {
  const link = stompLinkTo(broker);
  links.push(link);
  return link;
};

test('one of two instances stops in a burst of directed requests: each is handed over once', async () => {
  const seen = new Map<string, number>();
  const note = (request: ReadableRequest): void => {
    for (const node of namedNodes(request.targets) ?? []) {
      const key = `${request.id} ${node}`;
      seen.set(key, (seen.get(key) ?? 0) + 1);
    }
  };
  const options = { remoteNodes: makeResidents(NODES), collectives: [COLLECTIVE] };
  const client = newLink();
  await client.open();
  const staying = makeStompIngress(newLink(), options);
  await staying.start(recordingSink(note).sink);
  const asked: string[] = [];
  /** Sends one request to these nodes, a frame each. */
  const ask = (requestId: string): ((node: string) => void) => {
    const { destination, replyTo = '', headers, body } = clientFrame({ node: NODES[0] ?? '', requestId });
    return (node) => {
      asked.push(`${requestId} ${node}`);
      client.send({
        destination,
        replyTo,
        headers: { ...headers, mc_identity: node },
        body,
        expires: Date.now() + 60_000,
      });
    };
  };
  for (let burst = 0; burst < BURSTS; burst++) {
    const leaving = makeStompIngress(newLink(), options);
    await leaving.start(recordingSink(note).sink);
    const send = ask(nextRequestId());
    let drained: Promise<void> | undefined;
    for (const [index, node] of NODES.entries()) {
      send(node);
      if (index % 5 === 0) await turn();
      if (index === NODES.length / 2) drained = leaving.drain();
    }
    await drained;
    await leaving.close();
  }
  // What the broker gives again stands before this one in the queue.
  const last = nextRequestId();
  ask(last)(NODES[0] ?? '');
  await until('the last one is handed over', () => seen.has(`${last} ${NODES[0]}`));
  const twice = asked.filter((key) => (seen.get(key) ?? 0) > 1);
  expect(twice).toEqual([]);
  expect(asked.filter((key) => !seen.has(key))).toEqual([]);
  await staying.close();
});
