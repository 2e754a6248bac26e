import { describe, expect, it } from 'vitest';
import { LinkError } from '../../../src/transport/link.ts';
import {
  clientFrame,
  type Deviation,
  type FakeLink,
  fakeLink,
  makeResidents,
  makeStompIngress,
  nextRequestId,
  REPLY_QUEUE,
  recordingSink,
} from './ingress-world.ts';

/** What becomes of a frame for a node of the requester's own side, where the link has no room. */
const handedFor = async (deviation: Deviation) => {
  const link = fakeLink();
  const full: FakeLink = {
    ...link,
    send: () => {
      throw new LinkError('overloaded', 'the send buffer is full');
    },
  };
  const handed = recordingSink();
  const remoteNodes = makeResidents([], ['n*'], ['n1.example.net']);
  await makeStompIngress(full, { remoteNodes }).start(handed.sink);
  link.deliver(clientFrame({ node: 'n1.example.net', ...deviation }));
  return handed;
};

describe('a frame that there is no room for to hand it back', () => {
  it('is refused, and says where that is to be told', async () => {
    const requestId = nextRequestId();
    const { requests, ignored, rejections } = await handedFor({ requestId });
    expect([requests, ignored]).toEqual([[], []]);
    expect(rejections).toMatchObject([
      {
        rejection: { code: 'overloaded', context: { requestId, sender: 'client.example.net' } },
        home: { replyTo: REPLY_QUEUE, requestId, agent: 'rpcutil' },
      },
    ]);
  });

  it('is told to nobody where it says nowhere to', async () => {
    const { rejections } = await handedFor({ replyTo: '/queue/accounts' });
    expect(rejections).toMatchObject([{ rejection: { code: 'overloaded' }, home: undefined }]);
  });
});
