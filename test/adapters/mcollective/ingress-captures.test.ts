import { describe, expect, it } from 'vitest';
import { decodeRequest } from '../../../src/adapters/mcollective/wire/request.ts';
import { toAll, toNodes } from '../../../src/testing/targets.ts';
import { settled } from '../world.ts';
import { fakeLink, makeResidents, makeStompIngress, recordingSink } from './ingress-world.ts';
import { capturedRequests, captureKey, serializers } from './wire/captures.ts';

describe.each(['marshal', 'yaml'] as const)('the recorded %s client', (serializer) => {
  const captures = capturedRequests(serializer);
  const collectives = [
    ...new Set(captures.map(({ body }) => decodeRequest(body, serializers[serializer]).collective)),
  ];

  it('has every request of its taken in, with its own time as the clock', async () => {
    const link = fakeLink();
    let now = 0;
    const ingress = makeStompIngress(link, {
      serializer,
      collectives,
      clock: () => now,
      remoteNodes: makeResidents([], ['*']),
      callers: {
        keyFor: (caller) => {
          if (caller !== 'cert=alice-public') throw new Error(`the recorded caller is not ${caller}`);
          return captureKey('alice-public');
        },
      },
    });
    const { requests, rejections, ignored, sink } = recordingSink();
    await ingress.start(sink);
    for (const { headers, body, at } of captures) {
      const { destination = '', 'reply-to': replyTo = '', ...rest } = headers;
      now = at;
      link.deliver({ destination, replyTo, headers: rest, body });
      await settled();
    }
    expect([rejections, ignored]).toEqual([[], []]);
    expect(requests).toHaveLength(captures.length);
    for (const [at, { headers, body }] of captures.entries()) {
      const { requestId, collective, agent, readFilter, time } = decodeRequest(body, serializers[serializer]);
      const node = headers['mc_identity'];
      expect(requests[at]).toMatchObject({
        id: requestId,
        collective,
        agent,
        filter: readFilter(),
        time: time * 1000,
        targets: node === undefined ? toAll(agent, collective) : toNodes([node], collective),
        home: { replyTo: headers['reply-to'], requestId, agent, collective, dialect: 'legacy' },
      });
    }
  });
});
