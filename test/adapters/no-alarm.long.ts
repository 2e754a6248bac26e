import { describe, expect, it } from 'vitest';
import {
  decodeReply,
  decodeReplyBody,
  decodeTransport,
  encodeReplyBody,
  encodeTransport,
  federationSubject,
} from '../../src/adapters/choria/wire/index.ts';
import { decodeStats } from '../../src/adapters/choria/wire/stats.ts';
import { replyPayloadFromRuby, replyPayloadToRuby } from '../../src/adapters/mcollective/wire/payload.ts';
import { createSerializer } from '../../src/adapters/mcollective/wire/serializer.ts';
import { DEFAULT_RUBY_LIMITS, RubyHash, type RubyValue, symbol } from '../../src/codec/ruby/value.ts';
import { isOpaque } from '../../src/envelope/message.ts';
import { asRejection } from '../../src/envelope/rejection.ts';
import { RUBY_VALUES } from './bad-input/odd-ruby-values.ts';
import { LAYERS, PLACES, requestWith, VALUES } from './bad-input/odd-values.ts';
import { CLUSTER, COLLECTIVE, makeBrokers } from './brokers.ts';
import { clientFrame, makeResidents, makeStompIngress, recordingSink } from './mcollective/ingress-world.ts';
import { makeIngress, makeWorld, settled } from './world.ts';

// `internal` is the alarm for bugs, with a stack in the log: no message may raise it, whoever sends it.

/** The code under which something is refused; undefined where it is not. */
const codeOf = (run: () => unknown): string | undefined => {
  try {
    run();
    return undefined;
  } catch (error) {
    return asRejection(error).code;
  }
};

const ODD = LAYERS.flatMap((layer) => PLACES[layer].map((place) => ({ layer, place })));

describe('a request of Choria with an odd value raises no alarm', () => {
  it.each(ODD)('in the $layer, as "$place"', async ({ layer, place }) => {
    const { bridge, client, frames } = await makeWorld();
    for (const value of VALUES) client.publish(requestWith(layer, place, value, COLLECTIVE));
    await settled();
    const { rejected, requestsReceived } = bridge.stats.snapshot();
    expect(rejected['internal'] ?? 0).toBe(0);
    const refused = Object.values(rejected).reduce((sum, count) => sum + count, 0);
    // All of them have arrived.
    expect(refused + requestsReceived).toBeGreaterThanOrEqual(VALUES.length);
    expect(frames.length).toBeLessThanOrEqual(requestsReceived);
    await bridge.stop();
  });

  it.each([true, false])('where it passes through, verified: %s', async (verify) => {
    const brokers = makeBrokers();
    const opaque = new Map([[COLLECTIVE, { verify }]]);
    const ingress = makeIngress(brokers, { opaque });
    const codes = new Set<string>();
    let passed = 0;
    await ingress.start({
      request: (request) => {
        if (!isOpaque(request)) return;
        passed++;
        const { payload, sender, home } = request;
        const { content } = payload;
        const { hops } = home;
        const body = encodeTransport({ content, sender, ...(hops && { hops }) });
        // What goes out can be read again.
        decodeTransport(Buffer.from(body), { maxBytes: body.length * 3 });
      },
      rejected: ({ code }) => void codes.add(code),
      foresee: () => undefined,
      ignored: () => undefined,
    });
    const link = brokers.nats.link();
    const outside = new Set<string>(
      verify ? ['envelope', 'request', 'secure'] : ['federation', 'headers', 'transport'],
    );
    for (const { layer, place } of ODD.filter((odd) => outside.has(odd.layer)))
      for (const value of VALUES) {
        const body = Buffer.from(requestWith(layer, place, value, COLLECTIVE));
        link.send({ destination: federationSubject(CLUSTER), body, expires: Number.POSITIVE_INFINITY });
      }
    await settled();
    expect(passed).toBeGreaterThan(0);
    expect(codes.size).toBeGreaterThan(2);
    expect([...codes]).not.toContain('internal');
  });
});

describe('a legacy request with an odd value raises no alarm', () => {
  const OUTER = ['body', 'senderid', 'requestid', 'filter', 'collective', 'agent', 'callerid', 'ttl', 'hash'];
  const INNER = ['ssl_msg', 'ssl_ttl', 'ssl_msgtime'];
  const brokers = makeBrokers();

  it.each(['marshal', 'yaml'] as const)('in %s', async (name) => {
    const handed = recordingSink();
    const ingress = makeStompIngress(brokers.stomp.link(), {
      serializer: name,
      remoteNodes: makeResidents(),
    });
    await ingress.start(handed.sink);
    const link = brokers.stomp.link();
    const frames = RUBY_VALUES.flatMap((value) => [
      ...OUTER.map((field) => ({ outer: { [field]: value } })),
      ...INNER.map((field) => ({ inner: { [field]: value } })),
      ...['fact', 'cf_class', 'agent', 'identity', 'compound', 'collective'].flatMap((part) => [
        { outer: { filter: new RubyHash([[part, value]]) } },
        { outer: { filter: new RubyHash([[part, [value]]]) } },
        { outer: { filter: new RubyHash([[value, []]]) } },
      ]),
      {
        inner: {
          ssl_msg: new RubyHash([
            [symbol('agent'), 'rpcutil'],
            [symbol('action'), 'ping'],
            [symbol('data'), value],
          ]),
        },
      },
      {
        inner: {
          ssl_msg: new RubyHash([
            [symbol('agent'), 'rpcutil'],
            [symbol('action'), 'ping'],
            [symbol('data'), new RubyHash([[value, value]])],
          ]),
        },
      },
    ]);
    let sent = 0;
    for (const deviation of frames) {
      // What cannot be written in this format is not sent.
      const code = codeOf(() => {
        const { destination, headers, replyTo = '', body } = clientFrame({ ...deviation, serializer: name });
        link.send({ destination, headers, replyTo, body, expires: Number.POSITIVE_INFINITY });
        sent++;
      });
      expect(code).not.toBe('internal');
    }
    await settled();
    expect(handed.rejections.filter(({ rejection }) => rejection.code === 'internal')).toEqual([]);
    expect(handed.rejections.length + handed.requests.length + handed.ignored.length).toBe(sent);
  });

  it.each([
    ['marshal', [0x04, 0x08], [0x5b, 0x06]],
    ['marshal', [0x04, 0x08], [0x7b, 0x06]],
    ['marshal', [0x04, 0x08], [0x49]],
    ['marshal', [0x04, 0x08], [0x49, 0x3a, 0x06]],
    ['marshal', [0x04, 0x08], [0x7d, 0x00]],
    ['marshal', [0x04, 0x08], [0x65, 0x3a, 0x06, 0x61]],
    ['marshal', [0x04, 0x08], [0x53, 0x3a, 0x06, 0x61, 0x06, 0x3a, 0x06, 0x62]],
    ['yaml', [], [...Buffer.from('[')]],
    ['yaml', [], [...Buffer.from('{')]],
    ['yaml', [], [...Buffer.from('- ')]],
    ['yaml', [], [...Buffer.from('? ')]],
    ['yaml', [], [...Buffer.from('a: ')]],
    ['yaml', [], [...Buffer.from('!a ')]],
    ['yaml', [], [...Buffer.from('&a ')]],
    ['yaml', [], [...Buffer.from('"\\x')]],
  ] as const)('in %s, nested 100,000 deep: %j %j', (name, head, open) => {
    const serializer = createSerializer(name, DEFAULT_RUBY_LIMITS);
    const bytes = Buffer.concat([Buffer.from(head), Buffer.alloc(100_000 * open.length, Buffer.from(open))]);
    for (const read of [serializer.decode, serializer.decodeOuter])
      expect(['malformed_marshal', 'malformed_yaml', 'limit_exceeded', 'unsupported_class']).toContain(
        codeOf(() => read(bytes)),
      );
  });
});

describe('a reply with an odd value raises no alarm', () => {
  it('in JSON, towards a legacy client', () => {
    const codes = new Set<string | undefined>();
    for (const value of VALUES)
      for (const body of [
        value,
        `{"statuscode":0,"statusmsg":"OK","data":${value}}`,
        `{"statuscode":0,"statusmsg":"OK","data":{"x":${value}}}`,
        `{"statuscode":0,"statusmsg":${value},"data":{}}`,
        `{"statuscode":${value},"statusmsg":"","data":{}}`,
      ])
        for (const name of ['marshal', 'yaml'] as const)
          codes.add(
            codeOf(() =>
              createSerializer(name, DEFAULT_RUBY_LIMITS).encode(
                replyPayloadToRuby(decodeReplyBody(body, 'rpcutil'), 'rpcutil'),
              ),
            ),
          );
    expect([...codes]).toContain(undefined);
    expect([...codes]).not.toContain('internal');
  });

  it('in its envelope', () => {
    const fields = ['senderid', 'requestid', 'agent', 'time', 'extra'];
    for (const value of VALUES)
      for (const odd of fields) {
        const envelope = fields.map((field) => `"${field}":${field === odd ? value : '"a"'}`).join();
        const text = `{"protocol":"choria:reply:1","message":"","envelope":{${envelope}}}`;
        expect(codeOf(() => decodeReply(text))).not.toBe('internal');
      }
  });

  it('in Ruby, towards one of Choria', () => {
    const reply = (data: RubyValue): RubyHash =>
      new RubyHash([
        [symbol('statuscode'), 0],
        [symbol('statusmsg'), data],
        [symbol('data'), new RubyHash([[symbol('x'), data]])],
      ]);
    for (const value of RUBY_VALUES)
      expect(codeOf(() => encodeReplyBody(replyPayloadFromRuby(reply(value)), 'ruby'))).not.toBe('internal');
  });
});

describe('a statistics document with an odd value raises no alarm', () => {
  const FIELDS = [
    'version',
    'start_time',
    'cluster',
    'instance',
    'status',
    'threads',
    'collective',
    'federation',
    'bridge',
    '/stats',
    '__proto__',
  ];
  const BRIDGE = ['identity', 'time', 'interval', 'rejected', 'routes', 'links', 'member', '__proto__'];

  it.each([...FIELDS, ...BRIDGE])('as %s', (odd) => {
    const side =
      '{"source":"a","received":1,"sent":1,"last_message":0,"connected_server":"a","work_queue":0}';
    for (const value of VALUES) {
      const bridge = `{${BRIDGE.includes(odd) ? `"${odd}":${value}` : ''}}`;
      const fields = FIELDS.filter((field) => field !== odd).map((field) =>
        field === 'bridge'
          ? `"bridge":${bridge}`
          : field === 'collective' || field === 'federation'
            ? `"${field}":${side}`
            : `"${field}":"a"`,
      );
      const text = `{${[...fields, ...(FIELDS.includes(odd) ? [`"${odd}":${value}`] : [])].join()}}`;
      expect(codeOf(() => decodeStats(Buffer.from(text)))).not.toBe('internal');
    }
  });
});
