import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LinkError, type OutgoingMessage } from '../../../src/transport/link.ts';
import { FrameBatch } from '../../../src/transport/stomp/batch.ts';
import { type Frame, STOMP_VERSIONS, type StompVersion } from '../../../src/transport/stomp/frame.ts';
import { FrameParser } from '../../../src/transport/stomp/parser.ts';
import { writeFrame, writeSendHead } from '../../../src/transport/stomp/writer.ts';

const message = (more: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  destination: '/queue/mcollective.nodes',
  body: Buffer.from('body'),
  expires: 0,
  ...more,
});

const parseAll = (wire: Uint8Array, version: StompVersion): readonly Frame[] => {
  const frames: Frame[] = [];
  const parser = new FrameParser(16 * 1024 * 1024, {
    onFrame: (frame) => frames.push(frame),
    onTooLarge: ({ command }) => {
      throw new Error(`${command} is too large`);
    },
  });
  parser.version = version;
  parser.push(Buffer.from(wire));
  return frames;
};

const refuses = (act: () => unknown): boolean => {
  try {
    act();
  } catch (error) {
    if (error instanceof LinkError && error.code === 'protocol') return true;
    throw error;
  }
  return false;
};

const text = fc.string({ unit: 'binary', maxLength: 20 });
const FORBIDDEN: Readonly<Record<StompVersion, RegExp>> = {
  '1.0': /[\0\r\n]/u,
  '1.1': /[\0\r]/u,
  '1.2': /\0/u,
};
const isWritable = (version: StompVersion, name: string, value: string): boolean =>
  name !== '' && !FORBIDDEN[version].test(name + value) && !(version === '1.0' && name.includes(':'));

describe.each(STOMP_VERSIONS)('in STOMP %s', (version) => {
  test('any header that can be written comes back as it was, any other is refused', () => {
    fc.assert(
      fc.property(text, text, (name, value) => {
        if (!isWritable(version, name, value))
          return refuses(() => writeFrame('MESSAGE', { [name]: value }, version));
        const [frame, ...others] = parseAll(writeFrame('MESSAGE', { [name]: value }, version), version);
        return others.length === 0 && frame?.headers[name] === value;
      }),
      { numRuns: 2000 },
    );
  });

  test('any batch of messages comes back as it was, whatever the bodies hold', () => {
    const outgoing = fc.record({
      destination: fc.stringMatching(/^\/queue\/[\w.]{1,40}$/),
      replyTo: fc.stringMatching(/^\/queue\/[\w.]{1,40}$/),
      headers: fc.dictionary(fc.stringMatching(/^x-[a-z_-]{1,20}$/), fc.stringMatching(/^[\w .:=\\€]*$/), {
        noNullPrototype: true,
      }),
      body: fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.nat(70_000).map((size) => Buffer.alloc(size, '\0ab')),
      ),
      expires: fc.constant(0),
    });
    fc.assert(
      fc.property(fc.array(outgoing, { maxLength: 12 }), (messages) => {
        const batch = new FrameBatch();
        const parts = messages.flatMap((m) => {
          batch.add(m, version);
          return batch.full ? batch.take() : [];
        });
        const wire = Buffer.concat([...parts, ...batch.take()]);
        expect(
          parseAll(wire, version).map(({ command, headers, body }) => [
            command,
            { ...headers },
            body.toString('base64'),
          ]),
        ).toEqual(
          messages.map(({ destination, replyTo, headers, body }) => [
            'SEND',
            { destination, 'reply-to': replyTo, ...headers, 'content-length': `${body.byteLength}` },
            Buffer.from(body).toString('base64'),
          ]),
        );
      }),
      { numRuns: 150 },
    );
  });
});

describe('a SEND frame', () => {
  test('has these very bytes', () => {
    const head = writeSendHead(
      message({
        replyTo: '/queue/mcollective.reply.a:b',
        headers: { mc_identity: 'node1', expires: '1795412153000', text: 'a\\b\n' },
      }),
      '1.1',
    );
    expect(head).toBe(
      'SEND\ndestination:/queue/mcollective.nodes\nreply-to:/queue/mcollective.reply.a\\cb\nmc_identity:node1\n' +
        'expires:1795412153000\ntext:a\\\\b\\n\ncontent-length:4\n\n',
    );
  });

  test('keeps its own headers, whatever the message brings', () => {
    const headers = { destination: '/queue/other', 'content-length': '1', receipt: 'r', transaction: 't' };
    expect(writeSendHead(message({ headers }), '1.2')).toBe(
      'SEND\ndestination:/queue/mcollective.nodes\ncontent-length:4\n\n',
    );
  });

  test('cannot be made to hold another header by a line feed', () => {
    const headers = { mc_identity: 'a\nreceipt:1' };
    expect(refuses(() => writeSendHead(message({ headers }), '1.0'))).toBe(true);
    expect(writeSendHead(message({ headers }), '1.2')).toContain('mc_identity:a\\nreceipt\\c1\n');
  });
});

describe('a CONNECT frame', () => {
  test('is never escaped', () => {
    expect(writeFrame('CONNECT', { passcode: 'a:b\\c' }, '1.2').toString()).toBe(
      'CONNECT\npasscode:a:b\\c\n\n\0',
    );
  });

  test('with an impossible passcode is refused without showing it', () => {
    const act = () => writeFrame('CONNECT', { passcode: 'sec\nret' });
    expect(act).toThrow('"passcode"');
    expect(act).not.toThrow('ret');
  });
});

describe('a batch', () => {
  test('joins the frames of small bodies into one buffer', () => {
    const batch = new FrameBatch();
    for (let i = 0; i < 200; i++) {
      batch.add(message({ body: Buffer.alloc(100) }), '1.2');
      if (batch.full) break;
    }
    expect(batch.take()).toHaveLength(1);
    expect(batch.take()).toHaveLength(0);
  });

  test('is full at 64 KiB, in one buffer still', () => {
    const batch = new FrameBatch();
    let count = 0;
    for (; !batch.full; count++) batch.add(message({ body: Buffer.alloc(1200) }), '1.2');
    expect(count).toBe(
      Math.ceil(65_536 / (1200 + writeSendHead(message({ body: Buffer.alloc(1200) }), '1.2').length + 1)),
    );
    expect(batch.take()).toHaveLength(1);
  });

  test('passes a large body on without copying it', () => {
    const body = Buffer.alloc(100_000, 'x');
    const batch = new FrameBatch();
    batch.add(message(), '1.2');
    batch.add(message({ body }), '1.2');
    expect(batch.take()).toContain(body);
  });

  test('does not change what it has handed over', () => {
    const batch = new FrameBatch();
    const taken = [300, 20_000].map((count) => {
      for (let i = 0; i < count / 100; i++) batch.add(message({ body: Buffer.alloc(100, 'a') }), '1.2');
      const parts = batch.take();
      return { parts, copy: Buffer.concat(parts) };
    });
    for (let i = 0; i < 100; i++) batch.add(message({ body: Buffer.alloc(1000, 'z') }), '1.2');
    for (const { parts, copy } of taken) expect(Buffer.concat(parts).equals(copy)).toBe(true);
  });

  test('is as it was after a message that cannot be written', () => {
    const batch = new FrameBatch();
    batch.add(message(), '1.0');
    expect(refuses(() => batch.add(message({ headers: { a: 'b\nc' } }), '1.0'))).toBe(true);
    expect(parseAll(Buffer.concat(batch.take()), '1.0')).toHaveLength(1);
  });
});
