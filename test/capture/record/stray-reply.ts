import { createPrivateKey, createSecretKey } from 'node:crypto';
import { encodeToken } from '../../../src/adapters/kit/token.ts';
import { replyDestination } from '../../../src/adapters/mcollective/wire/addressing.ts';
import { encodeReply } from '../../../src/adapters/mcollective/wire/reply.ts';
import { createSerializer } from '../../../src/adapters/mcollective/wire/serializer.ts';
import { DEFAULT_RUBY_LIMITS } from '../../../src/codec/ruby/index.ts';
import { connectStompClient } from '../../support/stomp-client.ts';
import { CLUSTER_KEY, NODE1, SERVER_KEYS, type World } from '../../support/world.ts';

export const STRAY_REQUEST = '5'.repeat(32);

/**
 * A node's reply to a request that another instance of the cluster `production` took in, by an ingress that only this
 * one has: the instances share the queue of replies, so that it may come to any of them, and it cannot be sent home.
 */
export const sendStrayReply = async ({ activemq }: Pick<World, 'activemq'>): Promise<void> => {
  const now = Math.floor(Date.now() / 1000);
  const [collective, cluster, agent] = ['mcollective', 'production', 'rpcutil'];
  const token = encodeToken(
    {
      ingress: 'elsewhere',
      replyTo: 'mcollective.reply.abc.1.1',
      requestId: STRAY_REQUEST,
      agent,
      collective,
      dialect: 'go',
      expires: (now + 60) * 1000,
    },
    undefined,
    { key: createSecretKey(Buffer.from(CLUSTER_KEY)), cluster, protocol: 'mcollective', collective },
  );
  const body = await encodeReply(
    {
      senderId: NODE1,
      requestId: STRAY_REQUEST,
      agent,
      time: now,
      payload: { kind: 'rpc', statusCode: 0, statusMessage: 'OK', data: new Map() },
    },
    createPrivateKey(SERVER_KEYS.privateKey),
    createSerializer('marshal', DEFAULT_RUBY_LIMITS),
  );
  const client = await connectStompClient(activemq);
  await client.send(replyDestination(collective, cluster, token), body);
  client.close();
};
