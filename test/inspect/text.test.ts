import { describe, expect, it } from 'vitest';
import { formatJson } from '../../src/adapters/choria/wire/index.ts';
import { age, moment, span } from '../../src/inspect/age.ts';
import { piecesOf } from '../../src/inspect/input.ts';
import { messageValue } from '../../src/inspect/json.ts';
import { layerLines } from '../../src/inspect/text.ts';
import { type Layer, layerOf } from '../../src/inspect/tree.ts';
import { captureLines, decode, NOW } from './support.ts';

const text = (layer: Layer, full = false): string =>
  layerLines(layer, { now: NOW, full })
    .map((line) => line.map((span) => span.text).join(''))
    .join('\n');

describe('an age', () => {
  it.each([
    [0, '0 s'],
    [59_400, '59 s'],
    [60_000, '1 min'],
    [185_000, '3 min 5 s'],
    [(3 * 60 + 12) * 60_000, '3 h 12 min'],
    [(5 * 24 + 2) * 3_600_000, '5 d 2 h'],
    [7 * 86_400_000, '7 d'],
  ])('of %i ms is %s', (ms, words) => {
    expect(span(ms)).toBe(words);
    expect(age(NOW - ms, NOW)).toBe(`${words} ago`);
  });

  it('may be in the future', () => {
    expect(age(NOW + 20_000, NOW)).toBe('in 20 s');
    expect(moment(Date.UTC(2026, 10, 24, 1, 2, 3), Date.UTC(2026, 10, 24, 4, 14, 3))).toBe(
      '2026-11-24 01:02:03 UTC, 3 h 12 min ago',
    );
  });
});

describe('the tree', () => {
  it('shows a request as a person reads it', () => {
    const [line = ''] = captureLines('legacy-marshal.ndjson').filter((it) => it.includes('"SEND"'));
    expect(text(decode(line))).toBe(
      `line of a capture (JSON, 1310 bytes)
│ at:   2026-11-23 05:34:43 UTC, 1 d 0 h ago
│ conn: 1
│ dir:  to-broker
└─ STOMP frame
   │ command:        SEND
   │ timestamp:      2026-11-23 05:34:43 UTC, 1 d 0 h ago
   │ expires:        2026-11-23 05:35:53 UTC, 1 d 0 h ago
   │ reply-to:       /queue/mcollective.reply.client.example.net_5069.1
   │ mc_sender:      client.example.net
   │ destination:    /topic/mcollective.discovery.agent
   │ content-length: 717
   │ content-type:   text/plain; charset=UTF-8
   └─ MCollective request (Marshal, 717 bytes)
      │ senderid:   client.example.net
      │ requestid:  9c3fcdadef8c5bde8d0b06715b737d0a
      │ filter:     none, all nodes are meant
      │ collective: mcollective
      │ agent:      discovery
      │ callerid:   cert=alice-public
      │ ttl:        60 s, ended 1 d 0 h ago
      │ msgtime:    2026-11-23 05:34:43 UTC, 1 d 0 h ago
      │ hash:       256 bytes in base64, awIUsxv0vjgtdLRjghe/tGFcH6y5l1e0…
      │ ✓ signature valid: made with the key of cert=alice-public (alice-public.pem)
      └─ signed document of an MCollective request (Marshal, 56 bytes)
         │ ssl_ttl:     60
         │ ssl_msgtime: 2026-11-23 05:34:43 UTC, 1 d 0 h ago
         └─ discovery ping (Marshal)`.replaceAll('1 d 0 h', span(NOW - 1_795_412_083_000)),
    );
  });

  it('shows where a message goes wrong', () => {
    expect(text(decode('{"statuscode":0,"data":{"a":tru'))).toBe(
      `RPC reply (JSON, 31 bytes)
  statuscode: 0, ok
  data:       {a: null}
  ✗ not JSON: unexpected text, at byte 28
    byte 12: 22 3a 30 2c 22 64 61 74 61 22 3a 7b 22 61 22 3a [74] 72 75  ":0,"data":{"a":tru`,
    );
  });

  it('cuts what is long, and shows all of it when told to', () => {
    const long = layerOf('json', {
      fields: [
        { name: 'text', value: 'x'.repeat(300) },
        { name: 'binary', value: Buffer.alloc(40, 0xab) },
        { name: 'list', value: Array.from({ length: 60 }, (_, i) => i) },
        { name: 'deep', value: new Map([['inside', 'y'.repeat(300)]]) },
        { name: 'filter', value: new Map([['fact', []]]), text: 'in words' },
      ],
    });
    const short = text(long);
    expect(short).toContain(`${'x'.repeat(200)}… (100 more characters, --full shows them)`);
    expect(short).toContain(`40 bytes: ${'ab'.repeat(32)}… (--full shows them)`);
    expect(short).toContain('- 49\n');
    expect(short).toContain('… 10 more, --full shows them');
    expect(short).toContain('102 more characters');
    expect(short).not.toContain('- 50\n');
    const full = text(long, true);
    expect(full).toContain('x'.repeat(300));
    expect(full).toContain(`40 bytes: ${'ab'.repeat(40)}`);
    expect(full).toContain('- 59');
    expect(full).toContain('y'.repeat(300));
    expect(full).toContain('in words\n    {fact: []}');
    expect(full).not.toContain('--full');
  });

  it('has as many fields as a message has', () => {
    const many = Array.from({ length: 130_000 }, (_, i) => ({ name: `f${i}`, value: i }));
    expect(text(layerOf('json', { fields: many }))).toContain('\n  f129999: 129999');
  });

  it('says of a ttl that ends beyond all time no more than its number', () => {
    const request = (ttl: number) =>
      `{"protocol":"choria:request:1","message":"ping","envelope":{"ttl":${ttl},"time":1700000000}}`;
    expect(text(decode(request(60)))).toContain('ttl:  60 s, ended ');
    expect(text(decode(request(Number.MAX_SAFE_INTEGER)))).toMatch(/ttl: {2}9007199254740991\n/);
  });

  it('tells text from numbers', () => {
    const data = new Map<string, string | number>([
      ['number', 5],
      ['text', '5'],
    ]);
    expect(text(layerOf('rpc-reply', { fields: [{ name: 'data', value: data }] }))).toContain(
      '{number: 5, text: "5"}',
    );
  });
});

describe('JSON for programs', () => {
  const json = (bytes: string) => JSON.parse(formatJson(messageValue(decode(bytes), 'file', 3)));

  it('has the layers, the times and the verdicts', () => {
    const [line = ''] = captureLines('choria-v1.ndjson');
    const message = json(line);
    expect(message).toMatchObject({
      source: 'file',
      line: 3,
      whole: true,
      message: { kind: 'capture', format: 'json', times: { at: '2026-11-23T05:37:18.453Z' } },
    });
    const secure = message.message.inside[0].inside[0];
    expect(secure.verdicts).toMatchObject([{ of: 'signature', state: 'valid' }]);
    expect(secure.inside[0]).toMatchObject({
      kind: 'request-v1',
      fields: { ttl: 60, agent: 'discovery' },
      times: { time: '2026-11-23T05:37:18.000Z', ttl: '2026-11-23T05:38:18.000Z' },
      words: { filter: 'none, all nodes are meant' },
      inside: [{ kind: 'ping' }],
    });
  });

  it('has no end of a ttl that ends beyond all time', () => {
    const ends = (ttl: number) =>
      json(`{"protocol":"choria:request:1","message":"ping","envelope":{"ttl":${ttl},"time":1700000000}}`)
        .message.times;
    expect(ends(8_640_000_000_000 - 1_700_000_000)).toMatchObject({ ttl: '+275760-09-13T00:00:00.000Z' });
    for (const ttl of [8_640_000_000_001, -Number.MAX_SAFE_INTEGER])
      expect(ends(ttl)).toEqual({ time: '2023-11-14T22:13:20.000Z' });
  });

  it('has the problems, with their bytes', () => {
    expect(json('{"statuscode":0,')).toMatchObject({
      whole: false,
      message: {
        kind: 'rpc-reply',
        problems: [{ message: 'not JSON: unexpected end', offset: 16, excerpt: { from: 0 } }],
      },
    });
  });
});

describe('an input', () => {
  const lines = (input: string): readonly (readonly [number | undefined, string])[] =>
    [...piecesOf(Buffer.from(input))].map(({ line, bytes }) => [line, bytes.toString()]);

  it('holds a message on each line where lines are JSON objects', () => {
    expect(lines('{"a":1}\n\n{"b":2}\r\n')).toEqual([
      [1, '{"a":1}'],
      [3, '{"b":2}'],
    ]);
  });

  it('is the same behind the byte order mark of an editor', () => {
    expect(lines('\ufeff{"a":1}\n{"b":2}\n')).toEqual([
      [1, '{"a":1}'],
      [2, '{"b":2}'],
    ]);
    expect(lines('\ufeff---\na: b\n')).toEqual([[undefined, '---\na: b\n']]);
    expect(lines('\ufeff')).toEqual([[undefined, '']]);
  });

  it('is one message otherwise', () => {
    for (const input of [
      '{"a":1}\n',
      '{\n  "a": 1\n}\n',
      '---\na: b\n',
      'SEND\na:b\n\n{}\0',
      '',
      'YWJj\nZGVm\n',
    ])
      expect(lines(input)).toEqual([[undefined, input]]);
  });

  it('keeps its lines where one is damaged', () => {
    expect(lines('{"a":1}\nz"b":2}\n{"c":3}').map(([line]) => line)).toEqual([1, 2, 3]);
  });
});
