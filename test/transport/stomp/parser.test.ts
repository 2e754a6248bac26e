import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { LinkError } from '../../../src/transport/link.ts';
import type { Frame, StompVersion } from '../../../src/transport/stomp/frame.ts';
import { FrameParser } from '../../../src/transport/stomp/parser.ts';

const MAX = 1024 * 1024;

/** A frame with its headers as a plain object, for comparisons. */
interface Seen {
  readonly command: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const seen = ({ command, headers, body }: Frame): Seen => ({
  command,
  headers: { ...headers },
  body: body.toString('base64'),
});

const parserOf = (version?: StompVersion, maxBody = MAX) => {
  const frames: Seen[] = [];
  const tooLarge: (readonly [command: string, bytes: number])[] = [];
  const parser = new FrameParser(maxBody, {
    onFrame: (frame) => frames.push(seen(frame)),
    onTooLarge: ({ command }, bytes) => tooLarge.push([command, bytes]),
  });
  if (version !== undefined) parser.version = version;
  return { parser, frames, tooLarge };
};

const parse = (bytes: string | Buffer, version: StompVersion = '1.2'): readonly Seen[] => {
  const { parser, frames } = parserOf(version);
  parser.push(typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
  return frames;
};

const base64 = (text: string): string => Buffer.from(text).toString('base64');

const protocolError = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof LinkError && error.code === 'protocol') return error.message;
    throw error;
  }
  throw new Error('no error was thrown');
};

interface Captured {
  readonly command: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const isCaptured = (value: unknown): value is Captured =>
  typeof value === 'object' && value !== null && 'command' in value && 'headers' in value && 'body' in value;

const captured = (file: string): readonly Captured[] =>
  readFileSync(new URL(`../../../fixtures/captures/${file}`, import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line))
    .filter(isCaptured);

const wireOf = ({ command, headers, body }: Captured): Buffer =>
  Buffer.concat([
    Buffer.from(
      `${command}\n${Object.entries(headers)
        .map(([name, value]) => `${name}:${value}\n`)
        .join('')}\n`,
    ),
    Buffer.from(body, 'base64'),
    Buffer.from('\0\n'),
  ]);

describe('a frame parser', () => {
  test.each(['legacy-marshal.ndjson', 'legacy-yaml.ndjson'])('reads every frame of %s', (file) => {
    const frames = captured(file);
    expect(frames.length).toBeGreaterThan(10);
    const all = Buffer.concat(frames.map(wireOf));
    const expected = frames.map(({ command, headers, body }) => ({ command, headers, body }));
    expect(parse(all, '1.0')).toEqual(expected);
    const { parser, frames: dripped } = parserOf('1.0');
    for (const byte of all) parser.push(Buffer.from([byte]));
    expect(dripped).toEqual(expected);
  });

  test('reads a frame that is split at any byte', () => {
    const wire = Buffer.from(
      '\n\r\nMESSAGE\r\nsubscription:1\r\ndestination:/queue/a\r\ncontent-length:4\r\n\r\na\0\n\0\0\r\n\nRECEIPT\nreceipt-id:9\n\n\0',
    );
    const expected = [
      {
        command: 'MESSAGE',
        headers: { subscription: '1', destination: '/queue/a', 'content-length': '4' },
        body: base64('a\0\n\0'),
      },
      { command: 'RECEIPT', headers: { 'receipt-id': '9' }, body: '' },
    ];
    for (let i = 0; i <= wire.length; i++)
      for (let j = i; j <= wire.length; j += 7) {
        const { parser, frames } = parserOf('1.2');
        for (const part of [wire.subarray(0, i), wire.subarray(i, j), wire.subarray(j)]) parser.push(part);
        expect(frames).toEqual(expected);
      }
  });

  test('reads ActiveMQ 5.17.2’s own bytes: an answer to CONNECT, a refusal, a receipt', () => {
    const connected =
      'CONNECTED\nserver:ActiveMQ/5.17.2\nheart-beat:1000,1000\nsession:ID:vm-36637-1795415661897-3:4\nversion:1.2\n\n\0\n';
    const refused =
      'ERROR\ncontent-type:text/plain\nmessage:User name [mcollective] or password is invalid.\n\nUser name [mcollective] or password is invalid.\0\n';
    const { parser, frames } = parserOf();
    parser.push(Buffer.from(`${connected}${refused}RECEIPT\nreceipt-id:7\n\n\0\n`));
    expect(frames.map(({ command }) => command)).toEqual(['CONNECTED', 'ERROR', 'RECEIPT']);
    expect(frames[0]?.headers['session']).toBe('ID:vm-36637-1795415661897-3:4');
    expect(frames[1]?.body).toBe(base64('User name [mcollective] or password is invalid.'));
  });

  test('takes a body without content-length up to the NUL', () => {
    expect(parse('MESSAGE\na:b\n\nhello\0\n\nMESSAGE\na:c\n\n\0')).toEqual([
      { command: 'MESSAGE', headers: { a: 'b' }, body: base64('hello') },
      { command: 'MESSAGE', headers: { a: 'c' }, body: '' },
    ]);
  });

  test('lets the first of repeated headers count', () => {
    expect(parse('MESSAGE\nfoo:World\nfoo:Hello\n\n\0')[0]?.headers).toEqual({ foo: 'World' });
  });

  test('unescapes what the version escapes', () => {
    const wire = 'MESSAGE\nn\\cm:a\\\\n\\n\\cz\n\n\0';
    expect(parse(wire, '1.1')[0]?.headers).toEqual({ 'n:m': 'a\\n\n:z' });
    expect(parse(wire, '1.2')[0]?.headers).toEqual({ 'n:m': 'a\\n\n:z' });
    expect(parse(wire, '1.0')[0]?.headers).toEqual({ 'n\\cm': 'a\\\\n\\n\\cz' });
    expect(parse('MESSAGE\na:b\\r\n\n\0', '1.2')[0]?.headers).toEqual({ a: 'b\r' });
  });

  test('never unescapes CONNECTED', () => {
    expect(parse('CONNECTED\nsession:a\\cb\\t\n\n\0', '1.2')[0]?.headers).toEqual({ session: 'a\\cb\\t' });
  });

  test('refuses escapes that the version does not know', () => {
    expect(protocolError(() => parse('MESSAGE\na:b\\t\n\n\0', '1.2'))).toContain('undefined escape');
    expect(protocolError(() => parse('MESSAGE\na:b\\r\n\n\0', '1.1'))).toContain('undefined escape');
    expect(protocolError(() => parse('MESSAGE\na:b\\\n\n\0', '1.1'))).toContain('undefined escape');
  });

  test('strips CR at line ends in 1.2 only', () => {
    expect(parse('MESSAGE\r\na:b\r\n\r\n\0', '1.2')[0]?.headers).toEqual({ a: 'b' });
    expect(parse('MESSAGE\na:b\r\n\n\0', '1.1')[0]?.headers).toEqual({ a: 'b\r' });
  });

  test('takes header names like any other that mean something to JavaScript', () => {
    const frames: Frame[] = [];
    const parser = new FrameParser(MAX, { onFrame: (f) => frames.push(f), onTooLarge: () => frames.pop() });
    parser.push(Buffer.from('MESSAGE\n__proto__:x\nconstructor:y\n\n\0'));
    const headers = frames[0]?.headers ?? {};
    expect(Object.entries(headers)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
    expect(headers['toString']).toBeUndefined();
  });

  test.each([
    ['another protocol', 'HTTP/1.1 400 Bad Request\r\n'],
    ['binary', Buffer.from([0x15, 0x03, 0x01, 0x00, 0x02])],
    ['a lower-case command', 'message\na:b\n\n\0'],
    ['a header without a colon', 'MESSAGE\nab\n\n\0'],
    ['a header without a name', 'MESSAGE\n:b\n\n\0'],
    ['a content-length that is no number', 'MESSAGE\ncontent-length:-1\n\n\0'],
    ['a content-length beyond reason', 'MESSAGE\ncontent-length:99999999999\n\n\0'],
    ['a body that goes on after its content-length', 'MESSAGE\ncontent-length:1\n\nab\0'],
    ['a command that never ends', 'A'.repeat(100)],
    ['headers that never end', `MESSAGE\n${'a:b\n'.repeat(20_000)}`],
    ['headers above the limit', `MESSAGE\n${'a:b\n'.repeat(20_000)}\n\0`],
  ])('refuses %s', (_, bytes) => {
    expect(protocolError(() => parse(bytes))).not.toBe('');
  });

  test('notices garbage before a line has come to its end', () => {
    const { parser } = parserOf();
    parser.push(Buffer.from('\n\nMESS'));
    expect(protocolError(() => parser.push(Buffer.from('age without end')))).toContain('not a STOMP frame');
  });

  test.each([
    ['of known length', `MESSAGE\ncontent-length:300\n\n${'\0'.repeat(300)}\0`, 300],
    ['that ends with a NUL', `MESSAGE\n\n${'x'.repeat(300)}\0`, 300],
  ])('skips and reports a body %s that is too large, and reads on', (_, wire, bytes) => {
    for (const step of [1, 7, 10_000]) {
      const { parser, frames, tooLarge } = parserOf('1.2', 299);
      const all = Buffer.from(`${wire}\nRECEIPT\nreceipt-id:1\n\n\0`);
      for (let at = 0; at < all.length; at += step) parser.push(all.subarray(at, at + step));
      expect(tooLarge).toEqual([['MESSAGE', bytes]]);
      expect(frames.map(({ command }) => command)).toEqual(['RECEIPT']);
    }
  });

  test('reads 10 MB in small chunks with one copy', () => {
    const body = Buffer.alloc(10 * 1024 * 1024, 'abc\0');
    const sizes: number[] = [];
    const parser = new FrameParser(16 * 1024 * 1024, {
      onFrame: (frame) => sizes.push(frame.body.equals(body) ? frame.body.length : -1),
      onTooLarge: () => sizes.push(-2),
    });
    const wire = Buffer.concat([
      Buffer.from(`MESSAGE\ncontent-length:${body.length}\n\n`),
      body,
      Buffer.from('\0'),
    ]);
    for (let at = 0; at < wire.length; at += 100) parser.push(wire.subarray(at, at + 100));
    expect(sizes).toEqual([body.length]);
  });

  test('hands over nothing after it was stopped', () => {
    const frames: string[] = [];
    const parser = new FrameParser(MAX, {
      onFrame: ({ command }) => {
        frames.push(command);
        parser.stop();
      },
      onTooLarge: () => frames.push('too large'),
    });
    parser.push(Buffer.from('ERROR\n\n\0MESSAGE\n\n\0'));
    expect(frames).toEqual(['ERROR']);
  });
});
