import { describe, expect, it } from 'vitest';
import {
  broadcastDestination,
  broadcastWildcard,
  directedDestination,
  discoveryDestination,
  messageHeaders,
  parseReplyDestination,
  replyDestination,
  replyToCollective,
  replyWildcard,
  topicAgent,
} from '../../../../src/adapters/mcollective/wire/addressing.ts';
import { decodeRequest } from '../../../../src/adapters/mcollective/wire/request.ts';
import { capturedReplies, capturedRequests, serializers } from './captures.ts';

const CONNECTORS = new Set(['destination', 'content-length', 'content-type', 'reply-to', 'mc_identity']);

describe.each(['marshal', 'yaml'] as const)('addresses of the captured %s messages', (name) => {
  it('are those that requests of that collective and agent are sent to', () => {
    for (const { headers, body } of capturedRequests(name)) {
      const { collective, agent } = decodeRequest(body, serializers[name]);
      const expected =
        headers['mc_identity'] === undefined
          ? broadcastDestination(collective, agent, false)
          : directedDestination(collective);
      expect(headers['destination']).toBe(expected);
    }
  });

  it('bear the headers that are made here, but for those of the transport', () => {
    for (const { headers, body, at } of capturedRequests(name)) {
      const { ttl } = decodeRequest(body, serializers[name]);
      const own = Object.fromEntries(Object.entries(headers).filter(([key]) => !CONNECTORS.has(key)));
      expect(Object.keys(own).sort()).toEqual(['expires', 'mc_sender', 'timestamp']);
      const sent = Number(own['timestamp']);
      expect(messageHeaders(sent, ttl, { identity: 'client.example.net', priority: 0 })).toEqual(own);
      expect(Math.abs(at - sent)).toBeLessThan(2_000);
    }
  });

  it('say which agent and collective they belong to', () => {
    for (const { headers, body } of capturedRequests(name)) {
      const { collective, agent } = decodeRequest(body, serializers[name]);
      expect(replyToCollective(headers['reply-to'] ?? '', 'prod')).toBe(collective);
      if (headers['mc_identity'] === undefined)
        expect(topicAgent(headers['destination'] ?? '', collective)).toBe(agent);
    }
  });

  it('of replies are those that requests asked for', () => {
    const asked = new Set(capturedRequests(name).map(({ headers }) => headers['reply-to']));
    for (const { headers } of capturedReplies(name)) expect(asked).toContain(headers['destination']);
  });
});

describe('a message’s headers', () => {
  it('count in whole seconds, as the connector does, with ten seconds of slack', () => {
    expect(messageHeaders(1_795_412_083_705, 60, { identity: 'bridge', priority: 0 })).toEqual({
      timestamp: '1795412083000',
      expires: '1795412153000',
      mc_sender: 'bridge',
    });
  });

  it('name a priority only where there is one', () => {
    expect(messageHeaders(0, 60, { identity: 'bridge', priority: 7 })).toMatchObject({ priority: '7' });
    expect(messageHeaders(0, 60, { identity: 'bridge', priority: 0 })).not.toHaveProperty('priority');
  });
});

describe('a multiplexed collective', () => {
  it('has one topic for all agents', () => {
    expect(broadcastDestination('mcollective', 'rpcutil', true)).toBe('/topic/mcollective.agents');
  });
});

describe('the topic of an agent', () => {
  it('is one of those that the wildcard stands for', () => {
    expect(broadcastWildcard('mcollective')).toBe('/topic/mcollective.*.agent');
    expect(topicAgent('/topic/mcollective.rpcutil.agent', 'mcollective')).toBe('rpcutil');
  });

  it.each(['/topic/mcollective.agents', '/topic/uk_collective.rpcutil.agent', '/queue/mcbridge.requests'])(
    'is not %s',
    (destination) => {
      expect(topicAgent(destination, 'mcollective')).toBeUndefined();
    },
  );
});

describe('where a client awaits its replies', () => {
  it('is a queue in the reply namespace of its collective', () => {
    const replyTo = '/queue/uk_collective.reply.host-1.example.net_4711.12';
    expect(replyToCollective(replyTo, 'prod')).toBe('uk_collective');
  });

  it.each([
    ['of a host named like the cluster', '/queue/mcollective.reply.prod_4711.1'],
    ['with the cluster further behind', '/queue/mcollective.reply.host.prod.1'],
    ['of a host named like the bridge', '/queue/mcollective.reply.mcbridge_4711.1'],
  ])('is one %s', (_, replyTo) => {
    expect(replyToCollective(replyTo, 'prod')).toBe('mcollective');
  });

  it.each([
    replyDestination('mcollective', 'prod', 'AQBrBR051A'),
    '/queue/mcollective.reply.prod',
    '/queue/mcollective.reply.prod.x.y',
    discoveryDestination('mcollective', 'bridge.example.net_4711', 'ab12'),
  ])('is not where the bridge awaits replies: %s', (replyTo) => {
    expect(() => replyToCollective(replyTo, 'prod')).toThrow(
      expect.objectContaining({
        code: 'invalid_reply_to',
        message: expect.stringContaining('the bridge itself'),
      }),
    );
  });

  it.each([
    '/topic/mcollective.reply.x',
    '/queue/mcollective.reply',
    '/queue/a.mcollective.reply.x',
    '/remote-temp-queue/ID:host-39075-1795944302743-3:3:1',
    '/queue/results',
  ])('is elsewhere for %j', (replyTo) => {
    expect(replyToCollective(replyTo, 'prod')).toBeUndefined();
  });

  it.each([
    '',
    'mcollective.reply.x',
    '/queue/mcollective.reply.',
    '/queue/mcollective.reply.x.',
    '/queue/mcollective.reply..x',
    '/queue/mcollective.reply.*',
    '/queue/mcollective.reply.x.>',
    '/queue/mcollective.reply.x,/topic/y',
    '/queue/mcollective.reply.x?a=b',
    '/queue/mcollective.reply.x\n',
    '/queue//queue/mcollective.reply.x',
  ])('is not %j', (replyTo) => {
    expect(() => replyToCollective(replyTo, 'prod')).toThrow(
      expect.objectContaining({ code: 'invalid_reply_to' }),
    );
  });
});

describe('a reply destination', () => {
  const destination = replyDestination('mcollective', 'prod', 'AQAB-_x');

  it('lies below the cluster’s wildcard and below what brokers’ ACLs grant to clients', () => {
    expect(destination).toBe('/queue/mcollective.reply.prod.AQAB-_x');
    expect(destination.startsWith(replyWildcard('mcollective', 'prod').replace('>', ''))).toBe(true);
  });

  it('gives back the collective and the token', () => {
    expect(parseReplyDestination(destination, 'prod')).toEqual({
      collective: 'mcollective',
      token: 'AQAB-_x',
    });
  });

  it.each([
    ['another cluster', '/queue/mcollective.reply.staging.AQAB'],
    ['a client of its own', '/queue/mcollective.reply.client.example.net_5069.1'],
    ['no token', '/queue/mcollective.reply.prod.'],
    ['a topic', '/topic/mcollective.reply.prod.AQAB'],
    ['no prefix', 'mcollective.reply.prod.AQAB'],
    ['nothing', ''],
  ])('of %s is refused', (_, other) => {
    expect(() => parseReplyDestination(other, 'prod')).toThrow(
      expect.objectContaining({ code: 'token_malformed' }),
    );
  });
});
