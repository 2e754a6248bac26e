import { queryObjects } from 'node:v8';
import { expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { Call } from '../../../src/adapters/websocket/calls/call.ts';
import { Outbox } from '../../../src/adapters/websocket/calls/outbox.ts';
import { SessionCalls } from '../../../src/adapters/websocket/calls/session-calls.ts';
import { Session } from '../../../src/transport/websocket/session.ts';
import { collect } from '../../support/memory.ts';
import { connectWebClient, refusedUpgrade } from '../../support/web-client.ts';
import { issuer } from '../../transport/websocket/world.ts';
import { type Stage, startStage } from './world.ts';

const used = async (): Promise<number> => {
  // What ends in one turn is let go in another.
  for (let n = 0; n < 5; n++) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    collect();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

/** Clients that harm, each in a session of its own, and strangers that are none. */
const harm = async ({ ingress, rejections, requests }: Stage): Promise<void> => {
  const url = ingress.status().server ?? '';
  const acts: readonly ((client: Awaited<ReturnType<typeof connectWebClient>>) => void)[] = [
    ({ socket }) => socket.send(Buffer.alloc(1024)),
    ({ socket }) => socket.send(JSON.stringify('x'.repeat(1024 ** 2))),
    ({ socket }) => {
      for (let n = 0; n < 40; n++) socket.send('['.repeat(10_000));
    },
    ({ socket }) => {
      for (let n = 0; n < 100; n++) socket.send('x', { fin: false });
    },
    // Sent as the bytes of a text, which are no UTF-8.
    ({ socket }) => socket.send(Buffer.from([0xc3, 0x28]), { binary: false }),
    ({ socket }) => {
      for (let n = 0; n < 2_000; n++) socket.send('');
    },
  ];
  for (const act of acts) {
    const client = await connectWebClient(url, { token: issuer.token() });
    act(client);
    await client.closed;
  }
  for (const stranger of [
    { token: issuer.token({}, { alg: 'none' }) },
    { token: issuer.token({ iss: 'https://elsewhere.example.net' }) },
    { token: issuer.token({ exp: 1 }) },
    { token: issuer.token(), origin: 'https://evil.example' },
    { token: issuer.token(), headers: { host: 'rebound.example' } },
  ])
    await refusedUpgrade(url, stranger);
  const leaving = await connectWebClient(url, { token: issuer.token() });
  const params = { collective: 'mcollective', agent: 'rpcutil', action: 'ping', credit: 1 };
  await leaving.call('rpc.call', params);
  const request = requests.at(-1);
  if (request === undefined) throw new Error('a call is a request');
  const { home, time } = request;
  const payload = {
    kind: 'rpc',
    statusCode: 0,
    statusMessage: 'OK',
    data: new Map([['text', 'x'.repeat(10_000)]]),
  } as const;
  for (let n = 0; n < 20; n++) ingress.reply({ home, sender: `n${n}.example.net`, time, payload });
  leaving.socket.terminate();
  await leaving.closed;
  // What the test itself keeps is not the ingress's.
  rejections.length = 0;
  requests.length = 0;
};

/** What there is of a session, and of its calls, at each of its layers: one that is small is not seen in the memory of a process. */
const LAYERS = { WebSocket, Session, SessionCalls, Call, Outbox };

/** Only the stage's own client, whose two ends are here, has a session. */
const OWN = { WebSocket: 2, Session: 1, SessionCalls: 1, Call: 0, Outbox: 0 };

const onlyOwnIsLeft = (): Promise<void> =>
  vi.waitFor(
    () => {
      const counts = Object.entries(LAYERS).map(([name, layer]) => [
        name,
        queryObjects(layer, { format: 'count' }),
      ]);
      expect(Object.fromEntries(counts)).toEqual(OWN);
    },
    { interval: 500 },
  );

it('memory is back within 20 %, and no session is left, after very many clients that harm', async () => {
  const stage = await startStage();
  for (let n = 0; n < 20; n++) await harm(stage);
  const before = await used();
  for (let n = 0; n < 200; n++) await harm(stage);
  expect(await used()).toBeLessThan(before * 1.2);
  await onlyOwnIsLeft();
  await stage.end();
});
