import { describe, expect, test } from 'vitest';
import { createSerializer } from '../../../src/adapters/mcollective/wire/serializer.ts';
import { BUILT_IN } from '../../../src/adapters/registry.ts';
import { changesBetween } from '../../../src/capture/replay/compare.ts';
import { normalize, normalizedBody } from '../../../src/capture/replay/normalize.ts';
import { replyPathsOf } from '../../../src/capture/replay/reply-paths.ts';
import {
  DEFAULT_RUBY_LIMITS,
  RubyFloat,
  RubyHash,
  RubyString,
  type RubyValue,
  symbol,
} from '../../../src/codec/ruby/index.ts';

const marshal = createSerializer('marshal', DEFAULT_RUBY_LIMITS);
const WAY = `/queue/mcollective.reply.production.${'A'.repeat(60)}`;
const OTHER = `/queue/mcollective.reply.production.${'B'.repeat(60)}`;

const legacy = (data: RubyValue, hash = 'signature'): Buffer =>
  marshal.encode(
    new RubyHash([
      [symbol('body'), new RubyString(marshal.encode(new RubyHash([[symbol('data'), data]])), 'ASCII-8BIT')],
      [symbol('hash'), hash],
    ]),
  );

const choria = (body: object, headers: object, signature: object): Buffer => {
  const request = JSON.stringify({ protocol: 'choria:request:1', message: JSON.stringify(body) });
  const secure = JSON.stringify({ protocol: 'choria:secure:request:1', message: request, ...signature });
  const data = Buffer.from(secure).toString('base64');
  return Buffer.from(JSON.stringify({ protocol: 'choria:transport:1', data, headers }));
};

const WAYS = replyPathsOf(BUILT_IN);
const meant = (body: Buffer, place?: 'signed') => normalizedBody(body, place, WAYS.withoutToken);

const changed = (one: Buffer, other: Buffer): readonly string[] =>
  changesBetween(meant(one), meant(other)).map(({ path }) => path);

const MESSAGE = { at: 0, link: 'a', side: 'egress', dir: 'out', destination: 'somewhere' } as const;

/** The same of two whole messages. */
const changedIn = (one: Buffer, other: Buffer): readonly string[] =>
  changesBetween(normalize(MESSAGE, one, WAYS), normalize(MESSAGE, other, WAYS)).map(({ path }) => path);

const pair = (key: RubyValue, value: RubyValue): readonly [RubyValue, RubyValue] => [key, value];
const DATA = 'message.:body.message.:data';

describe('in a legacy message', () => {
  test('a signature is any, and data are not, whatever they look like', () => {
    expect(changed(legacy('x', 'one'), legacy('x', 'other'))).toEqual([]);
    expect(changed(legacy(WAY), legacy(OTHER))).toEqual([DATA]);
    const like = (hash: string) => new RubyHash([pair(symbol('hash'), hash), pair(symbol('body'), 'x')]);
    expect(changed(legacy(like('one')), legacy(like('other')))).toEqual([`${DATA}.:hash`]);
  });

  test.each<[string, RubyValue, RubyValue]>([
    ['an Integer is no Float', 1, new RubyFloat(1)],
    ['text is no bytes', 'a', new RubyString(Buffer.from('a'), 'ASCII-8BIT')],
    ['a symbol is no string', symbol('a'), 'a'],
  ])('keys have types: %s', (_, one, other) => {
    const keyed = (key: RubyValue): Buffer => legacy(new RubyHash([pair(key, 'x')]));
    expect(changed(keyed(one), keyed(other))).toHaveLength(2);
    expect(changed(keyed(one), keyed(one))).toEqual([]);
  });

  test('a key that is there twice hides nothing', () => {
    const twice = (first: string): Buffer => legacy(new RubyHash([pair('a', first), pair('a', 'x')]));
    expect(changed(twice('one'), twice('other'))).toEqual([`${DATA}[0]."a"`]);
  });
});

describe('in a message of Choria', () => {
  const REPLY_PATH = `mcollective.reply.mcbridge.${'A'.repeat(60)}`;
  const OTHER_HOME = `mcollective.reply.mcbridge.${'B'.repeat(60)}`;

  test('signatures and ways home are any', () => {
    const message = (way: string, signature: string): Buffer =>
      choria({ data: 1 }, { federation: { 'reply-to': way } }, { signature, pubcert: signature });
    expect(changed(message(REPLY_PATH, 'one'), message(OTHER_HOME, 'other'))).toEqual([]);
  });

  test('data are not, whatever they look like', () => {
    const message = (data: object): Buffer => choria({ data }, {}, {});
    expect(changed(message({ way: REPLY_PATH }), message({ way: OTHER_HOME }))).toEqual([
      'data.message.message.data.way',
    ]);
    const like = (signature: string) => message({ protocol: 'choria:secure:request:1', signature });
    expect(changed(like('one'), like('other'))).toEqual(['data.message.message.data.signature']);
  });
});

test.each(['ping', 'pong'])('a bare word is no text in quotes, for they are two dialects: %s', (word) => {
  const said = (message: string): Buffer =>
    Buffer.from(JSON.stringify({ protocol: 'choria:request:1', message }));
  const change = (one: string, other: string) =>
    changesBetween(meant(said(one), 'signed'), meant(said(other), 'signed'));
  expect(change(word, word)).toEqual([]);
  expect(change(`"${word}"`, `"${word}"`)).toEqual([]);
  expect(change(word, `"${word}"`)).toEqual([
    { path: 'message', recorded: `bare "${word}"`, replayed: `"${word}"` },
  ]);
});

describe('a moment that the bridge writes may be a second later, and a node’s own may not', () => {
  const legacyReply = (msgtime: number, own: number): Buffer =>
    marshal.encode(
      new RubyHash([
        [symbol('senderagent'), 'rpcutil'],
        [symbol('msgtime'), msgtime],
        [symbol('hash'), 'signature'],
        [
          symbol('body'),
          new RubyString(
            marshal.encode(new RubyHash([[symbol('data'), new RubyHash([[symbol('msgtime'), own]])]])),
            'ASCII-8BIT',
          ),
        ],
      ]),
    );

  test.each<[string, (bytes: Buffer) => Buffer, string]>([
    ['legacy', (bytes) => bytes, 'body'],
    ['legacy in base64', (bytes) => Buffer.from(bytes.toString('base64')), 'body.base64'],
  ])('%s', (_, written, at) => {
    const reply = (msgtime: number, own: number): Buffer => written(legacyReply(msgtime, own));
    expect(changedIn(reply(1000, 7), reply(1002, 7))).toEqual([]);
    expect(changedIn(reply(1000, 7), reply(1003, 7))).toEqual([`${at}.message.:msgtime`]);
    expect(changedIn(reply(1000, 7), reply(1000, 8))).toEqual([`${at}.message.:body.message.:data.:msgtime`]);
  });

  test('of Choria', () => {
    const reply = (time: number, own: number): Buffer => {
      const body = JSON.stringify({ data: { envelope: { time: own } } });
      const message = JSON.stringify({ protocol: 'choria:reply:1', message: body, envelope: { time } });
      const secure = JSON.stringify({ protocol: 'choria:secure:reply:1', message, hash: '' });
      const data = Buffer.from(secure).toString('base64');
      return Buffer.from(JSON.stringify({ protocol: 'choria:transport:1', data, headers: {} }));
    };
    expect(changedIn(reply(1000, 7), reply(1002, 7))).toEqual([]);
    expect(changedIn(reply(1000, 7), reply(1003, 7))).toEqual(['body.data.message.envelope.time']);
    expect(changedIn(reply(1000, 7), reply(1000, 8))).toEqual([
      'body.data.message.message.data.envelope.time',
    ]);
  });
});
