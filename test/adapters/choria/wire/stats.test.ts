import { describe, expect, it } from 'vitest';
import {
  decodeStats,
  encodeStats,
  isStatsSubject,
  type StatsDocument,
  statsSubject,
} from '../../../../src/adapters/choria/wire/stats.ts';
import { capture, object, refused } from './support.ts';

const captured = capture('choria-v1-federated.ndjson').filter(({ subject }) => isStatsSubject(subject));
const [first] = captured;
const ruby = object(first?.payload ?? '');
const decode = (value: unknown): StatsDocument => decodeStats(Buffer.from(JSON.stringify(value)));

const own: StatsDocument = {
  ...decode(ruby),
  bridge: {
    identity: 'bridge1.example.net',
    time: 1_795_412_333,
    interval: 10,
    rejected: new Map([
      ['expired', 3],
      ['no_mapping', 1],
    ]),
    expired: 2,
    errors: 4,
    inFlight: 1,
    routes: [
      {
        from: 'federation',
        to: 'legacy',
        requests: { received: 9, sent: 8 },
        targets: 16,
        replies: { received: 15, sent: 14 },
      },
    ],
    links: [
      {
        name: 'federation',
        side: 'federation',
        up: true,
        server: 'nats://127.0.0.1:4222',
        reason: undefined,
        buffered: 0,
      },
      { name: 'legacy', side: 'collective', up: false, server: undefined, reason: 'away', buffered: 7 },
    ],
  },
};

describe('documents that the Ruby broker published', () => {
  it('are all there, of two instances', () => {
    const documents = captured.map(({ payload }) => decodeStats(Buffer.from(payload)));
    expect(documents.length).toBeGreaterThan(4);
    expect(new Set(documents.map(({ instance }) => instance))).toEqual(new Set(['1', '2']));
    for (const { subject } of captured) expect(subject).toBe(statsSubject('production'));
  });

  it.each(captured)('are written anew as they were: $at', ({ payload }) => {
    expect(encodeStats(decodeStats(Buffer.from(payload))).toString()).toBe(payload);
  });

  it('say what their fields mean', () => {
    expect(decode(ruby)).toMatchObject({
      version: '0.6.0',
      startTime: 1_795_412_323,
      cluster: 'production',
      instance: '1',
      status: 'OK',
      federation: {
        source: 'choria.federation.production.federation',
        received: 1,
        sent: 3,
        connectedServer: 'nats://127.0.0.1:4223',
        workQueue: 0,
      },
      collective: { received: 3, sent: 1 },
      statsRequests: 0,
      bridge: undefined,
    });
  });
});

describe('a document of this bridge', () => {
  it('comes back as it was', () => {
    expect(decodeStats(encodeStats(own))).toEqual(own);
  });

  it('is read from the version before too, which said more of how it shares', () => {
    const { bridge, ...rest } = object(encodeStats(own).toString());
    const before = {
      ...rest,
      bridge: { ...object(JSON.stringify(bridge)), member: { process: 'ab12', seal: 'x' } },
    };
    expect(decodeStats(Buffer.from(JSON.stringify(before)))).toEqual(own);
  });

  it('has the keys of the Ruby broker’s in their order, and its own after them', () => {
    const keys = Object.keys(object(encodeStats(own).toString()));
    expect(keys).toEqual([...Object.keys(ruby), 'bridge']);
  });

  it('says of a side that never heard or reached anybody what the Ruby broker says', () => {
    const { federation } = own;
    const quiet = {
      ...own,
      federation: { ...federation, lastMessage: undefined, connectedServer: undefined },
    };
    const written = object(encodeStats(quiet).toString());
    expect(written['federation']).toMatchObject({ last_message: 0, connected_server: 'disconnected' });
    expect(decodeStats(encodeStats(quiet)).federation).toEqual(quiet.federation);
  });
});

describe('what others publish', () => {
  const least = { cluster: 'c', instance: 'i', collective: {}, federation: {} };

  it('needs a cluster, an instance and two sides, no more', () => {
    expect(decode(least)).toMatchObject({
      cluster: 'c',
      instance: 'i',
      version: '',
      startTime: undefined,
      federation: { received: 0, sent: 0, lastMessage: undefined, connectedServer: undefined },
      statsRequests: 0,
    });
  });

  it('may have an instance that is a number, and threads that have died', () => {
    const threads = { a: { alive: false, status: false }, b: { alive: null, status: null } };
    const document = decode({ ...least, instance: 2, threads });
    expect(document.instance).toBe('2');
    expect([...document.threads.values()]).toEqual([
      { alive: false, status: 'dead' },
      { alive: false, status: 'dead' },
    ]);
  });

  it('cannot move a terminal’s cursor, nor fill it', () => {
    const document = decode({ ...least, version: '\u001b[2J\u202e1.0', status: 'x'.repeat(5000) });
    expect(document.version).toBe(' [2J 1.0');
    expect(document.status).toHaveLength(1024);
  });

  it.each([
    { what: 'no object', text: '[]', code: 'malformed_json' },
    { what: 'no JSON', text: '{"cluster"', code: 'malformed_json' },
    { what: 'no UTF-8', text: Buffer.from([0x7b, 0xff, 0x7d]), code: 'malformed_json' },
    { what: 'no cluster', text: JSON.stringify({ ...least, cluster: undefined }), code: 'missing_field' },
    { what: 'no instance', text: JSON.stringify({ ...least, instance: '' }), code: 'missing_field' },
    {
      what: 'no collective',
      text: JSON.stringify({ ...least, collective: undefined }),
      code: 'missing_field',
    },
    {
      what: 'a federation that is none',
      text: JSON.stringify({ ...least, federation: [] }),
      code: 'missing_field',
    },
    {
      what: 'a negative count',
      text: JSON.stringify({ ...least, federation: { received: -1 } }),
      code: 'invalid_field',
    },
    {
      what: 'half a message',
      text: JSON.stringify({ ...least, collective: { sent: 0.5 } }),
      code: 'invalid_field',
    },
    {
      what: 'a count that is text',
      text: JSON.stringify({ ...least, collective: { sent: '5' } }),
      code: 'invalid_field',
    },
    {
      what: 'a start beyond all calendars',
      text: JSON.stringify({ ...least, start_time: 1e17 }),
      code: 'invalid_field',
    },
    {
      what: 'a version that is a list',
      text: JSON.stringify({ ...least, version: [] }),
      code: 'invalid_field',
    },
    {
      what: 'routes that are none',
      text: JSON.stringify({ ...least, bridge: { routes: [1] } }),
      code: 'invalid_field',
    },
    {
      what: 'links without end',
      text: JSON.stringify({ ...least, bridge: { links: Array(1001).fill({}) } }),
      code: 'limit_exceeded',
    },
    {
      what: 'reasons without end',
      text: JSON.stringify({
        ...least,
        bridge: { rejected: Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`r${i}`, 1])) },
      }),
      code: 'limit_exceeded',
    },
    { what: 'a bridge that is none', text: JSON.stringify({ ...least, bridge: 1 }), code: 'invalid_field' },
    { what: 'far too much', text: `{"cluster":"${'x'.repeat(1024 * 1024)}"}`, code: 'too_large' },
  ] as const)('is refused with $what: $code', ({ text, code }) => {
    refused(() => decodeStats(Buffer.from(text)), code);
  });
});
