import { createPublicKey } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { createSerializer } from '../../../src/adapters/mcollective/wire/serializer.ts';
import { DEFAULT_RUBY_LIMITS, RubyHash, RubySymbol } from '../../../src/codec/ruby/value.ts';
import type { ReadableReply, ReadableReplyAddress, ReplyPayload } from '../../../src/envelope/message.ts';
import type { Rejection } from '../../../src/envelope/rejection.ts';
import { SigningPool } from '../../../src/pki/signing-pool.ts';
import { LinkError } from '../../../src/transport/link.ts';
import { serverKeys, settled } from '../world.ts';
import {
  type FakeLink,
  fakeLink,
  type IngressOverrides,
  makeStompIngress,
  REPLY_QUEUE,
  readReply,
} from './ingress-world.ts';

const NOW = 1_800_000_000;
const home: ReadableReplyAddress = {
  ingress: 'mco',
  replyTo: REPLY_QUEUE,
  requestId: 'a'.repeat(32),
  agent: 'rpcutil',
  collective: 'mcollective',
  dialect: 'legacy',
  expires: (NOW + 40) * 1000,
};
const replyWith = (payload: ReplyPayload): ReadableReply => ({
  home,
  sender: 'n1.example.net',
  time: (NOW - 1) * 1000,
  payload,
});
const OK: ReplyPayload = {
  kind: 'rpc',
  statusCode: 0,
  statusMessage: 'OK',
  data: new Map([['out', new Map([['deep', 1]])]]),
};

/** Signs when it is told to. */
class SlowPool extends SigningPool {
  readonly #held: (() => void)[] = [];

  override add(...job: Parameters<SigningPool['add']>): void {
    this.#held.push(() => super.add(...job));
  }

  release(): void {
    for (const job of this.#held.splice(0)) job();
  }
}

const stage = (overrides: IngressOverrides = {}, link: FakeLink = fakeLink()) => {
  const ingress = makeStompIngress(link, {
    clock: () => NOW * 1000 + 700,
    ...overrides,
  });
  return { ingress, link };
};

/** The one frame that a reply becomes. */
const sentFor = async (reply: ReadableReply, overrides: IngressOverrides = {}) => {
  const { ingress, link } = stage(overrides);
  ingress.reply(reply);
  await ingress.close();
  const [frame] = link.sent;
  if (frame === undefined || link.sent.length > 1) throw new Error(`${link.sent.length} frames were sent`);
  return { ...frame, body: Buffer.from(frame.body) };
};

describe('a reply to a legacy client', () => {
  it('is the frame that the node itself would send', async () => {
    const frame = await sentFor(replyWith(OK));
    expect(frame).toMatchObject({ destination: REPLY_QUEUE, expires: home.expires });
    expect(frame.headers).toEqual({
      timestamp: `${NOW}000`,
      expires: `${NOW + 40 + 10}000`,
      mc_sender: 'n1.example.net',
    });
    expect(readReply(frame.body)).toMatchObject({
      senderId: 'n1.example.net',
      requestId: home.requestId,
      agent: 'rpcutil',
      time: NOW - 1,
      payload: OK,
    });
  });

  it('bears the priority that was asked for', async () => {
    expect((await sentFor(replyWith(OK), { priority: 4 })).headers).toMatchObject({ priority: '4' });
  });

  it('has symbols as keys of its data, and text below', async () => {
    const serializer = createSerializer('marshal', DEFAULT_RUBY_LIMITS);
    const payload = serializer.decode(readReply((await sentFor(replyWith(OK))).body).body);
    const data = payload instanceof RubyHash ? payload.symbol('data') : undefined;
    const [key, value] = (data instanceof RubyHash ? data.entries[0] : undefined) ?? [];
    expect(key).toEqual(new RubySymbol('out'));
    expect(value instanceof RubyHash && value.string('deep')).toBe(1);
  });

  it('always has data, because clients look into it', async () => {
    const frame = await sentFor(replyWith({ ...OK, statusCode: 5, data: null }));
    expect(readReply(frame.body).payload).toMatchObject({ statusCode: 5, data: new Map() });
  });

  it('is refused for a requester of another protocol', () => {
    const { ingress } = stage();
    expect(() => ingress.reply({ ...replyWith(OK), home: { ...home, dialect: 'go' } })).toThrow(
      expect.objectContaining({ code: 'invalid_field' }),
    );
  });

  it.each(['/queue/secret.reply.x_1.1', '/topic/mcollective.rpcutil.agent', '/queue/mcollective.reply.>'])(
    'never goes to %s',
    (replyTo) => {
      const { ingress, link } = stage();
      expect(() => ingress.reply({ ...replyWith(OK), home: { ...home, replyTo } })).toThrow(
        expect.objectContaining({ code: 'invalid_reply_to' }),
      );
      expect(link.sent).toEqual([]);
    },
  );
});

describe('replies that wait for their signature', () => {
  it('are bounded: one more is refused at once', async () => {
    const signing = new SlowPool(1);
    const { ingress, link } = stage({ pool: signing, maxUnsignedBytes: 1_800 });
    ingress.reply(replyWith(OK));
    ingress.reply(replyWith(OK));
    expect(() => ingress.reply(replyWith(OK))).toThrow(expect.objectContaining({ code: 'overloaded' }));
    const closed = ingress.close();
    signing.release();
    await closed;
    expect(link.sent).toHaveLength(2);
  });

  it('have room of their own: of the bridge’s own refusals a hundred wait', async () => {
    const signing = new SlowPool(1);
    const add = vi.spyOn(signing, 'add');
    const { ingress, link } = stage({ pool: signing, maxUnsignedBytes: 1 });
    const refusal: ReadableReply = { ...replyWith({ ...OK, statusCode: 5 }), refusal: true };
    for (let n = 0; n < 100; n++) ingress.reply(refusal);
    expect(() => ingress.reply(refusal)).toThrow(
      expect.objectContaining({ code: 'overloaded', message: '100 refusals already wait to be signed' }),
    );
    ingress.reply(replyWith(OK));
    expect(() => ingress.reply(replyWith(OK))).toThrow(expect.objectContaining({ code: 'overloaded' }));
    expect(add.mock.calls.slice(-2).map(([, priority]) => priority)).toEqual(['refusal', 'reply']);
    const closed = ingress.close();
    signing.release();
    await closed;
    expect(link.sent).toHaveLength(101);
  });

  it('make room when they are signed', async () => {
    const signing = new SlowPool(1);
    const { ingress, link } = stage({ pool: signing, maxUnsignedBytes: 1 });
    for (let sent = 1; sent <= 3; sent++) {
      ingress.reply(replyWith(OK));
      signing.release();
      while (link.sent.length < sent) await settled();
    }
    await ingress.close();
  });

  it('are sent before the link is closed', async () => {
    const order: string[] = [];
    const link = fakeLink();
    const watched: FakeLink = {
      ...link,
      send: () => void order.push('sent'),
      close: async () => void order.push('closed'),
    };
    const signing = new SlowPool(1);
    const { ingress } = stage({ pool: signing }, watched);
    ingress.reply(replyWith(OK));
    const closed = ingress.close();
    expect(() => ingress.reply(replyWith(OK))).toThrow(expect.objectContaining({ code: 'draining' }));
    await settled();
    expect(order).toEqual([]);
    signing.release();
    await closed;
    expect(order).toEqual(['sent', 'closed']);
  });

  it('are reported where they cannot be sent after all', async () => {
    const link: FakeLink = {
      ...fakeLink(),
      send: () => {
        throw new LinkError('overloaded', 'the send buffer is full');
      },
    };
    const { ingress } = stage({}, link);
    const unsent: Rejection[] = [];
    ingress.reply(replyWith(OK), (rejection) => void unsent.push(rejection));
    await ingress.close();
    expect(unsent).toMatchObject([
      { code: 'overloaded', context: { requestId: home.requestId, sender: 'n1.example.net' } },
    ]);
  });

  it('are reported where they cannot be signed', async () => {
    const { ingress, link } = stage({ serverKey: createPublicKey(serverKeys.privateKey) });
    const unsent: Rejection[] = [];
    ingress.reply(replyWith(OK), (rejection) => void unsent.push(rejection));
    await ingress.close();
    expect(link.sent).toEqual([]);
    expect(unsent).toMatchObject([{ code: 'internal', message: expect.stringContaining('public') }]);
  });
});
