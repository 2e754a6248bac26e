import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { claimKey } from '../../../src/adapters/kit/claim-key.ts';
import { discoveryDestination } from '../../../src/adapters/mcollective/wire/addressing.ts';
import { createSerializer } from '../../../src/adapters/mcollective/wire/serializer.ts';
import {
  DEFAULT_RUBY_LIMITS,
  RubyFloat,
  RubyHash,
  RubyString,
  type RubyValue,
  symbol,
} from '../../../src/codec/ruby/value.ts';
import { EMPTY_FILTER } from '../../../src/envelope/filter.ts';
import { toAll, toNodes } from '../../../src/testing/targets.ts';
import { serverKeys, settled, until } from '../world.ts';
import {
  clientFrame,
  type Deviation,
  fakeLink,
  type IngressOverrides,
  makeStompIngress,
  nextRequestId,
  readReply,
  recordingSink,
} from './ingress-world.ts';

const NOW = Math.floor(Date.now() / 1000);
const OK = { kind: 'rpc', statusCode: 0, statusMessage: 'OK', data: new Map() } as const;

const started = async (overrides: IngressOverrides = {}) => {
  const link = fakeLink();
  const ingress = makeStompIngress(link, overrides);
  const handed = recordingSink();
  await ingress.start(handed.sink);
  return { link, ingress, ...handed };
};

/** What becomes of one frame. */
const handedFor = async (deviation: Deviation, overrides: IngressOverrides = {}) => {
  const stage = await started(overrides);
  const frame = clientFrame(deviation);
  stage.link.deliver(frame);
  await settled();
  return { ...stage, frames: [frame] };
};

describe('a client’s request', () => {
  it('is handed over where nothing is wrong with it', async () => {
    const { requests, rejections } = await handedFor({});
    expect(rejections).toEqual([]);
    expect(requests).toHaveLength(1);
  });

  // Its signature is good: what else is wrong is told to whoever asked.
  const ANSWERED: readonly (readonly [string, Deviation, string])[] = [
    ['signed by somebody else', { key: serverKeys.privateKey }, 'invalid_signature'],
    ['of a caller without a key', { callerId: 'cert=mallory' }, 'caller_not_allowed'],
    ['whose outer agent is not the signed one', { outer: { agent: 'shell' } }, 'agent_mismatch'],
    [
      'whose outer agent is not the signed one, sent to that agent’s topic',
      { outer: { agent: 'shell' }, destination: '/topic/mcollective.shell.agent' },
      'agent_mismatch',
    ],
    ['sent to another agent’s topic', { destination: '/topic/mcollective.shell.agent' }, 'agent_mismatch'],
    [
      'a discovery’s ping, put before another agent',
      { agent: 'discovery', outer: { agent: 'shell' }, destination: '/topic/mcollective.shell.agent' },
      'agent_mismatch',
    ],
    [
      'whose outer caller is not the signed one',
      { outer: { callerid: 'cert=alice' }, callerId: 'cert=bob' },
      'caller_mismatch',
    ],
    [
      'of another collective than its destination’s',
      { outer: { collective: 'uk_collective' } },
      'collective_mismatch',
    ],
    [
      'whose filter names another collective',
      { filter: { ...EMPTY_FILTER, collective: 'uk_collective' } },
      'collective_mismatch',
    ],
    ['whose ttl is not the signed one', { outer: { ttl: 3_000 } }, 'invalid_field'],
    ['whose time is not the signed one', { time: NOW, outer: { msgtime: NOW + 1 } }, 'invalid_field'],
    ['without a signed ttl', { inner: { ssl_ttl: undefined } }, 'missing_field'],
    ['without a signed time', { inner: { ssl_msgtime: undefined } }, 'missing_field'],
    ['without a signed payload', { inner: { ssl_msg: undefined } }, 'missing_field'],
    ['that has expired', { time: NOW - 61 }, 'expired'],
    ['that has expired by the ttl that is honoured', { time: NOW - 3_601, ttl: 86_400 }, 'expired'],
    ['from a future that is too far', { time: NOW + 90_000 }, 'from_the_future'],
    ['without any time to live', { ttl: -1 }, 'invalid_field'],
    ['whose filter cannot be read', { outer: { filter: new RubyHash([['fact', 'all']]) } }, 'invalid_field'],
    ['without a signature', { outer: { hash: undefined } }, 'missing_field'],
    ['with a signature that is none', { outer: { hash: 'AAAA' } }, 'invalid_signature'],
    ['whose payload is no request', { inner: { ssl_msg: 'pong' } }, 'unsupported_body'],
    ['to no node', { node: '' }, 'invalid_target'],
    ['to what is no node', { node: '../n1' }, 'invalid_target'],
    ['to many nodes at once', { node: 'n1.example.net,n2.example.net' }, 'invalid_target'],
  ];

  it.each(ANSWERED)('%s is refused, and answered', async (_, deviation, code) => {
    const requestId = nextRequestId();
    const { ingress, link, requests, rejections } = await handedFor({ ...deviation, requestId });
    expect(requests).toEqual([]);
    expect(rejections).toHaveLength(1);
    const { rejection, home } = rejections[0] ?? {};
    expect(rejection).toMatchObject({ code, context: { requestId, sender: 'client.example.net' } });
    if (home === undefined) throw new Error('there is no way home');
    ingress.reply({
      home,
      sender: 'bridge.example.net',
      time: NOW,
      payload: { kind: 'rpc', statusCode: 5, statusMessage: rejection?.message ?? '', data: null },
    });
    await ingress.close();
    expect(link.sent).toHaveLength(1);
    expect(readReply(Buffer.from(link.sent[0]?.body ?? ''))).toMatchObject({
      requestId,
      senderId: 'bridge.example.net',
      payload: { statusCode: 5 },
    });
  });

  const UNANSWERED: readonly (readonly [string, Deviation, string])[] = [
    ['without a reply-to', { replyTo: null }, 'missing_field'],
    ['answered on a topic', { replyTo: '/topic/mcollective.rpcutil.agent' }, 'invalid_reply_to'],
    ['answered to nodes', { replyTo: '/queue/mcollective.nodes' }, 'invalid_reply_to'],
    ['answered elsewhere', { replyTo: '/queue/accounts' }, 'invalid_reply_to'],
    ['answered in another collective', { replyTo: '/queue/secret.reply.x_1.1' }, 'invalid_reply_to'],
    ['answered in a collective within', { replyTo: '/queue/a.mcollective.reply.x_1.1' }, 'invalid_reply_to'],
    ['answered to a temporary queue', { replyTo: '/temp-queue/mcollective.reply.x' }, 'invalid_reply_to'],
    ['answered to the bridge', { replyTo: '/queue/mcollective.reply.prod.AQBrBR051A' }, 'invalid_reply_to'],
    [
      'answered to the bridge’s discovery',
      { replyTo: discoveryDestination('mcollective', 'bridge_1', 'ab12') },
      'invalid_reply_to',
    ],
    ['answered to nobody', { replyTo: '/queue/mcollective.reply.' }, 'invalid_reply_to'],
    [
      'answered to several',
      { replyTo: '/queue/mcollective.reply.x_1.1,/queue/accounts' },
      'invalid_reply_to',
    ],
    ['answered to all', { replyTo: '/queue/mcollective.reply.*' }, 'invalid_reply_to'],
    ['answered to all below', { replyTo: '/queue/mcollective.reply.>' }, 'invalid_reply_to'],
    [
      'answered with options',
      { replyTo: '/queue/mcollective.reply.x_1?consumer.priority=1' },
      'invalid_reply_to',
    ],
    ['answered with a line more', { replyTo: '/queue/mcollective.reply.x\nselector:1' }, 'invalid_reply_to'],
    ['without an id', { outer: { requestid: undefined } }, 'missing_field'],
    ['without an agent', { outer: { agent: undefined } }, 'missing_field'],
    ['with an id that is too long', { outer: { requestid: 'x'.repeat(256) } }, 'invalid_field'],
    ['with an id that is none', { outer: { requestid: [] } }, 'invalid_field'],
    ['in the other serializer', { serializer: 'yaml' }, 'malformed_marshal'],
    ['in base64 where there is none', { base64: true }, 'malformed_marshal'],
  ];

  it.each(UNANSWERED)('%s is refused, without an answer', async (_, deviation, code) => {
    const { requests, rejections } = await handedFor(deviation);
    expect(requests).toEqual([]);
    expect(rejections).toMatchObject([{ rejection: { code } }]);
    expect(rejections[0]?.home).toBeUndefined();
  });

  it('that is too long is refused before it is read', async () => {
    const { rejections } = await handedFor({}, { maxMessageBytes: 100 });
    expect(rejections).toMatchObject([{ rejection: { code: 'too_large' }, home: undefined }]);
  });

  it('in plain where base64 is agreed on is refused', async () => {
    const { rejections } = await handedFor({}, { base64: true });
    expect(rejections).toMatchObject([{ rejection: { code: 'malformed_base64' }, home: undefined }]);
  });

  it('that a bridge has sent is left alone, broadcast and directed', async () => {
    const { link, requests, rejections, ignored } = await handedFor({ headers: { mcbridge: 'other' } });
    link.deliver(clientFrame({ node: 'n1.example.net', headers: { mcbridge: '' } }));
    await settled();
    expect([requests, rejections]).toEqual([[], []]);
    expect(ignored).toMatchObject([{ why: 'bridged' }, { why: 'bridged' }]);
  });

  it('is handed over once, however often it arrives', async () => {
    const { link, requests, ignored } = await started();
    const requestId = nextRequestId();
    const frames = [
      clientFrame({ requestId }),
      clientFrame({ requestId, node: 'n1.example.net' }),
      clientFrame({ requestId, node: 'n2.example.net' }),
    ];
    for (const frame of [...frames, ...frames]) {
      link.deliver(frame);
      await settled();
    }
    expect(requests.map(({ targets }) => targets)).toEqual([
      toAll(),
      toNodes(['n1.example.net']),
      toNodes(['n2.example.net']),
    ]);
    expect(ignored.map(({ why }) => why)).toEqual(frames.map(() => 'another_instance'));
  });

  it('is handed over for those of its nodes that are new', async () => {
    const { link, requests } = await started();
    const requestId = nextRequestId();
    const [first, second] = ['n1.example.net', 'n2.example.net'].map((node) =>
      clientFrame({ requestId, node }),
    );
    if (first === undefined || second === undefined) throw new Error('no frames');
    link.deliver(first);
    await settled();
    link.deliver(first);
    link.deliver(second);
    await settled();
    expect(requests.map(({ targets }) => targets)).toEqual([
      toNodes(['n1.example.net']),
      toNodes(['n2.example.net']),
    ]);
  });

  it('is handed over where the broker delivers it again, for who was given it before leaves it alone', async () => {
    const { link, requests, ignored } = await started();
    for (const frame of [clientFrame({}), clientFrame({ node: 'n1.example.net' })])
      link.deliver({ ...frame, headers: { ...frame.headers, redelivered: 'true' } });
    await settled();
    expect(requests).toHaveLength(2);
    expect(ignored).toEqual([]);
  });

  it('is left to others after a drain, even where its subscription still gets it', async () => {
    const stage = await started();
    const listeners = [...stage.link.subscriptions];
    await stage.ingress.drain();
    for (const { onMessage } of listeners) onMessage(clientFrame({ node: 'n1.example.net' }));
    await settled();
    expect(stage.requests).toEqual([]);
    expect(stage.ignored.map(({ why }) => why)).toEqual(listeners.map(() => 'another_instance'));
  });

  it('is handed over also after a forgery with its id', async () => {
    const { link, requests } = await started();
    const requestId = nextRequestId();
    link.deliver(clientFrame({ requestId, key: serverKeys.privateKey }));
    link.deliver(clientFrame({ requestId }));
    expect(requests).toHaveLength(1);
  });
});

describe('what daemons take of clients that are not Ruby’s', () => {
  const IDS: readonly (readonly [string, RubyValue, string])[] = [
    ['a number', 42, '42'],
    ['a large number', 2n ** 100n, String(2n ** 100n)],
    ['a symbol', symbol('id'), 'id'],
    ['bytes', new RubyString(Buffer.from([0xff, 0, 1]), 'ASCII-8BIT'), '/wAB'],
    ['text of any length up to 255', 'x'.repeat(255), 'x'.repeat(255)],
    ['text with a line feed', 'aWQ=\n', 'aWQ=\n'],
  ];

  it.each(IDS)('an id that is %s goes back as it came', async (_, value, text) => {
    const { ingress, link, requests } = await handedFor({ outer: { requestid: value } });
    const [request] = requests;
    if (request === undefined) throw new Error('it was not handed over');
    expect(request.id).toBe(text);
    ingress.reply({ home: request.home, sender: 'n1', time: NOW * 1000, payload: OK });
    await until('the reply is sent', () => link.sent.length > 0);
    const reply = createSerializer('marshal', DEFAULT_RUBY_LIMITS).decode(
      link.sent[0]?.body ?? Buffer.alloc(0),
    );
    expect(reply instanceof RubyHash && reply.symbol('requestid')).toEqual(value);
  });

  it('an id that is a number goes back as one in a refusal too', async () => {
    const { rejections } = await handedFor({ key: serverKeys.privateKey, outer: { requestid: 42 } });
    expect(rejections[0]?.home).toMatchObject({ requestId: '42', dialect: 'legacy integer' });
  });

  it.each([
    ['seconds with a fraction', { ttl: new RubyFloat(60.5), msgtime: new RubyFloat(NOW + 0.25) }],
    ['a ttl beyond all clocks', { ttl: 2n ** 70n, msgtime: NOW }],
  ])('%s are taken', async (_, { ttl, msgtime }) => {
    const { requests } = await handedFor({
      outer: { ttl, msgtime },
      inner: { ssl_ttl: ttl, ssl_msgtime: msgtime },
    });
    expect(requests).toMatchObject([{ time: NOW * 1000 }]);
  });

  it('a payload beside its signed ttl and time is taken, also where these are enforced', async () => {
    const payload = (of: string): RubyValue => (of === 'action' ? 'ping' : 'rpcutil');
    const { requests } = await handedFor({
      bare: true,
      signed: ['agent', 'action'].map((of) => [of, payload(of)]),
    });
    expect(requests).toMatchObject([{ payload: { action: 'ping' } }]);
  });

  it('a bare payload is refused where its ttl and time are enforced, and the reason says so', async () => {
    const { rejections } = await handedFor({ bare: true });
    expect(rejections).toMatchObject([
      { rejection: { code: 'missing_field', message: expect.stringContaining('enforce_ttl') }, home: {} },
    ]);
  });

  it.each([0, 90, 86_400])('a clock that is %i s fast: the request begins now', async (ahead) => {
    const { requests } = await handedFor(
      { time: NOW + ahead, ttl: 7_200 },
      { clock: () => NOW * 1000 + 999 },
    );
    expect(requests).toMatchObject([
      { time: NOW * 1000, ttl: 3_600_000, home: { expires: (NOW + 3_600) * 1000 } },
    ]);
  });

  it('a clock that is further ahead than may be is refused, and told by how much', async () => {
    const { rejections } = await handedFor({ time: NOW + 61 }, { maxAhead: 60, clock: () => NOW * 1000 });
    expect(rejections[0]?.rejection).toMatchObject({
      code: 'from_the_future',
      message: expect.stringContaining("61 s ahead of this bridge's clock, and 60 s are allowed"),
    });
    expect(rejections[0]?.home).toBeDefined();
  });

  it('a request is alive for as long as its ttl, the last second too', async () => {
    const at = (age: number) => handedFor({ time: NOW - age }, { clock: () => NOW * 1000 });
    expect((await at(60)).requests).toMatchObject([{ home: { expires: (NOW + 1) * 1000 } }]);
    expect((await at(61)).rejections).toMatchObject([{ rejection: { code: 'expired' } }]);
  });

  it('replies go elsewhere only where the operator says so', async () => {
    const allowed = { replyTo: ['/queue/results'] };
    expect((await handedFor({ replyTo: '/queue/results' }, allowed)).requests).toHaveLength(1);
    for (const replyTo of ['/queue/results.x', '/remote-temp-queue/ID:h-1:2:1', '/queue/results,/queue/x']) {
      const { rejections } = await handedFor({ replyTo }, allowed);
      expect(rejections).toMatchObject([{ rejection: { code: 'invalid_reply_to' } }]);
    }
    const own = await handedFor({ replyTo: '/queue/mcollective.reply.prod.token' }, { replyTo: ['*'] });
    expect(own.rejections).toMatchObject([{ rejection: { code: 'invalid_reply_to' } }]);
  });
});

describe('a collective that does not enforce the signed ttl', () => {
  const lax = async (deviation: Deviation) => {
    const notes: string[] = [];
    const clock = () => NOW * 1000;
    const stage = await handedFor(deviation, {
      ...{ enforceTtl: false, clock },
      onNote: (text) => void notes.push(text),
    });
    return { ...stage, notes };
  };

  it('takes the signed ttl and time where the message says others, and notes it', async () => {
    const time = NOW - 5;
    const { requests, notes } = await lax({ ttl: 40, time, outer: { ttl: 3_000, msgtime: NOW } });
    expect(requests).toMatchObject([
      { ttl: 40_000, time: time * 1000, home: { expires: (time + 40) * 1000 } },
    ]);
    expect(notes).toEqual([
      'the ttl differs from the signed one',
      'the message time differs from the signed one',
    ]);
  });

  it('takes those of the message where none are signed, and notes it', async () => {
    const { requests, notes } = await lax({
      inner: { ssl_ttl: undefined, ssl_msgtime: undefined },
      outer: { ttl: 50 },
    });
    expect(requests).toMatchObject([{ ttl: 50_000 }]);
    expect(notes).toHaveLength(2);
  });

  it('refuses what has expired by its signed time, whatever the message says', async () => {
    const { requests, rejections } = await lax({ time: NOW - 100, outer: { msgtime: NOW } });
    expect(requests).toEqual([]);
    expect(rejections).toMatchObject([{ rejection: { code: 'expired' } }]);
  });

  it('takes a bare payload, and notes that its time is not signed', async () => {
    const { requests, notes } = await lax({ bare: true, time: NOW - 5 });
    expect(requests).toMatchObject([
      { time: (NOW - 5) * 1000, ttl: 60_000, payload: { kind: 'rpc', action: 'get_fact' } },
    ]);
    expect(notes).toEqual(['the signed document has no :ssl_msg: its ttl and time are not signed']);
    const ping = await lax({ bare: true, agent: 'discovery' });
    expect(ping.requests).toMatchObject([{ payload: { kind: 'discovery' } }]);
  });

  it('refuses a signed time that is none', async () => {
    const { rejections } = await lax({ inner: { ssl_msgtime: 'now' } });
    expect(rejections).toMatchObject([{ rejection: { code: 'invalid_field' } }]);
  });

  it('has nothing to note of a request in order', async () => {
    expect((await lax({})).notes).toEqual([]);
  });
});

describe('a broadcast that every instance has got', () => {
  const SHARED = { share: 'claims' } as const;
  const keyOf = (
    body: Uint8Array,
    ingress = 'mco',
    destination = '/topic/mcollective.rpcutil.agent',
  ): string => createHash('sha256').update(`${ingress}\0${destination}\0`).update(body).digest('base64url');

  it('is claimed by its ingress, its destination and all of its body', async () => {
    const { requests, copies, frames } = await handedFor({}, SHARED);
    expect(requests).toHaveLength(1);
    const [frame] = frames;
    if (frame === undefined) throw new Error('one was delivered');
    expect(copies).toEqual([{ claim: keyOf(frame.body) }]);
  });

  it('is claimed by another key at another ingress, by another topic, or with another byte', async () => {
    const body = Buffer.from('body');
    const keys = [
      keyOf(body),
      keyOf(body, 'other'),
      keyOf(body, 'mco', '/topic/mcollective.agents'),
      keyOf(Buffer.from('Body')),
    ];
    expect(new Set(keys).size).toBe(4);
    const claims = [
      { ingress: 'mco', destination: '/topic/mcollective.rpcutil.agent', body },
      { ingress: 'other', destination: '/topic/mcollective.rpcutil.agent', body },
      { ingress: 'mco', destination: '/topic/mcollective.agents', body },
      { ingress: 'mco', destination: '/topic/mcollective.rpcutil.agent', body: Buffer.from('Body') },
    ].map(claimKey);
    expect(claims).toEqual(keys);
  });

  it('is not claimed as a request before its signature holds, but as a refusal that is to be answered', async () => {
    const { requests, rejections, frames } = await handedFor({ key: serverKeys.privateKey }, SHARED);
    expect(requests).toEqual([]);
    const [frame] = frames;
    if (frame === undefined) throw new Error('one was delivered');
    expect(rejections).toMatchObject([
      {
        rejection: { code: 'invalid_signature' },
        home: { replyTo: expect.any(String) },
        copy: { claim: `refused.${keyOf(frame.body)}` },
      },
    ]);
  });

  it('is not claimed where nobody can be answered', async () => {
    const { rejections } = await handedFor({ replyTo: null }, SHARED);
    expect(rejections).toMatchObject([{ home: undefined, copy: undefined }]);
  });

  it('is nobody’s to claim where this instance is the only one, where the broker shares it, or where it is for a node', async () => {
    const single = await handedFor({});
    expect(single.copies).toEqual([undefined]);
    const queue = await handedFor(
      { destination: '/queue/mcbridge.mcollective.requests' },
      { share: 'queue', broadcastQueue: '/queue/mcbridge.{collective}.requests' },
    );
    expect(queue.copies).toEqual([undefined]);
    expect(queue.link.subscriptions.map(({ destination }) => destination)).not.toContain(
      '/topic/mcollective.*.agent',
    );
    const directed = await handedFor({ node: 'n1.example.net' }, SHARED);
    expect(directed.copies).toEqual([undefined]);
  });
});
