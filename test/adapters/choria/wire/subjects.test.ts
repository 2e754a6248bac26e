import { describe, expect, it } from 'vitest';
import {
  bridgeGroup,
  bridgeNodesGroup,
  broadcastSubject,
  broadcastsSubject,
  collectiveGroup,
  collectiveSubject,
  federationGroup,
  federationSubject,
  isFromBroker,
  nodeSubject,
  nodesSubject,
  parseReplySubject,
  parseTarget,
  readTargets,
  replySubject,
} from '../../../../src/adapters/choria/wire/subjects.ts';
import { toAll, toNodes } from '../../../../src/testing/targets.ts';
import { refused } from './support.ts';

describe('federation subjects', () => {
  it('are those that clients and nodes use', () => {
    expect(federationSubject('production')).toBe('choria.federation.production.federation');
    expect(federationGroup('production')).toBe('production_federation');
    expect(collectiveSubject('production')).toBe('choria.federation.production.collective');
    expect(collectiveGroup('production')).toBe('production_collective');
  });
});

describe('the subjects of a collective that a bridge listens to', () => {
  it('are all broadcasts to agents, and all nodes, shared apart from each other', () => {
    expect(broadcastsSubject('mcollective')).toBe('mcollective.broadcast.agent.*');
    expect(nodesSubject('mcollective')).toBe('mcollective.node.>');
    expect(bridgeGroup('production')).not.toBe(bridgeNodesGroup('production'));
  });
});

describe('the reply-to of a Federation Broker', () => {
  it('is that of any cluster', () => {
    expect(isFromBroker(collectiveSubject('production'))).toBe(true);
    expect(isFromBroker(collectiveSubject('x_1'))).toBe(true);
  });

  it.each([
    federationSubject('production'),
    replySubject('mcollective', 'choria=alice.mcollective', '1.1'),
    'choria.federation.collective',
    'choria.federation..collective',
    'choria.federation.a.b.collective',
    'choria.federation.a.collective.b',
    'x.choria.federation.a.collective',
    'choriaXfederation.a.collective',
    '',
  ])('is not %j', (subject) => {
    expect(isFromBroker(subject)).toBe(false);
  });
});

describe('targets', () => {
  it('are broadcasts to an agent, and nodes', () => {
    expect(parseTarget(broadcastSubject('mcollective', 'rpcutil'))).toEqual({
      kind: 'broadcast',
      collective: 'mcollective',
      agent: 'rpcutil',
    });
    expect(parseTarget(nodeSubject('mcollective', 'c1.example.net'))).toEqual({
      kind: 'node',
      collective: 'mcollective',
      node: 'c1.example.net',
    });
  });

  it.each([
    '',
    'mcollective',
    'mcollective.node',
    'mcollective.node.',
    'mcollective.node.*',
    'mcollective.node.a..b',
    'mcollective.node.a b',
    'mcollective.broadcast.agent',
    'mcollective.broadcast.agent.',
    'mcollective.broadcast.agent.>',
    'mcollective.broadcast.agent.a.b',
    'mcollective.reply.x',
    '*.node.c1',
    '.node.c1',
    'choria.federation.production.federation',
    '$SYS.REQ.SERVER.PING',
  ])('are not %j', (subject) => {
    refused(() => parseTarget(subject), 'invalid_target');
  });

  const request = { collective: 'mcollective', agent: 'rpcutil' };
  const read = (...subjects: string[]) => readTargets(subjects, request, { maxTargets: 3 });

  it('are no service agents where legacy nodes are asked, which is said', () => {
    const service = 'mcollective.broadcast.service.x';
    expect(parseTarget(service)).toEqual({ kind: 'service', collective: 'mcollective', agent: 'x' });
    refused(() => read(service), 'invalid_target', /service agent/);
  });

  it('are one broadcast or a list of nodes, each once', () => {
    expect(read('mcollective.broadcast.agent.rpcutil')).toEqual(toAll());
    expect(read('mcollective.node.b', 'mcollective.node.a', 'mcollective.node.b')).toEqual(
      toNodes(['b', 'a']),
    );
  });

  it('must be those of the request that was signed', () => {
    refused(() => read('other.node.a'), 'collective_mismatch', /"other.node.a".*mcollective/);
    refused(() => read('mcollective.broadcast.agent.shell'), 'agent_mismatch', /rpcutil/);
  });

  it('are refused where there are none, too many, or both kinds', () => {
    refused(() => read(), 'invalid_target', /no targets/);
    refused(
      () => readTargets(Array(10_000).fill('mcollective.node.a'), request, { maxTargets: 1000 }),
      'too_many_targets',
      /10000.*1000/,
    );
    refused(
      () => read('mcollective.node.a', 'mcollective.broadcast.agent.rpcutil'),
      'invalid_target',
      /at once/,
    );
  });
});

describe('reply subjects', () => {
  it('are made as clients make them, and belong to a collective', () => {
    const subject = replySubject('mcollective', 'choria=alice.mcollective', '5391.1');
    expect(subject).toBe('mcollective.reply.74ce5a833e16d4afa24ecbc90fff8506.5391.1');
    expect(parseReplySubject(subject)).toEqual({ collective: 'mcollective' });
    expect(parseReplySubject('uk_collective.reply.x=~;$')).toEqual({ collective: 'uk_collective' });
  });

  it.each([
    '',
    'mcollective.reply',
    'mcollective.reply.',
    'mcollective.reply.a..b',
    'mcollective.reply.*',
    'mcollective.reply.a.>',
    'mcollective.reply.a b',
    'mcollective.reply.a\r\nPUB x 0',
    'mcollective.reply.é',
    'mcollective.node.a',
    'a.b.reply.c',
    '*.reply.a',
    '_INBOX.x',
    `mcollective.reply.${'x'.repeat(600)}`,
  ])('are not %j', (subject) => {
    const rejection = refused(() => parseReplySubject(subject), 'invalid_reply_to');
    expect(rejection.message.length).toBeLessThan(300);
  });
});
