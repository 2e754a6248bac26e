import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LinkError } from '../../../src/transport/link.ts';
import { NatsParser } from '../../../src/transport/nats/parser.ts';

/** What the parser hands over for these chunks, in order. */
const parse = (...chunks: readonly (string | Uint8Array)[]): readonly unknown[] => {
  const heard: unknown[] = [];
  const parser = new NatsParser({
    message: ({ subject, subscription, reply, headers, body }) =>
      heard.push([subject, subscription, reply, headers?.toString(), body.toString()]),
    info: (json) => heard.push(['INFO', json]),
    ping: () => heard.push('PING'),
    pong: () => heard.push('PONG'),
    error: (text) => heard.push(['-ERR', text]),
  });
  for (const chunk of chunks) parser.push(Buffer.from(chunk));
  return heard;
};

// The forms of docs.nats.io, "NATS Protocol", and of ADR-4.
const SPOKEN = [
  'INFO {"server_id":"a","max_payload":1048576} \r\n',
  '+OK\r\n',
  'MSG a.b 1 5\r\nhello\r\n',
  'MSG a.b 12 c.d 0\r\n\r\n',
  'PING\r\n',
  'HMSG a 3 20 25\r\nNATS/1.0\r\nA: one\r\n\r\nhello\r\n',
  'MSG\ta  4\t 8 \r\nMSG\r\n\0é\r\n',
  'HMSG a 5 r 16 16\r\nNATS/1.0 503\r\n\r\n\r\n',
  '-ERR \'Permissions Violation for Publish to "a"\'\r\n',
  'PONG\r\n',
].join('');

const HEARD = [
  ['INFO', '{"server_id":"a","max_payload":1048576}'],
  ['a.b', '1', undefined, undefined, 'hello'],
  ['a.b', '12', 'c.d', undefined, ''],
  'PING',
  ['a', '3', undefined, 'NATS/1.0\r\nA: one\r\n\r\n', 'hello'],
  ['a', '4', undefined, undefined, 'MSG\r\n\0é'],
  ['a', '5', 'r', 'NATS/1.0 503\r\n\r\n', ''],
  ['-ERR', 'Permissions Violation for Publish to "a"'],
  'PONG',
];

describe('what a NATS server says', () => {
  test('is cut into commands', () => {
    expect(parse(SPOKEN)).toEqual(HEARD);
  });

  test('is the same however it is cut into chunks', () => {
    const bytes = Buffer.from(SPOKEN);
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: bytes.length - 1 }), { maxLength: bytes.length });
    fc.assert(
      fc.property(cuts, (at) => {
        const ends = [...at.toSorted((a, b) => a - b), bytes.length];
        const chunks = ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
        expect(parse(...chunks)).toEqual(HEARD);
      }),
    );
  });

  test('may be a body of many chunks, which is put together once', () => {
    const body = 'x'.repeat(3_000_000);
    const text = `MSG a 1 ${body.length}\r\n${body}\r\nPING\r\n`;
    const chunks = Array.from({ length: Math.ceil(text.length / 1_000) }, (_, i) =>
      text.slice(i * 1_000, (i + 1) * 1_000),
    );
    expect(parse(...chunks)).toEqual([['a', '1', undefined, undefined, body], 'PING']);
  });

  test.for([
    ['another protocol', 'HTTP/1.1 400 Bad Request\r\n'],
    ['a size that is none', 'MSG a 1 five\r\nhello\r\n'],
    ['a negative size', 'MSG a 1 -5\r\nhello\r\n'],
    ['a size beyond what any server allows', 'MSG a 1 99999999\r\n'],
    ['a size too long to be a number', `MSG a 1 ${'9'.repeat(400)}\r\n`],
    ['too few fields', 'MSG a 5\r\nhello\r\n'],
    ['too many fields', 'MSG a 1 b c 5\r\nhello\r\n'],
    ['headers longer than the message', 'HMSG a 1 6 5\r\nhello\r\n'],
    ['a message longer than announced', 'MSG a 1 4\r\nhello\r\n'],
    ['a line without an end', 'x'.repeat(1024 * 1024 + 1)],
  ])('is refused with %s', ([, text]) => {
    expect(() => parse(text ?? '')).toThrow(LinkError);
  });

  test('is, whatever it is, commands or a LinkError', () => {
    const word = fc.constantFrom(
      'MSG',
      'HMSG',
      'INFO',
      '-ERR',
      'PING',
      '\r\n',
      '\n',
      ' ',
      'a',
      '1',
      '5',
      '{}',
    );
    const said = fc.oneof(
      fc.array(word, { maxLength: 40 }).map((words) => Buffer.from(words.join(''))),
      fc.uint8Array({ maxLength: 200 }),
    );
    fc.assert(
      fc.property(said, (bytes) => {
        try {
          parse(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(LinkError);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
